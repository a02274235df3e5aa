// SPDX-License-Identifier: GPL-2.0-or-later
// Rust's mangling, version 0: https://doc.rust-lang.org/rustc/symbol-mangling/v0.html
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/demangle.h"

namespace sonde {
namespace {

constexpr unsigned deepest = 128;
constexpr unsigned most_steps = 4096;  // back references can say the same thing again and again

constexpr std::array<std::pair<char, std::string_view>, 21> basic_types{
    {{'a', "i8"},    {'b', "bool"},  {'c', "char"}, {'d', "f64"}, {'e', "str"},  {'f', "f32"},  {'h', "u8"},
     {'i', "isize"}, {'j', "usize"}, {'l', "i32"},  {'m', "u32"}, {'n', "i128"}, {'o', "u128"}, {'p', "_"},
     {'s', "i16"},   {'t', "u16"},   {'u', "()"},   {'v', "..."}, {'x', "i64"},  {'y', "u64"},  {'z', "!"}}};

class Parser {
 public:
  Parser(std::string_view bytes, std::size_t most) : bytes_(bytes), most_(most) {}

  std::string symbol() {
    if (at('_') || (peek() >= '0' && peek() <= '9')) return {};  // a version that is not known
    path(true);
    return failed_ ? std::string() : std::move(out_);
  }

 private:
  struct Step {  // one rule inside another
    explicit Step(Parser& parser) : parser(parser) {
      if (++parser.depth_ > deepest || ++parser.steps_ > most_steps) parser.failed_ = true;
    }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;
    ~Step() { --parser.depth_; }
    Parser& parser;
  };

  [[nodiscard]] char peek() const { return failed_ || next_ >= bytes_.size() ? '\0' : bytes_[next_]; }
  bool at(char c) {
    if (peek() != c || !c) return false;
    ++next_;
    return true;
  }
  char take() {
    const char c = peek();
    if (c)
      ++next_;
    else
      failed_ = true;
    return c;
  }
  void put(std::string_view text) {
    if (silent_ || failed_) return;
    out_.append(text);
    if (out_.size() > most_) failed_ = true;
  }

  // "_" is 0, "0_" is 1, and so on.
  std::uint64_t base62() {
    if (at('_')) return 0;
    std::uint64_t number = 0;
    while (!failed_ && !at('_')) {
      const char c = take();
      unsigned digit = 0;
      if (c >= '0' && c <= '9')
        digit = static_cast<unsigned>(c - '0');
      else if (c >= 'a' && c <= 'z')
        digit = static_cast<unsigned>(c - 'a') + 10;
      else if (c >= 'A' && c <= 'Z')
        digit = static_cast<unsigned>(c - 'A') + 36;
      else
        failed_ = true;
      number = number * 62 + digit;
    }
    return number + 1;
  }
  std::uint64_t optional_base62(char tag) { return at(tag) ? base62() + 1 : 0; }

  std::string_view identifier(std::uint64_t& disambiguator) {
    disambiguator = optional_base62('s');
    at('u');  // punycode: shown as it is written
    std::size_t length = 0;
    if (!(peek() >= '0' && peek() <= '9')) failed_ = true;
    while (peek() >= '0' && peek() <= '9' && length <= bytes_.size())
      length = length * 10 + static_cast<std::size_t>(take() - '0');
    at('_');
    if (failed_ || length > bytes_.size() - next_) return failed_ = true, std::string_view();
    next_ += length;
    return bytes_.substr(next_ - length, length);
  }

  template <class Rule>
  void back_reference(const Rule& rule) {
    const std::size_t from = next_ - 1;  // the B
    const std::uint64_t to = base62();
    if (failed_ || to >= from) {
      failed_ = true;
      return;
    }
    if (silent_) return;
    const std::size_t after = std::exchange(next_, static_cast<std::size_t>(to));
    rule();
    next_ = after;
  }

  void path(bool in_value) {
    const Step step(*this);
    std::uint64_t disambiguator = 0;
    switch (take()) {
      case 'C':
        return put(identifier(disambiguator));
      case 'N':
        return nested(in_value);
      case 'M':
        inherent_path();
        put("<");
        type();
        return put(">");
      case 'X':
        inherent_path();
        [[fallthrough]];
      case 'Y':
        put("<");
        type();
        put(" as ");
        path(false);
        return put(">");
      case 'I':
        path(in_value);
        put(in_value ? "::<" : "<");
        arguments();
        return put(">");
      case 'B':
        return back_reference([&] { path(in_value); });
      default:
        failed_ = true;
    }
  }

