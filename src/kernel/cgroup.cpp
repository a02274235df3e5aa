// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/cgroup.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "core/error.h"
#include "core/text.h"
#include "kernel/file.h"

namespace sonde::kernel {
namespace {

constexpr int handle_of_kernfs = 0xfe;               // FILEID_KERNFS, 5.11 and, as an id alone, before
constexpr std::size_t most_paths = 64 * 1024;        // remembered; a machine has far fewer
constexpr unsigned long cgroup2_magic = 0x63677270;  // CGROUP2_SUPER_MAGIC

bool is_cgroup2(int fd) {
  struct statfs status {};
  return fstatfs(fd, &status) == 0 && static_cast<unsigned long>(status.f_type) == cgroup2_magic;
}

// Steps up to the root, whose inode is 1; a container may see only a part of the tree, and then its root is another.
int level_of(int directory) {
  Fd at(dup(directory));
  for (int level = 0;; ++level) {
    struct stat status {};
    if (!at || !is_cgroup2(at.get()) || fstat(at.get(), &status) != 0) return -1;
    if (status.st_ino == 1) return level;
    at = Fd(openat(at.get(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
}

}  // namespace

void Cgroups::find_mount() {
  if (looked_) return;
  looked_ = true;
  for (const char* place : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
    Fd fd(open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd || !is_cgroup2(fd.get())) continue;
    root_ = std::move(fd);
    mount_ = place;
    return;
  }
  root_ = private_mount("cgroup2");
}

Cgroups::Place Cgroups::find(const std::string& path) {
  find_mount();
  Fd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || !is_cgroup2(fd.get())) {
    const auto name = path.find_first_not_of('/');
    const std::string relative = name == std::string::npos ? "." : path.substr(name);
    fd = Fd(root_ ? openat(root_.get(), relative.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1);
  }
  struct stat status {};
  if (!fd || !is_cgroup2(fd.get()) || fstat(fd.get(), &status) != 0)
    throw Error(Exit::run_time, "There is no cgroup '" + escaped(path) + "' (version 2) that may be read.",
                "Give a directory below the cgroup2 mount, or a name relative to it, such as system.slice.",
                std::strerror(errno));
  return {status.st_ino, level_of(fd.get())};  // kernfs: the inode number is the id on 64-bit machines
}

std::string_view Cgroups::path(std::uint64_t id) {
  const auto found = paths_.find(id);
  if (found != paths_.end()) return found->second;
  if (paths_.size() >= most_paths) paths_.clear();
  return paths_.emplace(id, look_up(id)).first->second;
}

std::string Cgroups::look_up(std::uint64_t id) {
  find_mount();
  // struct file_handle ends in an array without a size.
  alignas(file_handle) std::array<unsigned char, sizeof(file_handle) + sizeof(id)> bytes{};
  auto* handle = reinterpret_cast<file_handle*>(bytes.data());
  handle->handle_bytes = sizeof(id);
  handle->handle_type = handle_of_kernfs;
  std::memcpy(bytes.data() + sizeof(file_handle), &id, sizeof(id));
  const Fd fd(root_ ? open_by_handle_at(root_.get(), handle, O_PATH | O_CLOEXEC) : -1);
  std::array<char, PATH_MAX> target{};
  ssize_t length = -1;
  if (fd) length = readlink(("/proc/self/fd/" + std::to_string(fd.get())).c_str(), target.data(), target.size());
  if (length <= 0) return "cgroup:" + std::to_string(id);
  std::string path(target.data(), static_cast<std::size_t>(length));
  if (path.compare(0, mount_.size(), mount_) == 0) path.erase(0, mount_.size());
  return path.empty() ? "/" : path;
}

}  // namespace sonde::kernel
