// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

struct bpf_link;
struct bpf_program;

namespace sonde::kernel {

/// Reads what a loaded iterator program (SEC("iter/...")) writes with bpf_seq_write: one row of a fixed size for each
/// object that it lets through.
class Iterator {
 public:
  /// `program` outlives this. Throws Error.
  Iterator(bpf_program* program, std::size_t row_size);
  Iterator(const Iterator&) = delete;
  Iterator& operator=(const Iterator&) = delete;
  ~Iterator();

  /// Runs the program once over everything and hands over each row, 8-byte aligned, good until the callback returns.
  /// Throws Error.
  void read(const std::function<void(const std::byte* row)>& take);

 private:
  bpf_link* link_;
  std::size_t row_size_;
  std::vector<std::byte> bytes_;
};

}  // namespace sonde::kernel