  void nested(bool in_value) {
    const char space = take();
    path(in_value);
    std::uint64_t disambiguator = 0;
    const std::string_view name = identifier(disambiguator);
    if (space >= 'A' && space <= 'Z') {
      put("::{");
      put(space == 'C' ? "closure" : space == 'S' ? "shim" : std::string_view(&space, 1));
      if (!name.empty()) {
        put(":");
        put(name);
      }
      put("#" + std::to_string(disambiguator));
      put("}");
    } else if (!name.empty()) {
      put("::");
      put(name);
    }
  }

  // Where an impl stands is no part of its name.
  void inherent_path() {
    const bool before = std::exchange(silent_, true);
    optional_base62('s');
    path(false);
    silent_ = before;
  }

  void arguments() {
    for (bool first = true; !failed_ && !at('E'); first = false) {
      if (!first) put(", ");
      if (at('L'))
        lifetime();
      else if (at('K'))
        constant();
      else
        type();
    }
  }

  void lifetime() {
    base62();
    put("'_");
  }

  void type() {
    const Step step(*this);
    const char tag = take();
    for (const auto& [letter, name] : basic_types)
      if (letter == tag) return put(name);
    switch (tag) {
      case 'A':
      case 'S':
        put("[");
        type();
        if (tag == 'A') {
          put("; ");
          constant();
        }
        return put("]");
      case 'T':
        return tuple();
      case 'R':
      case 'Q':
        put("&");
        if (at('L')) base62();
        if (tag == 'Q') put("mut ");
        return type();
      case 'P':
      case 'O':
        put(tag == 'P' ? "*const " : "*mut ");
        return type();
      case 'F':
        return function();
      case 'D':
        return dynamic();
      case 'B':
        return back_reference([&] { type(); });
      default:
        --next_;
        return path(false);
    }
  }

  void tuple() {
    put("(");
    std::size_t count = 0;
    for (; !failed_ && !at('E'); ++count) {
      if (count) put(", ");
      type();
    }
    put(count == 1 ? ",)" : ")");
  }

  void function() {
    optional_base62('G');
    if (at('U')) put("unsafe ");
    if (at('K')) {
      std::uint64_t disambiguator = 0;
      put("extern \"");
      put(at('C') ? "C" : identifier(disambiguator));
      put("\" ");
    }
    put("fn(");
    for (bool first = true; !failed_ && !at('E'); first = false) {
      if (!first) put(", ");
      type();
    }
    put(")");
    if (at('u')) return;
    put(" -> ");
    type();
  }

  void dynamic() {
    put("dyn ");
    optional_base62('G');
    for (bool first = true; !failed_ && !at('E'); first = false) {
      if (!first) put(" + ");
      path(false);
      bool open = false;
      std::uint64_t disambiguator = 0;
      while (at('p')) {
        put(std::exchange(open, true) ? ", " : "<");
        put(identifier(disambiguator));
        put(" = ");
        type();
      }
      if (open) put(">");
    }
    if (!at('L')) failed_ = true;
    base62();
  }

  void constant() {
    const Step step(*this);
    if (at('B')) return back_reference([&] { constant(); });
    const char tag = take();
    if (tag == 'p') return put("_");
    if (at('n')) put("-");
    std::uint64_t number = 0;
    std::size_t digits = 0;
    const std::size_t start = next_;
    while (!failed_ && !at('_')) {
      const char c = take();
      const bool decimal = c >= '0' && c <= '9';
      if (!decimal && (c < 'a' || c > 'f')) failed_ = true;
      number = number * 16 + static_cast<unsigned>(decimal ? c - '0' : c - 'a' + 10);
      ++digits;
    }
    if (failed_) return;
    if (tag == 'b') return put(number ? "true" : "false");
    if (digits <= 16) return put(std::to_string(number));
    put("0x");
    put(bytes_.substr(start, digits));
  }

  std::string_view bytes_;
  std::size_t most_;
  std::size_t next_ = 0;
  std::string out_;
  unsigned depth_ = 0, steps_ = 0;
  bool failed_ = false, silent_ = false;
};

}  // namespace

std::string demangled_rust_v0(std::string_view symbol, std::size_t most) {
  if (!symbol.starts_with("_R")) return {};
  return Parser(symbol.substr(2), most).symbol();
}

}  // namespace sonde
