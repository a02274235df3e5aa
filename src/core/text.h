// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/output.h"

namespace sonde {

/// Writes untrusted bytes so that they cannot drive a terminal or fake a line: printable UTF-8 goes through as it is;
/// C0 (as \n, \t, \r or \xNN), DEL, C1 and bidi/format controls (as \u{NNNN}), invalid bytes (as \xNN) and the
/// backslash itself (as \\) are escaped. Returns the terminal cells written. `max_cells` >= 0 cuts with an ellipsis so
/// that the result never exceeds it. `cut`: the bytes are only the beginning of the text, so it ends in one anyway.
int put_escaped(Output& out, std::string_view bytes, int max_cells = -1, bool cut = false);

/// The same as a string.
std::string escaped(std::string_view bytes);

/// True if the bytes are well-formed UTF-8 (no surrogates, no overlong forms, at most U+10FFFF).
bool is_utf8(std::string_view bytes);

/// The candidate nearest to `word` by edit distance, empty if none is near enough to be what was meant.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

/// Breaks prose at spaces so that no line exceeds `width`; lines after the first are indented by `indent` spaces, which
/// do not count.
std::string wrapped(std::string_view prose, int width, int indent);

}  // namespace sonde
