// SPDX-License-Identifier: GPL-2.0-or-later
#include <cstddef>
#include <cstdint>

#include "targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sonde::fuzz::SONDE_FUZZ_TARGET({reinterpret_cast<const char*>(data), size});
  return 0;
}
