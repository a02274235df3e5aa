// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/demangle.h"

#include <cxxabi.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <utility>

#include "core/utf8.h"

namespace sonde {
namespace {

constexpr std::size_t longest_symbol = 8192;
constexpr std::size_t hash_digits = 16;

constexpr std::array<std::pair<std::string_view, std::string_view>, 9> escapes{{{"$SP$", "@"},
                                                                                {"$BP$", "*"},
                                                                                {"$RF$", "&"},
                                                                                {"$LT$", "<"},
                                                                                {"$GT$", ">"},
                                                                                {"$LP$", "("},
                                                                                {"$RP$", ")"},
                                                                                {"$C$", ","},
                                                                                {"..", "::"}}};

void append_code(std::uint32_t code, std::string& text) {
  const auto add = [&](std::uint32_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) return add(code);
  if (code < 0x800) {
    add(0xC0 | code >> 6);
  } else if (code < 0x10000) {
    add(0xE0 | code >> 12);
    add(0x80 | (code >> 6 & 0x3F));
  } else {
    add(0xF0 | code >> 18);
    add(0x80 | (code >> 12 & 0x3F));
    add(0x80 | (code >> 6 & 0x3F));
  }
  add(0x80 | (code & 0x3F));
}

// "$u7b$", a character by its number. How many bytes it takes; 0: it is none.
std::size_t take_code(std::string_view part, std::string& text) {
  std::uint32_t code = 0;
  if (!part.starts_with("$u")) return 0;
  const auto [end, error] = std::from_chars(part.data() + 2, part.data() + part.size(), code, 16);
  const auto length = static_cast<std::size_t>(end - part.data());
  if (error != std::errc{} || length >= part.size() || part[length] != '$' || code > 0x10FFFF) return 0;
  append_code(code, text);
  return length + 1;
}

void append_legacy(std::string_view part, std::string& text) {
  if (part.starts_with("_$")) part.remove_prefix(1);
  while (!part.empty()) {
    std::size_t taken = take_code(part, text);
    for (const auto& [from, to] : escapes) {
      if (taken || !part.starts_with(from)) continue;
      text.append(to);
      taken = from.size();
    }
    if (!taken) {
      text += part.front();
      taken = 1;
    }
    part.remove_prefix(taken);
  }
}

bool is_hash(std::string_view part) {
  return part.size() == hash_digits + 1 && part[0] == 'h' &&
         part.substr(1).find_first_not_of("0123456789abcdef") == part.npos;
}

std::string demangled_cpp(const std::string& symbol) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status),
                                                    std::free);
  return status == 0 && name ? name.get() : "";
}

}  // namespace

std::string demangled_rust_legacy(std::string_view symbol) {
  std::string text;
  if (!symbol.starts_with("_ZN")) return text;
  symbol.remove_prefix(3);
  std::string_view last;
  for (bool first = true; !symbol.starts_with('E'); first = false) {
    std::size_t length = 0;
    const auto [end, error] = std::from_chars(symbol.data(), symbol.data() + symbol.size(), length);
    symbol.remove_prefix(static_cast<std::size_t>(end - symbol.data()));
    if (error != std::errc{} || !length || length > symbol.size()) return {};
    last = symbol.substr(0, length);
    symbol.remove_prefix(length);
    if (symbol.starts_with('E')) break;  // the hash, which says nothing to a reader
    if (!first) text += "::";
    append_legacy(last, text);
  }
  return is_hash(last) ? text : std::string();
}

std::string demangled(std::string_view symbol, std::size_t most) {
  const std::string same(symbol);
  if (symbol.size() < 3 || symbol.size() > longest_symbol || symbol[0] != '_') return same;
  std::string name;
  if (symbol.starts_with("_R")) name = demangled_rust_v0(symbol, most);
  if (symbol.starts_with("_Z")) {
    // What the compiler split off ("….llvm.123", "….cold") is no part of the mangling.
    name = demangled_rust_legacy(symbol);
    if (name.empty()) name = demangled_cpp(same);
  }
  return name.empty() || name.size() > most ? same : name;
}

}  // namespace sonde
