// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/tool.h"

namespace sonde {

/// The half of Twofold that does not depend on the types of its faces: see there.
class TwofoldBase : public Tool {
 public:
  /// `asked_for_by` is the option that shows the other face: "--events".
  explicit TwofoldBase(std::string asked_for_by) : asked_for_by_(std::move(asked_for_by)) {}

  [[nodiscard]] const ToolInfo& info() const final { return standard().info(); }
  [[nodiscard]] std::vector<const ColumnInfo*> columns() const final { return face().columns(); }
  [[nodiscard]] std::vector<Backend> backends() const final { return face().backends(); }
  [[nodiscard]] RowKind row_kind() const final { return face().row_kind(); }
  [[nodiscard]] std::vector<Form> other_forms() const override;
  void settle(const CommonOptions& options) override;
  void common_options(Options& options, CommonOptions& common) final;
  void stack_options(Options& options, CommonOptions& common) final;
  std::optional<kernel::Prospect> prospect(const kernel::Finding& tracepoints) final;
  Exit run(const CommonOptions& options) final { return face().run(options); }

 protected:
  /// For the option that asks for it.
  void show_other() { shows_other_ = true; }
  [[nodiscard]] bool shows_other() const { return shows_other_; }
  /// Options::tell_use() of this: the options that make no sense for the other face.
  [[nodiscard]] std::string* standard_only() { return &standard_only_; }

 private:
  [[nodiscard]] virtual const Tool& standard() const = 0;
  [[nodiscard]] virtual const Tool& other() const = 0;
  [[nodiscard]] const Tool& face() const { return shows_other_ ? other() : standard(); }
  [[nodiscard]] Tool& face() { return const_cast<Tool&>(std::as_const(*this).face()); }

  std::string asked_for_by_, standard_only_;
  bool shows_other_ = false;
};

/// A tool with two faces: what it shows where nothing is said, and what it shows under one of its options; sums and
/// events, one way or the other. Each face is a Stream or a Snapshot of its own, with columns and BPF programs of its
/// own, and neither is registered. The tool derived from this declares the options of both in options(), which write
/// into the faces, and calls show_other(). Both faces carry the same ToolInfo. A face may be twofold itself.
template <class Standard, class Other>
class Twofold : public TwofoldBase {
 public:
  using TwofoldBase::TwofoldBase;

 protected:
  Standard standard_;
  Other other_;

 private:
  [[nodiscard]] const Tool& standard() const final { return standard_; }
  [[nodiscard]] const Tool& other() const final { return other_; }
};

}  // namespace sonde
