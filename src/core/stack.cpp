// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/stack.h"

#include <array>
#include <charconv>

#include "core/bytes.h"

namespace sonde {
namespace {

constexpr std::size_t word = sizeof(std::uint64_t);
constexpr std::uint32_t tail_mark = 0x6b636174;  // STACK_MARK
constexpr std::int32_t size_unknown = -1000;     // STACK_UNKNOWN

// struct stack_tail of bpf/lib/abi.h
struct Tail {
  std::uint64_t time;
  std::uint32_t pid, mark;
  std::int32_t kernel_size, user_size;
};

std::size_t size_of(std::int32_t size) {
  return size > 0 && static_cast<std::size_t>(size) <= most_frames * word ? static_cast<std::size_t>(size) / word * word
                                                                          : 0;
}

std::vector<std::uint64_t> addresses(std::string_view bytes) {
  std::vector<std::uint64_t> all;
  all.reserve(bytes.size() / word);
  for (std::size_t at = 0; at < bytes.size(); at += word) all.push_back(read_at<std::uint64_t>(bytes, at).value_or(0));
  return all;
}

void append_hex(std::uint64_t number, std::string& text) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16).ptr;
  text.append("0x").append(digits.data(), end);
}

}  // namespace

std::optional<RecordedStacks> recorded_stacks(std::string_view record) {
  if (record.size() < sizeof(Tail)) return std::nullopt;
  const std::size_t end = record.size() - sizeof(Tail);
  const auto tail = read_at<Tail>(record, end);
  if (tail->mark != tail_mark) return std::nullopt;
  const std::size_t kernel = size_of(tail->kernel_size), user = size_of(tail->user_size);
  if (kernel + user > end) return std::nullopt;
  return RecordedStacks{tail->time, tail->pid, addresses(record.substr(end - user - kernel, kernel)),
                        addresses(record.substr(end - user, user)), tail->user_size == size_unknown};
}

void show_frame(const Frame& frame, std::string& text) {
  const bool in_kernel = frame.module == "[kernel]";
  text.assign(frame.symbol.empty() ? frame.module : frame.symbol);
  if (frame.is_mark) return;
  if (frame.offset != Frame::anywhere) {
    if (!text.empty()) text += '+';
    append_hex(frame.offset, text);
  }
  if (frame.symbol.empty() || frame.module.empty() || in_kernel) return;
  if (frame.module.starts_with('['))
    text.append(" ").append(frame.module);
  else
    text.append(" (").append(frame.module).append(")");
}

}  // namespace sonde
