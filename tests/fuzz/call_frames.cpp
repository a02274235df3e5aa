// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/call_frames.h"

#include "core/unwind.h"
#include "require.h"
#include "targets.h"

namespace sonde::fuzz {
namespace {

constexpr std::uint64_t base = 0x402000;

// Whatever a row says: it is understood again as it was meant, and followed without harm.
void follow(const UnwindRow& row, std::string_view stack) {
  std::string bytes;
  put_row(row, bytes);
  require(row_of(bytes) == row);
  for (const auto* machine : {&Machine::x86_64, &Machine::arm64}) {
    CopiedStack copied;
    copied.stack = stack;
    copied.registers = {base, base, base + 16, base + 32, base, base, base, base};
    const auto chain = unwind(
        copied, [&row](std::uint64_t /*address*/) { return &row; }, *machine);
    require(!chain.addresses.empty() && chain.addresses.size() <= most_frames);
    require(chain.how.size() == chain.addresses.size());
  }
}

void look_up(std::string_view bytes, CallFrames::Format format) {
  const CallFrames frames(bytes, base, format);
  require(frames.size() <= bytes.size());
  for (std::uint64_t at = base - 0x2000; at < base + 0x1000; at += 0x11) {
    const UnwindRow row = frames.find(at);
    require(!row.known() || (row.start <= at && at < row.end));
    require(row.rules.size() <= unwind_registers);
    if (row.known()) follow(row, bytes);
  }
}

}  // namespace

// The same bytes as both kinds of section, as a row, as an expression, and as a record with a copied stack.
void call_frames(std::string_view bytes) {
  look_up(bytes, CallFrames::Format::eh_frame);
  look_up(bytes, CallFrames::Format::debug_frame);
  if (const auto row = row_of(bytes)) follow(*row, bytes);
  Registers registers;
  registers.set(6, base);
  registers.set(7, base);
  evaluate(bytes, registers, {base, bytes}, base);
  if (const auto copied = copied_stack(bytes)) {
    require(copied->row.size() + copied->stack.size() <= bytes.size());
    touch(copied->row);
    touch(copied->stack);
  }
}

}  // namespace sonde::fuzz
