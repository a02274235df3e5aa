// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/btf_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>

#include "kernel/fd.h"
#include "kernel/file.h"

namespace sonde::kernel {

constexpr std::size_t largest_btf = 64 << 20;

BtfFile::BtfFile(const std::string& path) {
  const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!file || fstat(file.get(), &status) != 0) {
    error_ = errno;
    return;
  }
  size_ = static_cast<std::size_t>(status.st_size);
  void* const mapped = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (mapped != MAP_FAILED) {
    mapped_ = mapped;
    return;
  }
  auto text = read_file(path, AT_FDCWD, largest_btf);
  if (!text) error_ = errno;
  if (text) read_ = std::move(*text);
}

BtfFile::~BtfFile() {
  if (mapped_) munmap(mapped_, size_);
}

std::string_view BtfFile::bytes() const {
  return mapped_ ? std::string_view(static_cast<const char*>(mapped_), size_) : std::string_view(read_);
}

}  // namespace sonde::kernel
