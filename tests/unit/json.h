// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cctype>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>

#include "core/text.h"

namespace sonde::test {

/// Whether a text is one JSON value by RFC 8259, with no key twice in an object.
class JsonCheck {
 public:
  static bool valid(std::string_view text) {
    JsonCheck check(text);
    return is_utf8(text) && check.value() && (check.space(), check.rest_.empty());
  }

 private:
  explicit JsonCheck(std::string_view text) : rest_(text) {}

  void space() {
    while (!rest_.empty() && std::string_view(" \t\r\n").find(rest_.front()) != std::string_view::npos)
      rest_.remove_prefix(1);
  }
  bool take(std::string_view token) {
    space();
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }
  bool value() {
    space();
    if (rest_.empty()) return false;
    switch (rest_.front()) {
      case '{':
        return object();
      case '[':
        return array();
      case '"':
        return string();
      case 't':
        return take("true");
      case 'f':
        return take("false");
      case 'n':
        return take("null");
      default:
        return number();
    }
  }
  bool object() {
    std::set<std::string, std::less<>> keys;
    take("{");
    if (take("}")) return true;
    do {
      space();
      const std::string_view before = rest_;
      if (!string()) return false;
      if (!keys.emplace(before.substr(0, before.size() - rest_.size())).second) return false;
      if (!take(":") || !value()) return false;
    } while (take(","));
    return take("}");
  }
  bool array() {
    take("[");
    if (take("]")) return true;
    do {
      if (!value()) return false;
    } while (take(","));
    return take("]");
  }
  bool string() {
    if (!take("\"")) return false;
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return true;
      if (c >= 0 && c < 0x20) return false;
      if (c == '\\' && !escape()) return false;
    }
    return false;
  }
  bool escape() {
    if (rest_.empty()) return false;
    const char c = rest_.front();
    rest_.remove_prefix(1);
    if (c != 'u') return std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos;
    for (int i = 0; i < 4; ++i) {
      if (rest_.empty() || std::isxdigit(static_cast<unsigned char>(rest_.front())) == 0) return false;
      rest_.remove_prefix(1);
    }
    return true;
  }
  bool digits() {
    std::size_t n = 0;
    while (n < rest_.size() && rest_[n] >= '0' && rest_[n] <= '9') ++n;
    rest_.remove_prefix(n);
    return n > 0;
  }
  bool number() {
    take("-");
    if (rest_.starts_with('0'))
      rest_.remove_prefix(1);
    else if (!digits())
      return false;
    if (rest_.starts_with('.')) {
      rest_.remove_prefix(1);
      if (!digits()) return false;
    }
    if (rest_.starts_with('e') || rest_.starts_with('E')) {
      rest_.remove_prefix(1);
      if (rest_.starts_with('+') || rest_.starts_with('-')) rest_.remove_prefix(1);
      return digits();
    }
    return true;
  }

  std::string_view rest_;
};

}  // namespace sonde::test
