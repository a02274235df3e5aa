// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/stack.h"

namespace sonde {

/// One field of one row, between a tool and a sink. It owns nothing: text points into the event, a cache of the tool or
/// a literal, and is good only until the sink's row() returns.
class Value {
 public:
  enum class Kind : std::uint8_t {
    none,
    boolean,
    integer,
    natural,
    real,
    text,
    list,
    time,
    duration,
    bytes,
    symbol,
    histogram,
    stack
  };

  /// How often values from `min` on and below `max` came; a `max` of UINT64_MAX is no end.
  struct Bucket {
    std::uint64_t min = 0, max = 0, count = 0;
  };

  constexpr Value() = default;

  static constexpr Value boolean(bool v) { return natural_of(Kind::boolean, v ? 1 : 0); }
  static constexpr Value integer(std::int64_t v) { return natural_of(Kind::integer, static_cast<std::uint64_t>(v)); }
  static constexpr Value natural(std::uint64_t v) { return natural_of(Kind::natural, v); }
  static constexpr Value real(double v) {
    Value r;
    r.kind_ = Kind::real;
    r.natural_ = std::bit_cast<std::uint64_t>(v);
    return r;
  }
  /// Untrusted bytes, as they came; sinks escape. `cut`: the kernel side could not deliver all of it.
  static constexpr Value text(std::string_view v, bool cut = false) {
    Value r;
    r.kind_ = Kind::text;
    r.set_text(v);
    r.cut_ = cut;
    return r;
  }
  /// A text whose beginning could not be delivered: a path from its leaf upwards.
  static constexpr Value text_end(std::string_view v) {
    Value r = text(v, true);
    r.begins_later_ = true;
    return r;
  }
  /// An argv: strings that stay apart in JSON. `cut` as for text.
  static constexpr Value list(std::span<const std::string_view> v, bool cut = false) {
    Value r;
    r.kind_ = Kind::list;
    r.items_ = v.data();
    r.natural_ = v.size();
    r.cut_ = cut;
    return r;
  }
  /// Wall-clock ns since 1970-01-01 UTC.
  static constexpr Value time(std::int64_t ns) { return natural_of(Kind::time, static_cast<std::uint64_t>(ns)); }
  /// A length of time in ns.
  static constexpr Value duration(std::uint64_t ns) { return natural_of(Kind::duration, ns); }
  /// An amount of memory or data in bytes.
  static constexpr Value bytes(std::uint64_t n) { return natural_of(Kind::bytes, n); }
  /// A number that has a name (errno, flags, a syscall): a table shows the name, JSON both.
  static constexpr Value symbol(std::string_view name, std::int64_t number) {
    Value r = natural_of(Kind::symbol, static_cast<std::uint64_t>(number));
    r.set_text(name);
    return r;
  }

  /// How lengths of time in ns, or sizes in bytes, are distributed: buckets in order, without gaps. Which of the two it
  /// is the column says.
  static constexpr Value histogram(std::span<const Bucket> v) {
    Value r = natural_of(Kind::histogram, v.size());
    r.buckets_ = v.data();
    return r;
  }

  /// Frames, innermost first.
  static constexpr Value stack(std::span<const Frame> v) {
    Value r = natural_of(Kind::stack, v.size());
    r.frames_ = v.data();
    return r;
  }

  [[nodiscard]] constexpr Kind kind() const { return kind_; }
  [[nodiscard]] constexpr bool empty() const { return kind_ == Kind::none; }
  [[nodiscard]] constexpr bool cut() const { return cut_; }
  /// If so, it is the beginning that is missing, not the end.
  [[nodiscard]] constexpr bool begins_later() const { return begins_later_; }
  /// boolean (0 or 1), natural, duration, bytes
  [[nodiscard]] constexpr std::uint64_t as_natural() const { return natural_; }
  /// integer, time, a symbol's number
  [[nodiscard]] constexpr std::int64_t as_integer() const { return static_cast<std::int64_t>(natural_); }
  [[nodiscard]] constexpr double as_real() const { return std::bit_cast<double>(natural_); }
  /// text, a symbol's name
  [[nodiscard]] constexpr std::string_view as_text() const {
    const bool other = kind_ == Kind::list || kind_ == Kind::histogram || kind_ == Kind::stack;
    return other ? std::string_view() : std::string_view(text_, length_);
  }
  [[nodiscard]] constexpr std::span<const std::string_view> as_list() const {
    return kind_ == Kind::list ? std::span(items_, natural_) : std::span<const std::string_view>();
  }
  [[nodiscard]] constexpr std::span<const Bucket> as_histogram() const {
    return kind_ == Kind::histogram ? std::span(buckets_, natural_) : std::span<const Bucket>();
  }
  [[nodiscard]] constexpr std::span<const Frame> as_stack() const {
    return kind_ == Kind::stack ? std::span(frames_, natural_) : std::span<const Frame>();
  }

 private:
  static constexpr Value natural_of(Kind kind, std::uint64_t v) {
    Value r;
    r.kind_ = kind;
    r.natural_ = v;
    return r;
  }

  constexpr void set_text(std::string_view v) {
    text_ = v.data();
    length_ = v.size();
  }

  // Copied for each column of each row: it has the size of half a cache line.
  Kind kind_ = Kind::none;
  bool cut_ = false;
  bool begins_later_ = false;
  std::uint64_t natural_ = 0;  // also the length of a list, histogram or stack, and the bits of a real
  std::size_t length_ = 0;     // of the text
  union {
    const char* text_ = nullptr;
    const std::string_view* items_;
    const Bucket* buckets_;
    const Frame* frames_;
  };
};

static_assert(sizeof(Value) <= 32);

}  // namespace sonde
