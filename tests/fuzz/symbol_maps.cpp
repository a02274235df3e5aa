// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/kernel_symbols.h"
#include "core/perf_map.h"
#include "require.h"
#include "targets.h"

namespace sonde::fuzz {

// The same bytes as /proc/kallsyms, which comes in pieces, and as a map of what was compiled at run time.
void symbol_maps(std::string_view bytes) {
  KernelSymbols symbols, pieces;
  symbols.take(bytes);
  symbols.finish();
  for (std::size_t at = 0; at < bytes.size(); at += 7) pieces.take(bytes.substr(at, 7));
  pieces.finish();
  const PerfMap map{std::string(bytes)};
  for (const std::uint64_t address : {std::uint64_t{0}, std::uint64_t{0x1000}, 0xffffffff81000010, UINT64_MAX}) {
    const auto found = symbols.find(address), same = pieces.find(address);
    if (found) {
      require(!found->name.empty() && !found->module.empty() && found->offset <= address);
      touch(found->name);
      runs_probes(found->name, found->module);
    }
    // A line that is too long is cut only where it comes in pieces.
    if (bytes.size() < 1024) require(found.has_value() == same.has_value());
    if (const auto compiled = map.find(address)) {
      require(!compiled->name.empty() && compiled->offset <= address);
      touch(compiled->name);
    }
  }
}

}  // namespace sonde::fuzz
