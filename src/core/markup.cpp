// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/markup.h"

#include <array>
#include <cstdint>

#include "core/folded.h"
#include "core/utf8.h"

namespace sonde {
namespace {

// Characters of Unicode that XML does not have.
bool is_noncharacter(char32_t code) { return (code & 0xFFFE) == 0xFFFE || (code >= 0xFDD0 && code <= 0xFDEF); }

// Calls `put` for each character of the printable text.
template <class Put>
void each_character(std::string_view bytes, const Put& put) {
  const std::string text = graph_text(bytes);
  for (std::string_view rest = text; !rest.empty();) {
    const Decoded decoded = decode_utf8(rest);
    put(decoded.valid && !is_noncharacter(decoded.code) ? decoded.code : 0xFFFD, rest.substr(0, decoded.length));
    rest.remove_prefix(decoded.length);
  }
}

}  // namespace

void put_markup(Output& out, std::string_view bytes) {
  each_character(bytes, [&](char32_t code, std::string_view raw) {
    switch (code) {
      case '<':
        return out.put("&lt;");
      case '>':
        return out.put("&gt;");
      case '&':
        return out.put("&amp;");
      case '"':
        return out.put("&quot;");
      case '\'':
        return out.put("&#39;");
      case 0xFFFD:
        return out.put("\xEF\xBF\xBD");
      default:
        return out.put(raw);
    }
  });
}

void put_script_string(Output& out, std::string_view bytes) {
  constexpr std::string_view harmless = " !#$%()*+,-./:;=?@[^_`{|}~";
  out.put('"');
  each_character(bytes, [&](char32_t code, std::string_view raw) {
    const char c = raw.front();
    const bool letter = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (code < 0x80 && (letter || harmless.find(c) != harmless.npos)) return out.put(c);
    put_utf16_escape(out, code);
  });
  out.put('"');
}

}  // namespace sonde
