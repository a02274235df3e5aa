// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/symbol_files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <optional>
#include <utility>
#include <vector>

#include "core/kernel_text.h"
#include "kernel/fd.h"
#include "kernel/file.h"

namespace sonde::kernel {
namespace {

constexpr std::int64_t second = 1'000'000'000;
constexpr std::size_t longest_perf_map = std::size_t{64} << 20;
constexpr std::size_t longest_maps = std::size_t{64} << 20;

std::int64_t ns(const timespec& time) { return std::int64_t{time.tv_sec} * second + time.tv_nsec; }

std::int64_t now(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return ns(time);
}

// Looked at before it is opened, which a FIFO or a device may answer with waiting or worse.
Fd open_regular(const std::string& path, struct stat& status, int flags = 0) {
  const int found = flags & O_NOFOLLOW ? lstat(path.c_str(), &status) : stat(path.c_str(), &status);
  if (found != 0 || !S_ISREG(status.st_mode)) return {};
  Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags));
  if (!file || fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  return file;
}

// As the kernel sees it itself, where stat(2) says something else (overlayfs, btrfs): by mapping it.
std::optional<FileNumber> mapped_number(int file) {
  void* at = mmap(nullptr, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
  if (at == MAP_FAILED) return std::nullopt;
  std::optional<FileNumber> number;
  if (const auto maps = read_file("/proc/self/maps", AT_FDCWD, longest_maps))
    each_line(*maps, [&](std::string_view line) {
      const auto mapping = mapping_of_line(line);
      if (mapping && mapping->start == reinterpret_cast<std::uint64_t>(at)) number = mapping->file;
    });
  munmap(at, 1);
  return number;
}

bool is_same(int file, const struct stat& status, const FileNumber& number) {
  if (FileNumber{major(status.st_dev), minor(status.st_dev), status.st_ino} == number) return true;
  return status.st_ino == number.inode && mapped_number(file) == number;
}

std::string process_path(std::uint32_t pid, const char* what) { return "/proc/" + std::to_string(pid) + "/" + what; }

std::string range(const Mapping& mapping) {
  std::array<char, 40> text{};
  const int length =
      std::snprintf(text.data(), text.size(), "%llx-%llx", static_cast<unsigned long long>(mapping.start),
                    static_cast<unsigned long long>(mapping.end));
  return {text.data(), static_cast<std::size_t>(length)};
}

// Inodes are used again: what changed after it was mapped may be another file with the number of the one that was.
// File systems take the time of the last tick.
std::int64_t changed(const struct stat& status) {
  return ns(status.st_ctim) - (now(CLOCK_REALTIME) - now(CLOCK_MONOTONIC)) + second / 100;
}

std::string hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text += digits[static_cast<unsigned char>(c) >> 4];
    text += digits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

std::uint32_t checksum(int file) {
  std::vector<unsigned char> part(std::size_t{256} << 10);
  uLong sum = crc32(0, nullptr, 0);
  off_t at = 0;
  for (ssize_t n = 0; (n = pread(file, part.data(), part.size(), at)) > 0; at += n)
    sum = crc32(sum, part.data(), static_cast<uInt>(n));
  return static_cast<std::uint32_t>(sum);
}

// A debug file that goes with it: by its build ID, else by the checksum of the link.
std::unique_ptr<ElfSymbols> read_debug_file(const std::string& path, const ElfSymbols& stripped) {
  struct stat status {};
  Fd file = open_regular(path, status);
  if (!file) return nullptr;
  const Fd again(fcntl(file.get(), F_DUPFD_CLOEXEC, 0));
  auto debug = ElfSymbols::read(std::move(file));
  if (!debug || !debug->complete()) return nullptr;
  const bool by_id = !stripped.build_id().empty() && !debug->build_id().empty();
  const bool fits = by_id ? debug->build_id() == stripped.build_id()
                          : !stripped.debug_link().empty() && checksum(again.get()) == stripped.debug_checksum();
  return fits ? std::move(debug) : nullptr;
}

void find_debug_file(std::uint32_t pid, const std::string& path, ElfSymbols& symbols) {
  std::vector<std::string> names;
  const std::string id = hex(symbols.build_id()), folder = path.substr(0, path.rfind('/')), link = symbols.debug_link();
  if (id.size() > 2) names.push_back("/usr/lib/debug/.build-id/" + id.substr(0, 2) + "/" + id.substr(2) + ".debug");
  if (!link.empty() && link.find('/') == link.npos)
    for (const auto& where : {folder + "/", folder + "/.debug/", "/usr/lib/debug" + folder + "/"})
      names.push_back(where + link);
  for (const auto& root : {process_path(pid, "root"), std::string()})
    for (const auto& name : names)
      if (auto debug = read_debug_file(root + name, symbols)) return symbols.take_functions(std::move(debug));
}

// The number that a process has in the innermost of its PID namespaces, which is how it calls itself.
std::string own_number(std::uint32_t pid) {
  std::string number = std::to_string(pid);
  const auto status = read_file(process_path(pid, "status"));
  if (status)
    each_line(*status, [&](std::string_view line) {
      if (line.starts_with("NSpid:")) number = line.substr(line.find_last_of(" \t") + 1);
    });
  return number;
}

}  // namespace

std::optional<MappedFile> open_mapped_file(std::uint32_t pid, const Mapping& mapping) {
  struct stat status {};
  const auto found = [&status](Fd file) {
    return MappedFile{std::move(file), changed(status), static_cast<std::uint64_t>(status.st_size)};
  };
  if (Fd file = open_regular(process_path(pid, "map_files/") + range(mapping), status);
      file && is_same(file.get(), status, mapping.file))
    return found(std::move(file));
  for (const auto& path : {process_path(pid, "root") + mapping.path, mapping.path})
    if (Fd file = open_regular(path, status); file && is_same(file.get(), status, mapping.file) &&
                                              changed(status) <= static_cast<std::int64_t>(mapping.since))
      return found(std::move(file));
  return std::nullopt;
}

std::unique_ptr<ElfSymbols> read_mapped_file(std::uint32_t pid, const Mapping& mapping, Fd file) {
  auto symbols = ElfSymbols::read(std::move(file));
  if (symbols && !symbols->complete()) find_debug_file(pid, mapping.path, *symbols);
  return symbols;
}

std::unique_ptr<PerfMap> read_perf_map(std::uint32_t pid) {
  struct stat process {
  }, status{};
  if (stat(process_path(pid, "").c_str(), &process) != 0) return nullptr;
  const Fd file = open_regular(process_path(pid, "root/tmp/perf-") + own_number(pid) + ".map", status, O_NOFOLLOW);
  if (!file || (status.st_uid != process.st_uid && status.st_uid != 0)) return nullptr;
  auto text = read_file("/proc/self/fd/" + std::to_string(file.get()), AT_FDCWD, longest_perf_map);
  return text ? std::make_unique<PerfMap>(std::move(*text)) : nullptr;
}

}  // namespace sonde::kernel
