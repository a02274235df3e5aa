// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/ld_cache.h"

#include "require.h"
#include "targets.h"

namespace sonde::fuzz {

// The first line is the name that is looked for.
void ld_cache(std::string_view bytes) {
  const auto end = bytes.find('\n');
  if (end == bytes.npos) return;
  touch(find_library(bytes.substr(end + 1), bytes.substr(0, end)));
  touch(find_library(bytes.substr(end + 1), "libc"));
}

}  // namespace sonde::fuzz
