// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/output.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/decimal.h"
#include "core/error.h"
#include "core/names.h"

namespace sonde {

namespace {

// Somebody else may have made our terminal or pipe non-blocking: rows must not be lost for that.
bool wait_until_writable(int fd) {
  pollfd waited{fd, POLLOUT, 0};
  return poll(&waited, 1, -1) >= 0 || errno == EINTR;
}

// What has no length, as a FIFO or /dev/null, cannot be emptied and need not be.
bool empty_file(int fd) { return ftruncate(fd, 0) == 0 || errno == EINVAL; }

// The number of the failure, 0 for success.
int write_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t written = write(fd, data, size);
    if (written >= 0) {
      data += written;
      size -= static_cast<std::size_t>(written);
    } else if (errno == EAGAIN) {
      if (!wait_until_writable(fd)) return errno;
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

}  // namespace

Output::Output(int fd, std::string name, std::size_t capacity)
    : fd_(fd), name_(std::move(name)), buffer_(std::max<std::size_t>(capacity, 1)) {}

void Output::put_across(std::string_view s) {
  while (!s.empty()) {
    const std::size_t fits = std::min(s.size(), buffer_.size() - used_);
    std::memcpy(buffer_.data() + used_, s.data(), fits);
    used_ += fits;
    s.remove_prefix(fits);
    if (!s.empty()) flush();
  }
}

void Output::put_spaces(int n) {
  static constexpr std::string_view spaces = "                                ";
  constexpr int most = static_cast<int>(spaces.size());
  for (; n > most; n -= most) put(spaces);
  if (n <= 0) return;
  // Copying a fixed number of bytes is cheaper than copying the right one.
  if (buffer_.size() - used_ < spaces.size()) return put(spaces.substr(0, static_cast<std::size_t>(n)));
  std::memcpy(buffer_.data() + used_, spaces.data(), spaces.size());
  used_ += static_cast<std::size_t>(n);
}

void Output::put_natural(std::uint64_t v) { put_padded(v, 1); }

void Output::put_integer(std::int64_t v) {
  DecimalBuffer buffer;
  put(signed_decimal(v, buffer));
}

void Output::put_padded(std::uint64_t v, int digits) {
  DecimalBuffer buffer;
  put(decimal(v, buffer, digits));
}

void Output::flush() {
  // Counted as gone even if it fails: what could not be written once would fail again in each later report.
  const std::size_t size = std::exchange(used_, 0);
  flushed_ += size;
  const bool refused = size > 0 && std::exchange(replaces_, false) && !empty_file(fd_);
  const int failure = refused ? errno : write_all(fd_, buffer_.data(), size);
  if (failure == 0) return;
  if (failure == EPIPE) throw OutputClosed{};
  throw Error(Exit::run_time, "Cannot write to " + name_ + ": " + std::strerror(failure) + ".",
              failure == ENOSPC ? "Make room there, or choose another place with --output."
                                : "Choose another place with --output.",
              std::string(errno_name(failure)));
}

}  // namespace sonde
