// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <fstream>
#include <iterator>
#include <string>

namespace sonde::test {

/// A file of the fuzzers' corpus, as "elf/u64.so".
inline std::string corpus(const std::string& name) {
  std::ifstream file(SONDE_CORPUS "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace sonde::test
