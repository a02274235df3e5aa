// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdlib>
#include <string_view>

namespace sonde::fuzz {

inline void require(bool holds) {
  if (!holds) std::abort();
}

/// Reads every byte, so that the sanitizer sees a view that reaches too far.
inline void touch(std::string_view text) {
  unsigned char sum = 0;
  for (const char c : text) sum = static_cast<unsigned char>(sum + static_cast<unsigned char>(c));
  volatile unsigned char kept = sum;
  static_cast<void>(kept);
}

}  // namespace sonde::fuzz
