// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string_view>

namespace sonde {

/// Whose numbers: those of the machine this is built for are `native`, of 32-bit calls on it `compat`.
enum class CallTable { x86_64, ia32, arm64, none };
#if defined(__x86_64__)
inline constexpr CallTable native_calls = CallTable::x86_64, compat_calls = CallTable::ia32;
#else
inline constexpr CallTable native_calls = CallTable::arm64, compat_calls = CallTable::none;
#endif

/// "openat" for 257 on x86-64; empty for a number without a name. The result lives for ever.
std::string_view syscall_name(CallTable table, std::uint32_t number);

/// One past the highest number that has a name.
std::uint32_t syscall_numbers(CallTable table);

}  // namespace sonde
