// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "app/options.h"
#include "core/flamegraph.h"
#include "core/sink.h"
#include "core/stack_tree.h"
#include "kernel/fd.h"

namespace sonde {

/// --folded and --flamegraph: the stacks of a whole run, in files of their own beside the rows.
class StackPictures {
 public:
  void declare(Options& options);
  [[nodiscard]] bool wanted() const { return !folded_.path.empty() || !graph_.path.empty(); }
  /// Before anything is loaded. What the files hold stays until write(). Throws Error.
  void open();
  /// `owner` is whose the frames are: the outermost of all.
  void add(std::string_view owner, std::span<const GraphFrame> outermost_first, std::uint64_t amount);
  /// `unit`: what amounts count, in the plural. Returns what to tell the reader: sentences. Throws Error.
  std::vector<std::string> write(const Summary& summary, const std::string& unit);

 private:
  struct File {
    std::string path{};
    kernel::Fd fd{};
  };
  template <class Writer>
  static std::string write(File& file, Writer writer);

  File folded_, graph_;
  PictureKind kind_{};
  StackTree tree_;
  std::vector<GraphFrame> stack_;
};

}  // namespace sonde
