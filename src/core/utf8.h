// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sonde {

class Output;

/// What a terminal does with a character.
enum class Cells : std::uint8_t {
  none,     ///< combines with the one before it
  one,      ///
  two,      ///< East Asian wide
  control,  ///< C0, DEL, C1, bidi and other format characters, line separators: never shown as they are
};

Cells cells_of(char32_t code);

struct Decoded {
  char32_t code = 0xFFFD;
  std::size_t length = 1;  ///< bytes taken; of ill-formed text the longest part that could have begun a character
  bool valid = false;
};

/// The first character of `bytes`, which must not be empty.
Decoded decode_utf8(std::string_view bytes);

/// "\u00e9", as JSON and scripts have it: beyond the first plane two of these.
void put_utf16_escape(Output& out, char32_t code);

/// How many bytes from the start are printable ASCII other than `"` and `\`, which any output takes as they are.
std::size_t plain_length(std::string_view bytes);

/// Copies `bytes`; false if one of them is not such a byte, and then what stands at `to` is undefined. `to` needs room
/// for all of them.
bool copy_plain(char* to, std::string_view bytes);

}  // namespace sonde
