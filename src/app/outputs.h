// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>

#include "app/common.h"
#include "app/tool.h"
#include "core/output.h"
#include "core/sink.h"
#include "kernel/fd.h"

namespace sonde {

/// Where a run writes, and how: from --format, --output and what stdout is.
class Outputs {
 public:
  /// Opens --output, or the tool's own file (0600, no symbolic link followed). Throws Error.
  explicit Outputs(const CommonOptions& options, RowKind kind = RowKind::event, const OwnFile* own = nullptr);

  [[nodiscard]] Sink& sink() { return *sink_; }
  [[nodiscard]] Output& rows() { return rows_; }

 private:
  kernel::Fd file_;
  Output rows_;
  Output diagnostics_;
  std::unique_ptr<Sink> telling_;  // beside an own file
  std::unique_ptr<Sink> sink_;
};

/// A file to be written (0600, no symbolic link followed), which keeps what it holds for now; no descriptor for no
/// path. Throws Error.
kernel::Fd open_output(const std::string& path);

/// Cells of the terminal behind `fd`; 0 if it is none.
int terminal_width(int fd);

}  // namespace sonde
