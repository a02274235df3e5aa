// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/instructions.h"

namespace sonde::kernel {

void Instructions::put(unsigned code, unsigned to, unsigned from, std::int16_t offset, std::int32_t value) {
  bpf_insn instruction{};
  instruction.code = static_cast<__u8>(code);
  instruction.dst_reg = to & 0xf;
  instruction.src_reg = from & 0xf;
  instruction.off = offset;
  instruction.imm = value;
  code_.push_back(instruction);
}

void Instructions::put_wide(unsigned to, unsigned source, std::uint64_t value) {
  put(BPF_LD | BPF_DW | BPF_IMM, to, source, 0, static_cast<std::int32_t>(value & UINT32_MAX));
  put(0, 0, 0, 0, static_cast<std::int32_t>(value >> 32));
}

void Instructions::set(unsigned to, std::int32_t value) { put(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value); }

void Instructions::copy(unsigned to, unsigned from) { put(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0); }

void Instructions::add(unsigned to, std::int32_t value) { put(BPF_ALU64 | BPF_ADD | BPF_K, to, 0, 0, value); }

void Instructions::wide(unsigned to, std::uint64_t value) { put_wide(to, 0, value); }

void Instructions::map(unsigned to, int fd) { put_wide(to, BPF_PSEUDO_MAP_FD, static_cast<std::uint32_t>(fd)); }

void Instructions::load_word(unsigned to, unsigned from, std::int16_t offset) {
  put(BPF_LDX | BPF_MEM | BPF_W, to, from, offset, 0);
}

void Instructions::load_double(unsigned to, unsigned from, std::int16_t offset) {
  put(BPF_LDX | BPF_MEM | BPF_DW, to, from, offset, 0);
}

void Instructions::store_double(unsigned to, std::int16_t offset, std::int32_t value) {
  put(BPF_ST | BPF_MEM | BPF_DW, to, 0, offset, value);
}

void Instructions::call(std::int32_t helper) { put(BPF_JMP | BPF_CALL, 0, 0, 0, helper); }

void Instructions::leave_if_zero(unsigned reg) {
  leaves_.push_back(code_.size());
  put(BPF_JMP | BPF_JEQ | BPF_K, reg, 0, 0, 0);
}

void Instructions::leave_unless(unsigned reg, std::int32_t value) {
  leaves_.push_back(code_.size());
  put(BPF_JMP | BPF_JNE | BPF_K, reg, 0, 0, value);
}

void Instructions::count_in(int array_map) {
  put_wide(BPF_REG_1, BPF_PSEUDO_MAP_VALUE, static_cast<std::uint32_t>(array_map));
  set(BPF_REG_2, 1);
  put(BPF_STX | BPF_XADD | BPF_DW, BPF_REG_1, BPF_REG_2, 0, 0);
}

std::vector<bpf_insn> Instructions::finish() {
  for (const std::size_t at : leaves_) code_[at].off = static_cast<__s16>(code_.size() - at - 1);
  set(BPF_REG_0, 0);
  put(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
  return code_;
}

}  // namespace sonde::kernel
