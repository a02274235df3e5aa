// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <linux/bpf.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sonde::kernel {

/// A BPF program of a few instructions, written by hand: it needs no object file, no relocation and none of the
/// kernel's types, so that loading it takes microseconds.
class Instructions {
 public:
  void set(unsigned to, std::int32_t value);
  void copy(unsigned to, unsigned from);
  void add(unsigned to, std::int32_t value);
  void wide(unsigned to, std::uint64_t value);
  void map(unsigned to, int fd);
  void load_word(unsigned to, unsigned from, std::int16_t offset);
  void load_double(unsigned to, unsigned from, std::int16_t offset);
  void store_double(unsigned to, std::int16_t offset, std::int32_t value);
  void call(std::int32_t helper);
  void leave_if_zero(unsigned reg);
  void leave_unless(unsigned reg, std::int32_t value);
  /// Adds 1 to the first 8 bytes of the only value of an array map.
  void count_in(int array_map);
  /// Ends the program, which returns 0.
  [[nodiscard]] std::vector<bpf_insn> finish();

 private:
  void put(unsigned code, unsigned to, unsigned from, std::int16_t offset, std::int32_t value);
  void put_wide(unsigned to, unsigned source, std::uint64_t value);

  std::vector<bpf_insn> code_;
  std::vector<std::size_t> leaves_;
};

}  // namespace sonde::kernel
