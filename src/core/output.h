// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sonde {

/// The reader of our output has gone (EPIPE): not an error, the run just ends quietly.
struct OutputClosed {};

/// A buffered writer on a file descriptor that it does not own: one write(2) a batch. The buffer is allocated once.
/// `name` is what error messages call it, ready to be printed.
class Output {
 public:
  explicit Output(int fd, std::string name, std::size_t capacity = 64 * 1024);

  void put(char c) {
    if (used_ == buffer_.size()) flush();
    buffer_[used_++] = c;
  }
  void put(std::string_view s) {
    if (s.size() > buffer_.size() - used_) return put_across(s);
    std::copy_n(s.data(), s.size(), buffer_.data() + used_);
    used_ += s.size();
  }
  void put_spaces(int n);
  void put_natural(std::uint64_t v);
  void put_integer(std::int64_t v);
  /// Decimal with at least `digits` digits, zero padded.
  void put_padded(std::uint64_t v, int digits);

  /// Room for `size` bytes to be written into directly; null if the buffer is smaller than that. What was put before
  /// may be flushed.
  [[nodiscard]] char* reserve(std::size_t size) {
    if (size > buffer_.size() - used_) flush();
    return size <= buffer_.size() ? buffer_.data() + used_ : nullptr;
  }
  /// Of what reserve() gave, all before `end` has been written.
  void advance(const char* end) { used_ = static_cast<std::size_t>(end - buffer_.data()); }

  /// The first write takes the place of what the file held: a run that is refused leaves it as it was.
  void replace() { replaces_ = true; }

  /// Writes all that is buffered. Restarts after EINTR and partial writes. Throws OutputClosed on EPIPE and
  /// Error(run_time) on anything else (disk full: names the file).
  void flush();

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  /// Bytes put so far, flushed or not.
  [[nodiscard]] std::uint64_t position() const { return flushed_ + used_; }

 private:
  void put_across(std::string_view s);  // what does not fit into the rest of the buffer

  int fd_;
  std::string name_;
  std::vector<char> buffer_;
  std::size_t used_ = 0;
  std::uint64_t flushed_ = 0;
  bool replaces_ = false;
};

}  // namespace sonde
