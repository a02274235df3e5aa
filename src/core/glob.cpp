// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/glob.h"

#include <bitset>
#include <cstddef>
#include <string>

#include "core/error.h"
#include "core/text.h"

namespace sonde {

namespace {

constexpr std::uint32_t max_tokens = 63;

class Compiler {
 public:
  explicit Compiler(std::string_view pattern) : pattern_(pattern) {}

  Glob compile() {
    if (pattern_.empty()) refuse("is empty", "Use * for everything.");
    while (at_ < pattern_.size()) {
      if (pattern_[at_] == '*') {
        ++at_;
        glob_.loops |= std::uint64_t{1} << glob_.tokens;
      } else {
        add_token();
      }
    }
    return glob_;
  }

 private:
  using Bytes = std::bitset<256>;

  [[noreturn]] void refuse(const std::string& fault, const std::string& remedy) const {
    throw Error(Exit::usage, "The pattern '" + escaped(pattern_) + "' " + fault + ".", remedy);
  }

  void add_token() {
    if (glob_.tokens == max_tokens) refuse("is longer than 63 characters", "Put * for a part of it.");
    Bytes accepted;
    if (pattern_[at_] == '?') {
      ++at_;
      accepted.set();
    } else if (pattern_[at_] == '[') {
      accepted = set();
    } else {
      accepted.set(byte());
    }
    for (std::size_t b = 0; b < accepted.size(); ++b) glob_.accepts[b] |= std::uint64_t{accepted[b]} << glob_.tokens;
    ++glob_.tokens;
  }

  // One byte, or the one behind a backslash.
  unsigned char byte() {
    if (pattern_[at_] == '\\' && ++at_ == pattern_.size()) refuse("ends in a lone \\", "Write \\\\ for a backslash.");
    return static_cast<unsigned char>(pattern_[at_++]);
  }

  [[nodiscard]] bool at(char c) const { return at_ < pattern_.size() && pattern_[at_] == c; }

  void expect_more() const {
    if (at_ == pattern_.size()) refuse("has an open [", "Close it with ], or write \\[ for the character itself.");
  }

  Bytes set() {
    ++at_;
    const bool negated = at('!');
    if (negated) ++at_;
    Bytes accepted;
    // A ] that comes first stands for itself, as in a shell.
    for (bool first = true; first || !at(']'); first = false) {
      expect_more();
      const unsigned char low = byte();
      unsigned char high = low;
      if (at('-') && at_ + 1 < pattern_.size() && pattern_[at_ + 1] != ']') {
        ++at_;
        high = byte();
      }
      if (high < low) refuse("has a range that runs backwards", "Write the lower character first, as in [a-z].");
      for (std::size_t b = low; b <= high; ++b) accepted.set(b);
    }
    ++at_;
    return negated ? ~accepted : accepted;
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
  Glob glob_;
};

}  // namespace

Glob Glob::compile(std::string_view pattern) { return Compiler(pattern).compile(); }

bool Glob::matches(std::string_view subject) const {
  std::uint64_t state = 1;
  for (const char c : subject) state = ((state & accepts[static_cast<unsigned char>(c)]) << 1) | (state & loops);
  return (state >> tokens & 1) != 0;
}

}  // namespace sonde
