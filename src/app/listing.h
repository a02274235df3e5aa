// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/columned.h"
#include "app/tool.h"

namespace sonde {

class Output;
class Outputs;

/// The half of Listing that does not depend on the type of its rows.
class ListingBase : public Tool {
 public:
  explicit ListingBase(ToolInfo info);

  [[nodiscard]] const ToolInfo& info() const final { return info_; }
  [[nodiscard]] RowKind row_kind() const final { return RowKind::row; }
  void options(Options&) override {}
  void common_options(Options& options, CommonOptions& common) override;
  /// The heading is printed with the first row, or at the end: a refusal comes without one.
  Exit run(const CommonOptions& options) final;

 protected:
  /// A sentence the reader should know: a source that is closed, a limit that was met.
  void note(std::string_view sentence) { sink_->note(sentence); }
  /// Whether the column of that key was chosen.
  [[nodiscard]] bool shown(std::string_view key) const;
  /// Where rows go, for a tool that writes something else there instead: no rows, heading or summary then.
  [[nodiscard]] Output& file();
  /// Fills one Value for each chosen column.
  using Fill = std::function<void(std::span<const std::size_t> chosen, std::span<Value> values)>;
  void put(const Fill& fill);

 private:
  virtual Exit list_all(const CommonOptions& options) = 0;
  void begin();

  ToolInfo info_;
  Outputs* outputs_ = nullptr;
  Sink* sink_ = nullptr;
  std::vector<std::size_t> chosen_;
  std::vector<const ColumnInfo*> shown_;
  bool begun_ = false;
  bool has_file_ = false;
  std::vector<Value> values_;
  std::uint64_t rows_ = 0;
};

/// A tool that traces nothing: it gives an account of what is, as rows of type R, and ends. A tool adds its columns in
/// the constructor and says in list() what the rows are.
template <class R>
class Listing : public Columned<R, ListingBase> {
  using Base = Columned<R, ListingBase>;

 public:
  using Base::Base;

 protected:
  void row(const R& r) {
    this->put([&](auto chosen, auto values) { this->fill_values(r, chosen, values); });
  }

  /// Calls row() for each row and note() as needed. Returns the exit code; throws Error.
  virtual Exit list(const CommonOptions& options) = 0;

 private:
  Exit list_all(const CommonOptions& options) final { return list(options); }
};

}  // namespace sonde
