// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace sonde {

/// A glob compiled for a bit-parallel automaton, so that the kernel side can run it with two operations a byte and no
/// branches on the pattern. State bit i means "the first i tokens have matched"; a token is one byte, ?, or a [set].
///   next = ((state & accepts[byte]) << 1) | (state & loops)
/// The subject matches when bit `tokens` is set after its last byte.
struct Glob {
  std::array<std::uint64_t, 256> accepts{};  ///< accepts[b] bit i: token i takes byte b
  std::uint64_t loops = 0;                   ///< bit i: a * stands before token i (or at the end)
  std::uint32_t tokens = 0;                  ///< at most 63

  /// `*`, `?`, `[abc]`, `[a-z]`, `[!x]`, and `\` before a byte to take it as it is. Bytes, not characters. * matches
  /// '/' too. Throws Error(usage) for an empty pattern, an open [, a trailing backslash and one of more than 63 tokens.
  static Glob compile(std::string_view pattern);

  [[nodiscard]] bool matches(std::string_view subject) const;
};

}  // namespace sonde
