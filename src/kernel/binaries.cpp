// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/binaries.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "core/ld_cache.h"
#include "kernel/fd.h"
#include "kernel/file.h"

namespace sonde::kernel {
namespace {

bool is_regular(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t end = std::min(list.find(':', at), list.size());
    if (end > at) parts.push_back(list.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

std::string in(const std::string& directory, const std::string& file) {
  return std::string(directory).append("/").append(file);
}

std::string find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  for (const auto& directory : split(path ? path : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")) {
    std::string candidate = in(directory, name);
    if (is_regular(candidate) && access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return {};
}

std::string find_in_directories(const std::string& name) {
#if defined(__x86_64__)
  const std::string directories = "/lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu:";
#elif defined(__aarch64__)
  const std::string directories = "/lib/aarch64-linux-gnu:/usr/lib/aarch64-linux-gnu:";
#else
  const std::string directories;
#endif
  for (const auto& directory : split(directories + "/lib64:/usr/lib64:/lib:/usr/lib")) {
    const std::unique_ptr<DIR, int (*)(DIR*)> open(opendir(directory.c_str()), closedir);
    std::string best;  // the first by name, so that the answer is the same each time
    while (const dirent* entry = open ? readdir(open.get()) : nullptr) {
      const std::string file = entry->d_name;
      if (is_library(file, name) && (best.empty() || file < best) && is_regular(in(directory, file))) best = file;
    }
    if (!best.empty()) return in(directory, best);
  }
  return {};
}

// Fewer bytes than were asked for if the file has no more.
std::string read_part(int file, std::uint64_t offset, std::uint64_t size) {
  struct stat status {};
  if (fstat(file, &status) != 0 || offset >= static_cast<std::uint64_t>(status.st_size)) return {};
  std::string bytes(std::min(size, static_cast<std::uint64_t>(status.st_size) - offset), '\0');
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = pread(file, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    done += static_cast<std::size_t>(n);
  }
  bytes.resize(done);
  return bytes;
}

}  // namespace

std::string find_binary(const std::string& name) {
  if (name.find('/') != name.npos) return name;
  if (auto program = find_program(name); !program.empty()) return program;
  const auto cache = read_file("/etc/ld.so.cache", AT_FDCWD, 16 << 20);
  const std::string known(cache ? find_library(*cache, name) : std::string_view());
  return !known.empty() && is_regular(known) ? known : find_in_directories(name);
}

std::optional<Elf> open_elf(const std::string& path, std::string& trouble) {
  // Looked at before it is opened, which a FIFO or a device may answer with waiting or worse.
  if (struct stat status{}; stat(path.c_str(), &status) != 0) {
    trouble = std::strerror(errno);
    return std::nullopt;
  }
  if (!is_regular(path)) {
    trouble = "it is not a regular file";
    return std::nullopt;
  }
  const auto file = std::make_shared<Fd>(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (!*file || fstat(file->get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    trouble = *file ? "it is not a regular file" : std::strerror(errno);
    return std::nullopt;
  }
  auto elf =
      Elf::read([file](std::uint64_t offset, std::uint64_t size) { return read_part(file->get(), offset, size); });
  if (!elf) trouble = "it is no ELF file with sections";
  return elf;
}

}  // namespace sonde::kernel
