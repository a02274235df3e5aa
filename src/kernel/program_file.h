// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "kernel/fd.h"

namespace sonde::kernel {

/// What a file is for the kernel's probes, which see through overlays: a file of an image is the same in each of its
/// containers. On an overlay or not, device, inode, size, times.
using FileIdentity = std::tuple<bool, std::uint64_t, std::uint64_t, std::int64_t, std::int64_t, std::int64_t>;

/// A program or library that a probe can be put into. It is held open: whatever becomes of its name and of the process
/// that it was found by, it stays the same file.
class ProgramFile {
 public:
  /// `path` may lead through /proc; `shown` is what people read in its place. `trouble` says why there is none.
  static std::optional<ProgramFile> open(const std::string& path, std::string shown, std::string& trouble);

  /// A path that opens it again in this process, for those who take nothing else.
  [[nodiscard]] std::string handle() const { return "/proc/self/fd/" + std::to_string(fd_->get()); }
  /// Untrusted.
  [[nodiscard]] const std::string& shown() const { return shown_; }
  /// Its name without folders, as it is now. Untrusted.
  [[nodiscard]] std::string name() const;
  /// Where in it a function begins. `trouble` says why that is not known.
  [[nodiscard]] std::optional<std::uint64_t> function_offset(std::string_view name, std::string& trouble) const;
  /// The library that it is linked with whose name begins so; empty if there is none.
  [[nodiscard]] std::string library(std::string_view name) const;
  [[nodiscard]] const FileIdentity& identity() const { return identity_; }

 private:
  std::shared_ptr<Fd> fd_;
  std::string shown_;
  FileIdentity identity_;
};

/// Processes that run a file whose name begins with `name`, as far as this process may see them.
std::vector<std::uint32_t> processes_running(std::string_view name);

/// What file a process runs, which is asked more cheaply than it is opened; empty if it is gone.
std::optional<FileIdentity> identity_of_process(std::uint32_t pid);

/// The file that a process runs.
std::optional<ProgramFile> file_of_process(std::uint32_t pid, std::string& trouble);

/// A library that a process has mapped, by the beginning of its file's name ("libreadline.so").
std::optional<ProgramFile> library_of_process(std::uint32_t pid, std::string_view name, std::string& trouble);

/// The system call that a process waits in; empty if it runs, or cannot be looked at.
std::optional<std::uint32_t> call_of_process(std::uint32_t pid);

/// Whether its standard input is a terminal.
bool reads_terminal(std::uint32_t pid);

}  // namespace sonde::kernel
