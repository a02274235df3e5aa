// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/outputs.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/error.h"
#include "core/ndjson.h"
#include "core/table.h"
#include "core/text.h"

namespace sonde {
namespace {

constexpr std::size_t diagnostics_capacity = 4096;

std::unique_ptr<Sink> make_sink(const CommonOptions& options, RowKind kind, Output& rows, Output& diagnostics) {
  if (options.json) return std::make_unique<Ndjson>(rows, options.quiet, kind);
  TableStyle style;
  style.width = terminal_width(rows.fd());
  style.utc = options.utc;
  style.quiet = options.quiet;
  style.sums = kind == RowKind::sum;
  style.asked = options.column_spec() + "," + options.sort;
  return std::make_unique<Table>(rows, diagnostics, style);
}

}  // namespace

Outputs::Outputs(const CommonOptions& options, RowKind kind, const OwnFile* own)
    : file_(open_output(own ? own->path : options.output)),
      rows_(file_ ? file_.get() : STDOUT_FILENO,
            file_ ? "'" + escaped(own ? own->path : options.output) + "'" : "stdout"),
      diagnostics_(STDERR_FILENO, "stderr", diagnostics_capacity),
      sink_(make_sink(options, kind, rows_, diagnostics_)) {
  if (own) {
    telling_ = std::move(sink_);
    sink_ = own->sink(rows_, *telling_);
  }
  if (file_) rows_.replace();
}

kernel::Fd open_output(const std::string& path) {
  if (path.empty()) return {};
  kernel::Fd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (fd) return fd;
  const std::string name = "'" + escaped(path) + "'";
  if (errno == ELOOP)
    throw Error(Exit::run_time, "The output " + name + " is a symbolic link, which is not followed.",
                "Give the file itself.");
  throw Error(Exit::run_time, "The output " + name + " cannot be written: " + std::strerror(errno) + ".",
              "Give a file in a directory that you may write to.");
}

int terminal_width(int fd) {
  winsize size{};
  return isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0 ? (size.ws_col ? size.ws_col : 80) : 0;
}

}  // namespace sonde
