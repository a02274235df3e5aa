// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/stack.h"

#include <array>
#include <charconv>

#include "core/bytes.h"
#include "lib/abi.h"

namespace sonde {
namespace {

constexpr std::size_t word = sizeof(std::uint64_t);
static_assert(most_frames == STACK_FRAMES);

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
  if (record.size() < sizeof(stack_tail)) return std::nullopt;
  const std::size_t end = record.size() - sizeof(stack_tail);
  const auto tail = read_at<stack_tail>(record, end);
  if (tail->mark != STACK_MARK) return std::nullopt;
  const std::size_t kernel = size_of(tail->kernel_size), user = size_of(tail->user_size);
  if (kernel + user > end) return std::nullopt;
  return RecordedStacks{tail->time, tail->pid, addresses(record.substr(end - user - kernel, kernel)),
                        addresses(record.substr(end - user, user)), tail->user_size == STACK_UNKNOWN};
}

std::optional<CopiedStack> copied_stack(std::string_view record) {
  const auto head = read_at<stack_copy>(record, 0);
  if (!head || head->number || head->mark != STACK_COPY_MARK || head->size > record.size() - sizeof(*head))
    return std::nullopt;
  CopiedStack copied{head->seed, head->time, head->pid, {}, {}, {}, {}};
  copied.registers.assign(head->registers, head->registers + STACK_REGISTERS);
  copied.kernel.assign(head->kernel, head->kernel + size_of(head->kernel_size) / word);
  copied.row = record.substr(sizeof(*head), record.size() - sizeof(*head) - head->size);
  copied.stack = record.substr(record.size() - head->size);
  return copied;
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
