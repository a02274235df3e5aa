// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/demangle.h"

#include "require.h"
#include "targets.h"

namespace sonde::fuzz {

void demangle(std::string_view bytes) {
  constexpr std::size_t most = 1024;
  const std::string name = demangled(bytes, most);
  require(name.size() <= std::max(most, bytes.size()));
  require(bytes.empty() || !name.empty());
  touch(name);
  for (const std::string prefix : {"_R", "_ZN"}) {
    const std::string symbol = prefix + std::string(bytes);
    touch(demangled_rust_v0(symbol, most));
    touch(demangled_rust_legacy(symbol));
  }
}

}  // namespace sonde::fuzz
