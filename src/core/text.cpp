// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/text.h"

#include <algorithm>
#include <array>
#include <climits>
#include <cstddef>
#include <vector>

#include "core/utf8.h"

namespace sonde {

namespace {

constexpr std::string_view ellipsis = "…";
constexpr std::string_view hex_digits = "0123456789abcdef";

// What stands for a byte or a character that must not be shown as it is.
class Escape {
 public:
  void byte(unsigned char b) {
    put("\\x");
    put(hex_digits[b >> 4]);
    put(hex_digits[b & 15]);
  }
  void code_point(char32_t code) {
    put("\\u{");
    int shift = 12;
    while (code >> shift > 15) shift += 4;
    for (; shift >= 0; shift -= 4) put(hex_digits[code >> shift & 15]);
    put('}');
  }
  void put(char c) { text_[size_++] = c; }
  void put(std::string_view s) {
    for (const char c : s) put(c);
  }
  [[nodiscard]] std::string_view text() const { return {text_.data(), size_}; }

 private:
  std::array<char, 12> text_{};  // the longest: \u{10ffff}; three bytes of a broken character
  std::size_t size_ = 0;
};

Escape ascii_escape(unsigned char b) {
  Escape result;
  switch (b) {
    case '\n':
      result.put("\\n");
      break;
    case '\t':
      result.put("\\t");
      break;
    case '\r':
      result.put("\\r");
      break;
    case '\\':
      result.put("\\\\");
      break;
    default:
      result.byte(b);
  }
  return result;
}

// The smallest part of a text that is shown or cut as one.
struct Piece {
  std::size_t length = 0;  // bytes of the input
  int cells = 0;
  bool verbatim = true;
  Escape escape;  // unless verbatim
};

Piece first_piece(std::string_view bytes) {
  const Decoded decoded = decode_utf8(bytes);
  Piece piece{.length = decoded.length, .cells = 0, .verbatim = decoded.valid, .escape = {}};
  if (!decoded.valid) {
    for (std::size_t i = 0; i < decoded.length; ++i) piece.escape.byte(static_cast<unsigned char>(bytes[i]));
  } else if (const Cells cells = cells_of(decoded.code); cells == Cells::control || decoded.code == '\\') {
    piece.verbatim = false;
    if (decoded.code < 0x80)
      piece.escape = ascii_escape(static_cast<unsigned char>(decoded.code));
    else
      piece.escape.code_point(decoded.code);
  } else {
    piece.cells = static_cast<int>(cells);
  }
  if (!piece.verbatim) piece.cells = static_cast<int>(piece.escape.text().size());
  return piece;
}
static_assert(static_cast<int>(Cells::none) == 0 && static_cast<int>(Cells::two) == 2);

// Output and std::string, told what to take by the same code.
void append(Output& out, std::string_view s) { out.put(s); }
void append(std::string& out, std::string_view s) { out.append(s); }

template <class Out>
int write_escaped(Out& out, std::string_view bytes) {
  int cells = 0;
  while (!bytes.empty()) {
    const std::size_t plain = plain_length(bytes);
    append(out, bytes.substr(0, plain));
    cells += static_cast<int>(plain);
    bytes.remove_prefix(plain);
    if (bytes.empty()) break;
    const Piece piece = first_piece(bytes);
    append(out, piece.verbatim ? bytes.substr(0, piece.length) : piece.escape.text());
    cells += piece.cells;
    bytes.remove_prefix(piece.length);
  }
  return cells;
}

// The length of the longest beginning of `bytes` that takes at most `cells`.
std::size_t fitting(std::string_view bytes, int cells) {
  std::size_t length = 0;
  while (true) {
    const std::size_t plain = std::min(plain_length(bytes.substr(length)), static_cast<std::size_t>(cells));
    length += plain;
    cells -= static_cast<int>(plain);
    if (length == bytes.size()) return length;
    const Piece piece = first_piece(bytes.substr(length));
    if (piece.cells > cells) return length;
    length += piece.length;
    cells -= piece.cells;
  }
}

}  // namespace

int put_escaped(Output& out, std::string_view bytes, int max_cells, bool cut) {
  if (max_cells == 0) return 0;
  if (max_cells < 0) max_cells = INT_MAX;
  // No byte takes more than the four cells of \xNN (\u{00ad} comes from two): short texts fit without measuring.
  const bool surely_fits = bytes.size() < static_cast<std::size_t>(max_cells) / 4;
  if (!surely_fits && fitting(bytes, cut ? max_cells - 1 : max_cells) < bytes.size()) {
    bytes = bytes.substr(0, fitting(bytes, max_cells - 1));
    cut = true;
  }
  int cells = write_escaped(out, bytes);
  if (cut) {
    out.put(ellipsis);
    ++cells;
  }
  return cells;
}

std::string escaped(std::string_view bytes) {
  std::string result;
  result.reserve(bytes.size());
  write_escaped(result, bytes);
  return result;
}

bool is_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    bytes.remove_prefix(plain_length(bytes));
    if (bytes.empty()) break;
    const Decoded decoded = decode_utf8(bytes);
    if (!decoded.valid) return false;
    bytes.remove_prefix(decoded.length);
  }
  return true;
}

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Insertions, deletions, replacements and swaps of neighbours, ignoring case.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> above(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]))
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(above);
    above.swap(row);
  }
  return above[b.size()];
}

bool abbreviates(std::string_view word, std::string_view candidate) {
  return word.size() >= 2 && word.size() < candidate.size() &&
         std::equal(word.begin(), word.end(), candidate.begin(), [](char a, char b) { return lower(a) == lower(b); });
}

}  // namespace

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view best;
  std::size_t best_distance = (word.size() + 5) / 3;  // fewer than: 1 typing error in 2 or 3 letters, 2 in up to 6, …
  if (word.size() < 2) best_distance = 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = abbreviates(word, candidate) ? 1 : edit_distance(word, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string wrapped(std::string_view prose, int width, int indent) {
  const auto letters = [](std::string_view word) {
    return static_cast<int>(std::count_if(word.begin(), word.end(), [](char c) { return (c & 0xC0) != 0x80; }));
  };
  std::string result;
  int column = 0;
  bool first_in_line = true;
  while (true) {
    prose.remove_prefix(std::min(prose.find_first_not_of(' '), prose.size()));
    if (prose.empty()) return result;
    const std::string_view word = prose.substr(0, prose.find(' '));
    prose.remove_prefix(word.size());
    if (!first_in_line && column + 1 + letters(word) > width) {
      result.append("\n").append(static_cast<std::size_t>(std::max(indent, 0)), ' ');
      column = 0;
      first_in_line = true;
    }
    if (!first_in_line) {
      result += ' ';
      ++column;
    }
    result += word;
    column += letters(word);
    first_in_line = false;
  }
}

}  // namespace sonde
