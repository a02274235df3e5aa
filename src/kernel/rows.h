// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>

struct bpf_map;

namespace sonde::kernel {

/// Reads an array map in place: its values are mapped, so that looking costs no system call and disturbs nobody. Most
/// of a large map is never used: only what is looked at, and as much again, is mapped and so counts as the reader's
/// memory.
class Rows {
 public:
  /// `map` is an array with BPF_F_MMAPABLE and outlives this. Throws Error.
  explicit Rows(bpf_map* map);
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;
  ~Rows();

  [[nodiscard]] std::uint32_t size() const { return size_; }
  [[nodiscard]] std::size_t bytes_each() const { return stride_; }
  /// The i-th value, and so many in all behind each other. Throws Error if they cannot be mapped.
  [[nodiscard]] const std::byte* at(std::uint32_t i, std::uint32_t count = 1) {
    const std::size_t begin = std::size_t{i} * stride_, end = begin + std::size_t{count} * stride_;
    if (end > mapped_) map_up_to(end);
    return data_ + begin;
  }

 private:
  void map_up_to(std::size_t end);

  int map_;
  std::uint32_t size_;
  std::size_t stride_;
  std::size_t bytes_;
  std::size_t mapped_ = 0;
  std::byte* data_ = nullptr;  // room for all of it
};

/// Waits until no program is running that began before this call.
void wait_for_programs();

}  // namespace sonde::kernel
