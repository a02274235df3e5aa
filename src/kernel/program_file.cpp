// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/program_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstring>
#include <utility>

#include "kernel/binaries.h"
#include "kernel/file.h"

namespace sonde::kernel {
namespace {

std::string in_proc(std::uint32_t pid, const char* file) { return "/proc/" + std::to_string(pid) + "/" + file; }

std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// Empty for what may not be looked at.
std::string link_target(const std::string& link) {
  std::array<char, PATH_MAX> path{};
  const auto size = readlink(link.c_str(), path.data(), path.size());
  return {path.data(), size < 0 ? 0 : static_cast<std::size_t>(size)};
}

// As the process sees it; empty for threads of the kernel.
std::string path_of_process(std::uint32_t pid) { return link_target(in_proc(pid, "exe")); }

bool shares_our_files(std::uint32_t pid) {
  struct stat own {
  }, other{};
  return stat("/proc/self/root/.", &own) == 0 && stat(in_proc(pid, "root/.").c_str(), &other) == 0 &&
         own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

std::string shown_path(std::uint32_t pid, std::string path) {
  return shares_our_files(pid) ? std::move(path) : std::move(path.append(" of PID ").append(std::to_string(pid)));
}

std::int64_t nanoseconds(const timespec& time) { return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

FileIdentity identity(const struct stat& status, const struct statfs& system) {
  // An overlay has a device of its own, and the number and the times of the file below.
  const bool overlay = system.f_type == OVERLAYFS_SUPER_MAGIC;
  return {overlay,        overlay ? 0 : status.st_dev, status.st_ino,
          status.st_size, nanoseconds(status.st_mtim), nanoseconds(status.st_ctim)};
}

}  // namespace

std::optional<ProgramFile> ProgramFile::open(const std::string& path, std::string shown, std::string& trouble) {
  // Looked at before it is opened, which a FIFO or a device may answer with waiting or worse.
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) {
    trouble = std::strerror(errno);
    return std::nullopt;
  }
  auto fd = std::make_shared<Fd>(
      S_ISREG(status.st_mode) ? ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1);
  struct statfs system {};
  if (!S_ISREG(status.st_mode) || !*fd || fstat(fd->get(), &status) != 0 || fstatfs(fd->get(), &system) != 0) {
    trouble = S_ISREG(status.st_mode) ? std::strerror(errno) : "it is not a regular file";
    return std::nullopt;
  }
  ProgramFile file;
  file.fd_ = std::move(fd);
  file.shown_ = std::move(shown);
  file.identity_ = sonde::kernel::identity(status, system);
  return file;
}

std::string ProgramFile::name() const { return std::string(file_name(link_target(handle()))); }

std::optional<std::uint64_t> ProgramFile::function_offset(std::string_view name, std::string& trouble) const {
  auto elf = open_elf(handle(), trouble);
  if (!elf) return std::nullopt;
  const auto offset = elf->function_offset(name);
  if (!offset) trouble = "it has no function " + std::string(name);
  return offset;
}

std::string ProgramFile::library(std::string_view name) const {
  std::string trouble;
  auto elf = open_elf(handle(), trouble);
  if (!elf) return {};
  for (const auto& library : elf->libraries())
    if (library.starts_with(name)) return library;
  return {};
}

std::vector<std::uint32_t> processes_running(std::string_view name) {
  std::vector<std::uint32_t> pids;
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(opendir("/proc"), closedir);
  while (const dirent* entry = proc ? readdir(proc.get()) : nullptr) {
    const std::string_view number = entry->d_name;
    std::uint32_t pid = 0;
    if (std::from_chars(number.data(), number.data() + number.size(), pid).ptr != number.data() + number.size())
      continue;
    if (file_name(path_of_process(pid)).starts_with(name)) pids.push_back(pid);
  }
  return pids;
}

std::optional<FileIdentity> identity_of_process(std::uint32_t pid) {
  const std::string path = in_proc(pid, "exe");
  struct stat status {};
  struct statfs system {};
  if (stat(path.c_str(), &status) != 0 || statfs(path.c_str(), &system) != 0) return std::nullopt;
  return identity(status, system);
}

std::optional<ProgramFile> file_of_process(std::uint32_t pid, std::string& trouble) {
  return ProgramFile::open(in_proc(pid, "exe"), shown_path(pid, path_of_process(pid)), trouble);
}

std::optional<ProgramFile> library_of_process(std::uint32_t pid, std::string_view name, std::string& trouble) {
  const std::string maps = read_file(in_proc(pid, "maps")).value_or("");
  for (std::size_t at = 0; at < maps.size();) {
    const std::size_t end = std::min(maps.find('\n', at), maps.size());
    const std::string_view line = std::string_view(maps).substr(at, end - at);
    at = end + 1;
    const std::size_t path = line.find('/');
    if (path == line.npos || !file_name(line.substr(path)).starts_with(name)) continue;
    const std::string range(line.substr(0, line.find(' ')));
    return ProgramFile::open(in_proc(pid, "map_files/") + range, shown_path(pid, std::string(line.substr(path))),
                             trouble);
  }
  trouble = "it has no " + std::string(name) + " mapped";
  return std::nullopt;
}

std::optional<std::uint32_t> call_of_process(std::uint32_t pid) {
  const std::string text = read_file(in_proc(pid, "syscall")).value_or("");
  std::uint32_t number = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc{}) return std::nullopt;
  return number;
}

bool reads_terminal(std::uint32_t pid) {
  const std::string input = link_target(in_proc(pid, "fd/0"));
  return input.starts_with("/dev/pts/") || input.starts_with("/dev/tty") || input.starts_with("/dev/console");
}

}  // namespace sonde::kernel
