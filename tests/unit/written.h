// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "core/output.h"

namespace sonde::test {

/// An Output whose text can be read back.
class Written {
 public:
  explicit Written(std::size_t capacity = 64 * 1024) : out(fd_, "memory", capacity) {}
  Written(const Written&) = delete;
  Written& operator=(const Written&) = delete;
  ~Written() { close(fd_); }

  /// All that reached the file, without flushing first.
  [[nodiscard]] std::string flushed() const {
    std::string text(static_cast<std::size_t>(lseek(fd_, 0, SEEK_END)), '\0');
    const ssize_t got = pread(fd_, text.data(), text.size(), 0);
    text.resize(static_cast<std::size_t>(got));
    return text;
  }
  std::string text() {
    out.flush();
    return flushed();
  }

 private:
  int fd_ = memfd_create("written", MFD_CLOEXEC);

 public:
  Output out;
};

}  // namespace sonde::test
