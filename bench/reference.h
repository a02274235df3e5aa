// SPDX-License-Identifier: GPL-2.0-or-later
//
// Whether a core is ours alone. Other guests of a machine, and their threads beside ours on one core, come and go
// within seconds; while they are there, a system call takes up to half as long again. Nothing tells a guest of them,
// but this: arithmetic that keeps all units of a core busy, which no tracer can see, is as slow then.
#pragma once

#include <ctime>

#include <cstdint>

inline std::uint64_t now_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(t.tv_nsec);
}

/// How many ns a round of the arithmetic takes just now; some 20 us are spent on it.
inline double reference_ns() {
  constexpr std::uint64_t rounds = 40'000;
  std::uint64_t a = 1, b = 2, c = 3, d = 4, e = 5, f = 6;
  const std::uint64_t start = now_ns();
  for (std::uint64_t i = 0; i < rounds; ++i) {
    a += b;
    b ^= c;
    c += d;
    d ^= e;
    e += f;
    f ^= a;
    asm volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));  // nothing is left out
  }
  return static_cast<double>(now_ns() - start) / static_cast<double>(rounds);
}
