// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/json.h"

#include <algorithm>
#include <charconv>
#include <ostream>
#include <stdexcept>

#include "core/text.h"

namespace sonde::test {
namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Json whole() {
    if (!is_utf8(text_)) fail("not UTF-8");
    Json value = any();
    skip_space();
    if (at_ != text_.size()) fail("more behind the value");
    return value;
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw std::runtime_error("no JSON, " + why + " at byte " + std::to_string(at_) + ": " + std::string(text_));
  }
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_space() {
    while (peek() == ' ' || peek() == '\n' || peek() == '\t' || peek() == '\r') ++at_;
  }
  bool take(char c) {
    skip_space();
    if (peek() != c || at_ == text_.size()) return false;
    ++at_;
    return true;
  }
  void want(char c) {
    if (!take(c)) fail(std::string("no '") + c + "'");
  }
  bool word(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) return false;
    at_ += expected.size();
    return true;
  }

  Json any() {
    skip_space();
    if (peek() == '{') return object();
    if (peek() == '[') return array();
    if (peek() == '"') return Json(string());
    if (word("null")) return {};
    if (word("true")) return Json(true);
    if (word("false")) return Json(false);
    return number();
  }

  Json number() {
    const auto rest = text_.substr(at_);
    const auto digits = rest.substr(0, rest.find_first_not_of("+-.0123456789eE"));
    std::int64_t whole = 0;
    double real = 0;
    const char* end = digits.data() + digits.size();
    at_ += digits.size();
    if (std::from_chars(digits.data(), end, whole).ptr == end && !digits.empty()) return Json(whole);
    if (std::from_chars(digits.data(), end, real).ptr == end && !digits.empty()) return Json(real);
    fail("no value");
  }

  Json array() {
    Json::Array items;
    want('[');
    if (take(']')) return Json(items);
    do items.push_back(any());
    while (take(','));
    want(']');
    return Json(std::move(items));
  }

  Json object() {
    Json::Object members;
    want('{');
    if (take('}')) return Json(members);
    do {
      skip_space();
      std::string key = string();
      for (const auto& member : members)
        if (member.first == key) fail("a second " + key);
      want(':');
      members.emplace_back(std::move(key), any());
    } while (take(','));
    want('}');
    return Json(std::move(members));
  }

  std::string string() {
    std::string out;
    want('"');
    while (peek() != '"') {
      const char c = peek();
      if (at_ == text_.size() || static_cast<unsigned char>(c) < ' ') fail("a bare control character");
      ++at_;
      if (c == '\\')
        escape(out);
      else
        out += c;
    }
    ++at_;
    return out;
  }

  void escape(std::string& out) {
    static constexpr std::string_view letters = "\"\\/bfnrt", meant = "\"\\/\b\f\n\r\t";
    const char c = peek();
    ++at_;
    if (c != 'u') {
      const auto i = letters.find(c);
      if (i == letters.npos) fail("an unknown escape");
      out += meant[i];
      return;
    }
    unsigned code = unit();
    if (code >= 0xD800 && code < 0xDC00 && word("\\u")) code = 0x10000 + ((code - 0xD800) << 10) + (unit() - 0xDC00);
    put_utf8(out, code);
  }

  unsigned unit() {
    unsigned value = 0;
    const char* begin = text_.data() + std::min(at_, text_.size());
    const char* end = text_.data() + std::min(at_ + 4, text_.size());
    if (end - begin != 4 || std::from_chars(begin, end, value, 16).ptr != end) fail("a bad \\u");
    at_ += 4;
    return value;
  }

  static void put_utf8(std::string& out, unsigned code) {
    const auto rest = [&](unsigned shift) { out += static_cast<char>(0x80 | (code >> shift & 0x3F)); };
    if (code < 0x80) {
      out += static_cast<char>(code);
    } else if (code < 0x800) {
      out += static_cast<char>(0xC0 | code >> 6);
      rest(0);
    } else if (code < 0x10000) {
      out += static_cast<char>(0xE0 | code >> 12);
      rest(6);
      rest(0);
    } else {
      out += static_cast<char>(0xF0 | code >> 18);
      rest(12);
      rest(6);
      rest(0);
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Json Json::parse(std::string_view text) { return Parser(text).whole(); }

const Json* Json::find(std::string_view key) const {
  const auto& all = members();
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& member) { return member.first == key; });
  return found == all.end() ? nullptr : &found->second;
}

const Json& Json::operator[](std::string_view key) const {
  static const Json nothing;
  const Json* found = find(key);
  return found ? *found : nothing;
}

std::ostream& operator<<(std::ostream& out, const Json& json) {
  const char* before = "";
  if (json.null()) return out << "null";
  if (const auto* real = std::get_if<double>(&json.data_)) return out << *real;
  if (json.is_integer()) return out << json.number();
  if (json.is_text()) return out << '"' << json.text() << '"';
  if (std::holds_alternative<bool>(json.data_)) return out << (json.is_true() ? "true" : "false");
  out << (json.is_object() ? '{' : '[');
  for (const auto& [key, value] : json.members()) {
    out << before << key << ": " << value;
    before = ", ";
  }
  for (const auto& item : json.items()) {
    out << before << item;
    before = ", ";
  }
  return out << (json.is_object() ? '}' : ']');
}

}  // namespace sonde::test
