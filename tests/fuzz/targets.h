// SPDX-License-Identifier: GPL-2.0-or-later
// What is fuzzed: each takes any bytes, and ends the program if a parser says something that cannot be. The unit tests
// replay the corpus through them.
#pragma once

#include <string_view>

namespace sonde::fuzz {

void accounts(std::string_view bytes);
void btf(std::string_view bytes);
void call_frames(std::string_view bytes);
void demangle(std::string_view bytes);
void elf(std::string_view bytes);
void folded(std::string_view bytes);
void kernel_text(std::string_view bytes);
void ld_cache(std::string_view bytes);
void mappings(std::string_view bytes);
void probe_pattern(std::string_view bytes);
void symbol_maps(std::string_view bytes);

}  // namespace sonde::fuzz
