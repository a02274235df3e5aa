// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/stack_store.h"

#include <algorithm>

#include "core/bytes.h"

namespace sonde {
namespace {

std::size_t mix(std::size_t hash, std::size_t word) {
  hash = (hash ^ word) * 0x9e3779b97f4a7c15;
  return hash ^ hash >> 29;
}

// Of frame pointers: a function without one hid its caller. Whether one without a name has one cannot be seen.
bool shows_lack(const Frame& frame) {
  return frame.symbol.empty() || (frame.is_mark && (frame.symbol == mark::gap || frame.symbol == mark::broken));
}

// By which a task is taken off its CPU, whatever it waits for. What it waits for is told by those that call them: of
// the functions that the kernel itself leaves out (.sched.text), those that wait for locks and completions are not
// here.
bool is_of_scheduler(const Frame& frame) {
  if (frame.is_mark || frame.module != "[kernel]") return false;
  const std::string_view name = frame.symbol.substr(0, frame.symbol.find('.'));  // without what a compiler appends
  for (const std::string_view family : {"schedule", "io_schedule", "preempt_schedule"})
    if (name == family || (name.starts_with(family) && name[family.size()] == '_')) return true;
  return name == "__schedule" || name == "do_nanosleep";
}

}  // namespace

std::size_t StackStore::HashOfFrame::operator()(const Frame& frame) const noexcept {
  const std::hash<std::string_view> text;
  return mix(mix(mix(frame.is_mark, text(frame.symbol)), text(frame.module)), frame.offset);
}

StackStore::StackStore(Symbolizer& symbolizer) : symbolizer_(symbolizer) {
  numbers_ = {keep(marked(mark::untold))};
  keep_stack(0);
}

bool StackStore::take(std::string_view record) {
  constexpr std::size_t head = 2 * sizeof(std::uint64_t);
  const auto number = read_at<std::uint64_t>(record, 0), program = read_at<std::uint64_t>(record, sizeof(*number));
  auto stacks = program ? recorded_stacks(record.substr(head)) : std::nullopt;
  if (!stacks) return false;
  // Each CPU tells of it once.
  if (by_number_.emplace(*number, untold).second)
    waiting_.push_back({*number,
                        *program,
                        std::move(stacks->kernel),
                        {stacks->pid, stacks->time, std::move(stacks->user)},
                        stacks->user_unknown});
  return true;
}

std::uint64_t StackStore::take(const CopiedStack& copied) {
  UserChain chain = symbolizer_.unwind(copied);
  std::size_t number = mix(copied.seed, copied.kernel.size());
  for (const auto address : copied.kernel) number = mix(number, address);
  for (const auto address : chain.addresses) number = mix(number, address);
  number = mix(number, static_cast<std::size_t>(chain.end));
  if (by_number_.emplace(number, untold).second)
    waiting_.push_back({number, 0, copied.kernel, std::move(chain), false});
  return number;
}

bool StackStore::look_up(std::size_t limit) {
  for (; limit > 0 && !waiting_.empty(); --limit) {
    symbolizer_.forget_old();
    name(waiting_.front());
    waiting_.pop_front();
  }
  return !waiting_.empty();
}

void StackStore::name(const Waiting& one) {
  symbolizer_.name_kernel(one.kernel, kernel_);
  if (without_scheduler_)
    kernel_.erase(kernel_.begin(), std::find_if_not(kernel_.begin(), kernel_.end(), is_of_scheduler));
  symbolizer_.name_chain(one.user, user_);
  if (one.user_unknown) user_ = {marked(mark::unknown)};
  if (one.program && tell_ && std::any_of(user_.begin(), user_.end(), shows_lack)) tell_(one.program);
  numbers_.clear();
  for (const auto* frames : {&kernel_, &user_})
    for (Frame frame : *frames) {
      // Of a file without names, all of it is one place: else each of its instructions would be a stack of its own.
      if (!frame.module.empty()) frame.offset = Frame::anywhere;
      numbers_.push_back(keep(frame));
    }
  by_number_[one.number] = keep_stack(kernel_.size());
}

std::string_view StackStore::keep(std::string_view text) {
  return text.empty() ? std::string_view() : std::string_view(*texts_.emplace(text).first);
}

std::uint32_t StackStore::keep(const Frame& frame) {
  if (const auto known = frame_numbers_.find(frame); known != frame_numbers_.end()) return known->second;
  frames_.push_back({keep(frame.symbol), keep(frame.module), frame.offset, frame.is_mark});
  const auto number = static_cast<std::uint32_t>(frames_.size() - 1);
  frame_numbers_.emplace(frames_.back(), number);
  return number;
}

StackStore::Id StackStore::keep_stack(std::size_t kernel) {
  std::size_t hash = numbers_.size();
  for (const auto number : numbers_) hash = mix(hash, number);
  const auto [begin, end] = by_frames_.equal_range(hash);
  for (auto known = begin; known != end; ++known) {
    const Part& part = stacks_[known->second];
    const auto from = frames_in_stacks_.begin() + static_cast<std::ptrdiff_t>(part.begin);
    if (part.size == numbers_.size() && part.kernel == kernel && std::equal(numbers_.begin(), numbers_.end(), from))
      return known->second;
  }
  stacks_.push_back({frames_in_stacks_.size(), numbers_.size(), kernel});
  frames_in_stacks_.insert(frames_in_stacks_.end(), numbers_.begin(), numbers_.end());
  const auto id = static_cast<Id>(stacks_.size() - 1);
  by_frames_.emplace(hash, id);
  return id;
}

StackStore::Id StackStore::find(std::uint64_t number) const {
  const auto found = by_number_.find(number);
  return found == by_number_.end() ? untold : found->second;
}

std::size_t StackStore::frames(Id id, std::vector<Frame>& frames) const {
  frames.clear();
  const Part& part = stacks_[id];
  for (std::size_t i = 0; i < part.size; ++i) frames.push_back(frames_[frames_in_stacks_[part.begin + i]]);
  return part.kernel;
}

}  // namespace sonde
