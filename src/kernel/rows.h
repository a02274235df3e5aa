// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>

struct bpf_map;

namespace sonde::kernel {

/// Reads an array map in place: its values are mapped, so that looking costs no system call and disturbs nobody.
class Rows {
 public:
  /// `map` is an array with BPF_F_MMAPABLE and outlives this. Throws Error.
  explicit Rows(bpf_map* map);
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;
  ~Rows();

  [[nodiscard]] std::uint32_t size() const { return size_; }
  [[nodiscard]] std::size_t bytes_each() const { return stride_; }
  [[nodiscard]] const std::byte* at(std::uint32_t i) const { return data_ + std::size_t{i} * stride_; }

 private:
  std::uint32_t size_;
  std::size_t stride_;
  std::size_t bytes_;
  const std::byte* data_ = nullptr;
};

/// Waits until no program is running that began before this call.
void wait_for_programs();

}  // namespace sonde::kernel
