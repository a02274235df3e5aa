// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/utf8.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>

#include "core/output.h"

namespace sonde {

namespace {

struct Range {
  char32_t first;
  char32_t last;
  Cells cells;
};

constexpr Range unusual_ranges[] = {
#include "core/unicode_ranges.inc"
};

struct Lead {
  std::size_t length;  // 0: no character begins with this byte
  unsigned char low;  // the second byte's bounds, which rule out overlong forms, surrogates and what is beyond U+10FFFF
  unsigned char high;
};

constexpr Lead lead_of(unsigned char byte) {
  if (byte < 0xC2) return {0, 0, 0};
  if (byte < 0xE0) return {2, 0x80, 0xBF};
  if (byte < 0xF0) {
    const unsigned char low = byte == 0xE0 ? 0xA0 : 0x80;
    const unsigned char high = byte == 0xED ? 0x9F : 0xBF;
    return {3, low, high};
  }
  if (byte < 0xF5) {
    const unsigned char low = byte == 0xF0 ? 0x90 : 0x80;
    const unsigned char high = byte == 0xF4 ? 0x8F : 0xBF;
    return {4, low, high};
  }
  return {0, 0, 0};
}

constexpr auto plain = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0x20; c < 0x7F; ++c) table[c] = c != '"' && c != '\\';
  return table;
}();

constexpr std::uint64_t repeated(unsigned char byte) { return 0x0101010101010101U * byte; }

// Each term sets the high bit of a byte that is not plain. A borrow or carry may set that of its neighbours too, but
// none starts where all bytes are plain.
constexpr bool all_plain(std::uint64_t word) {
  const std::uint64_t not_ascii = word;
  const std::uint64_t control = word - repeated(' ');
  const std::uint64_t del = word + repeated(1);
  const std::uint64_t quote = (word ^ repeated('"')) - repeated(1);
  const std::uint64_t backslash = (word ^ repeated('\\')) - repeated(1);
  return ((not_ascii | control | del | quote | backslash) & repeated(0x80)) == 0;
}

template <class Word>
std::uint64_t load(const char* bytes) {
  Word word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

bool all_plain(std::string_view bytes) {
  const char* const begin = bytes.data();
  const char* const end = begin + bytes.size();
  if (bytes.size() >= 8) {
    for (const char* p = begin; p < end - 8; p += 8)
      if (!all_plain(load<std::uint64_t>(p))) return false;
    return all_plain(load<std::uint64_t>(end - 8));  // some of it for the second time: cheaper than byte by byte
  }
  if (bytes.size() >= 4) return all_plain(load<std::uint32_t>(begin) | load<std::uint32_t>(end - 4) << 32);
  return false;
}

}  // namespace

Cells cells_of(char32_t code) {
  if (code < 0x80) return code < 0x20 || code == 0x7F ? Cells::control : Cells::one;
  const Range* const range = std::lower_bound(std::begin(unusual_ranges), std::end(unusual_ranges), code,
                                              [](const Range& r, char32_t c) { return r.last < c; });
  return range != std::end(unusual_ranges) && range->first <= code ? range->cells : Cells::one;
}

Decoded decode_utf8(std::string_view bytes) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  if (byte(0) < 0x80) return {byte(0), 1, true};
  const Lead lead = lead_of(byte(0));
  if (lead.length == 0) return {};
  char32_t code = byte(0) & (0x7FU >> lead.length);
  for (std::size_t i = 1; i < lead.length; ++i) {
    if (i == bytes.size()) return {0xFFFD, i, false};
    const unsigned char low = i == 1 ? lead.low : 0x80;
    const unsigned char high = i == 1 ? lead.high : 0xBF;
    if (byte(i) < low || byte(i) > high) return {0xFFFD, i, false};
    code = code << 6 | (byte(i) & 0x3FU);
  }
  return {code, lead.length, true};
}

std::size_t plain_length(std::string_view bytes) {
  if (all_plain(bytes)) return bytes.size();
  std::size_t i = 0;
  while (i < bytes.size() && plain[static_cast<unsigned char>(bytes[i])]) ++i;
  return i;
}

bool copy_plain(char* to, std::string_view bytes) {
  const char* from = bytes.data();
  const char* const end = from + bytes.size();
  if (bytes.size() < 4) {
    for (; from < end; ++from, ++to) {
      if (!plain[static_cast<unsigned char>(*from)]) return false;
      *to = *from;
    }
    return true;
  }
  // As in all_plain(): the end is taken by a whole word too, some of it for the second time.
  if (bytes.size() < 8) {
    if (!all_plain(load<std::uint32_t>(from) | load<std::uint32_t>(end - 4) << 32)) return false;
    std::memcpy(to, from, 4);
    std::memcpy(to + bytes.size() - 4, end - 4, 4);
    return true;
  }
  char* const last = to + bytes.size() - 8;
  for (; from < end - 8; from += 8, to += 8) {
    if (!all_plain(load<std::uint64_t>(from))) return false;
    std::memcpy(to, from, 8);
  }
  std::memcpy(last, end - 8, 8);
  return all_plain(load<std::uint64_t>(end - 8));
}

void put_utf16_escape(Output& out, char32_t code) {
  constexpr std::string_view digits = "0123456789abcdef";
  if (code > 0xFFFF) {
    put_utf16_escape(out, 0xD800 + ((code - 0x10000) >> 10));
    code = 0xDC00 + (code & 0x3FF);
  }
  const std::array<char, 6> escape = {
      '\\', 'u', digits[code >> 12 & 15], digits[code >> 8 & 15], digits[code >> 4 & 15], digits[code & 15]};
  out.put({escape.data(), escape.size()});
}

}  // namespace sonde
