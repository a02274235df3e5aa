// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/show.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ctime>

#include "core/decimal.h"
#include "core/units.h"

namespace sonde {

namespace {

std::string_view keep(std::string_view text, ShowBuffer& buffer) {
  return {buffer.data(),
          static_cast<std::size_t>(std::copy(text.begin(), text.end(), buffer.begin()) - buffer.begin())};
}

std::string_view show_real(double v, ShowBuffer& buffer) {
  if (!std::isfinite(v)) return "-";
  const bool ordinary = std::abs(v) < 1e15;
  const auto format = ordinary ? std::chars_format::fixed : std::chars_format::scientific;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), v, format, 2).ptr;
  return {buffer.data(), static_cast<std::size_t>(end - buffer.data())};
}

}  // namespace

std::string_view show(const Value& value, ShowBuffer& buffer) {
  switch (value.kind()) {
    case Value::Kind::boolean:
      return value.as_natural() != 0 ? "yes" : "no";
    case Value::Kind::integer:
      return signed_decimal(value.as_integer(), buffer);
    case Value::Kind::natural:
      return decimal(value.as_natural(), buffer);
    case Value::Kind::real:
      return show_real(value.as_real(), buffer);
    case Value::Kind::duration:
      return keep(format_duration(value.as_natural()), buffer);
    case Value::Kind::bytes:
      return keep(format_bytes(value.as_natural()), buffer);
    case Value::Kind::symbol:
      return value.as_text().empty() ? signed_decimal(value.as_integer(), buffer) : value.as_text();
    case Value::Kind::none:
    case Value::Kind::text:
    case Value::Kind::list:
    case Value::Kind::time:
    case Value::Kind::histogram:
    case Value::Kind::stack:
      break;
  }
  return "-";
}

void join(std::span<const std::string_view> items, std::string& joined) {
  joined.clear();
  for (const std::string_view item : items) {
    const std::string_view quote = item.empty() || item.find(' ') != item.npos ? "\"" : "";
    joined.append(joined.empty() ? "" : " ").append(quote).append(item).append(quote);
  }
}

std::string_view TimeOfDay::operator()(std::int64_t ns) {
  constexpr std::int64_t second_ns = 1'000'000'000;
  std::int64_t second = ns / second_ns;
  std::int64_t rest = ns % second_ns;
  if (rest < 0) {
    --second;
    rest += second_ns;
  }
  if (second != second_) {
    const std::time_t when = second;
    std::tm parts{};
    (utc_ ? gmtime_r : localtime_r)(&when, &parts);
    const int numbers[] = {parts.tm_hour, parts.tm_min, parts.tm_sec};
    char* to = text_.data();
    for (const int number : numbers) {
      DecimalBuffer digits;
      to = std::ranges::copy(decimal(static_cast<std::uint64_t>(number), digits, 2), to).out;
      *to++ = ':';
    }
    text_[8] = '.';
    second_ = second;
  }
  DecimalBuffer digits;
  std::ranges::copy(decimal(static_cast<std::uint64_t>(rest / 1000), digits, 6), text_.data() + 9);
  return {text_.data(), text_.size()};
}

}  // namespace sonde
