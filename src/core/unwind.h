// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "core/stack.h"
#include "core/unwind_row.h"

namespace sonde {

/// Registers by their DWARF numbers, as far as they are known.
class Registers {
 public:
  [[nodiscard]] std::optional<std::uint64_t> get(std::size_t number) const {
    return number < values_.size() && known_ >> number & 1 ? std::optional(values_[number]) : std::nullopt;
  }
  void set(std::size_t number, std::optional<std::uint64_t> value) {
    if (number >= values_.size()) return;
    values_[number] = value.value_or(0);
    known_ = (known_ & ~(std::uint64_t{1} << number)) | std::uint64_t{value.has_value()} << number;
  }

 private:
  std::array<std::uint64_t, unwind_registers> values_{};
  std::uint64_t known_ = 0;
};

/// What DWARF and the kernel call a machine's registers.
struct Machine {
  std::size_t ip, sp, fp;
  std::span<const std::uint8_t> recorded;  ///< DWARF's numbers of those in struct stack_copy, in their order
  std::uint64_t address_bits;              ///< the others of an address are no part of it (signatures)

  static const Machine x86_64, arm64;
  /// That on which this runs.
  static const Machine& native();
};

/// A piece of a stack.
struct StackPiece {
  std::uint64_t start = 0;
  std::string_view bytes;

  /// Empty: not in the piece.
  [[nodiscard]] std::optional<std::uint64_t> word(std::uint64_t address) const;
  [[nodiscard]] bool ends_before(std::uint64_t address) const { return address >= start && !word(address); }
};

/// What an expression of DWARF comes to; `first` lies on its stack at the beginning. Empty where it cannot be known.
std::optional<std::uint64_t> evaluate(std::string_view expression, const Registers& registers, const StackPiece& stack,
                                      std::optional<std::uint64_t> first);

/// What a program holds at an address. Null: nothing is mapped there that can be executed. Good until it is asked
/// again.
using FindRow = std::function<const UnwindRow*(std::uint64_t address)>;

/// Finds the callers of the function in which a program was stopped; by frame pointers where nothing else is known.
UserChain unwind(const CopiedStack& copied, const FindRow& find, const Machine& machine = Machine::native());

}  // namespace sonde
