// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sonde {

/// How one register of the caller is found from the registers of the function that it called, by the numbers that DWARF
/// has for them. Or the canonical frame address (CFA), which is what the stack pointer was before the call.
struct UnwindRule {
  enum Kind : std::uint8_t {
    undefined,            ///< it is gone; of the address that is returned to: nobody called
    same,                 ///< it was not touched
    saved,                ///< in memory at the CFA + `offset`
    sum,                  ///< the CFA + `offset`; of the CFA itself: the register `base` + `offset`
    moved,                ///< in the register `base`
    saved_at_expression,  ///< in memory at what an expression comes to
    expression,           ///< what it comes to
  };
  Kind kind = undefined;
  std::uint8_t of = 0;  ///< which register it is for
  std::uint8_t base = 0;
  std::uint8_t unused = 0;
  std::uint32_t size = 0;  ///< of the expression, which begins at `offset` of UnwindRow::expressions
  std::int64_t offset = 0;

  bool operator==(const UnwindRule&) const = default;
};

/// What holds from one place of a program to another.
struct UnwindRow {
  std::uint64_t start = 0, end = 0;
  UnwindRule cfa;                 ///< undefined: nothing is known
  std::vector<UnwindRule> rules;  ///< registers without one are as they were
  std::string expressions;        ///< DWARF's, one behind the other
  std::uint32_t return_column = 0;
  bool signal = false;  ///< what it "called" was a signal's handler: the caller was interrupted just where it was

  [[nodiscard]] bool known() const { return cfa.kind != UnwindRule::undefined; }
  bool operator==(const UnwindRow&) const = default;
};

/// Registers of a machine that DWARF numbers below this are kept track of.
inline constexpr std::size_t unwind_registers = 33;

/// A row as bytes, and back; empty if that is none. What was read may still say anything.
void put_row(const UnwindRow& row, std::string& bytes);
std::optional<UnwindRow> row_of(std::string_view bytes);

}  // namespace sonde
