// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/losses.h"

#include "core/units.h"

namespace sonde {
namespace {

// Null: no event is lost by it, see incomplete().
const char* reason(unsigned kind) {
  switch (kind) {
    case DROP_RING_FULL:
      return "ring buffer full";
    case DROP_FOLLOW_FULL:
      return "process not followed, no room to remember it";
    case DROP_NO_ARGS:
      return "registers of the call not found";
    case DROP_NO_RETURN:
      return "return missed by the kretprobe";
    case DROP_COUNT_FULL:
      return "no room to count them under another key (--max-entries)";
    case DROP_CALL_FULL:
      return "request not remembered, no room for it";
    case DROP_WAIT_UNTOLD:
      return "wait not told by this kernel, which lacks CONFIG_FAIR_GROUP_SCHED";
    case DROP_UNSEEN:
      return "switch from a task that this system hides";
    case DROP_THREAD_FULL:
      return "time off CPU, no room to remember the thread (--max-entries)";
    default:
      return nullptr;
  }
}

}  // namespace

void Losses::take_drops(const run_state& state) {
  for (unsigned kind = 0; kind < DROP_KINDS; ++kind)
    drops_[kind].total = __atomic_load_n(&state.drops[kind], __ATOMIC_RELAXED);
}

template <class F>
void Losses::each(const F& take) {
  for (unsigned kind = 0; kind < DROP_KINDS; ++kind)
    if (reason(kind)) take(reason(kind), drops_[kind]);
  take("at most, program skipped by the kernel as it was running on that CPU", skipped_);
  take("at most, process not followed with all its events, program skipped by the kernel", unfollowed_);
  take("return missed by the kretprobe, or not yet come", unfinished_);
  take("at most, sample not taken by the kernel, as the CPU was held up or in another BPF program", unsampled_);
  take("over --max-rate", over_rate_);
  take("malformed record", malformed_);
}

void Losses::report(Sink& sink) {
  each([&](const char* why, Count& count) {
    if (count.total > count.reported) sink.lost({why, count.total - count.reported});
    count.reported = count.total;
  });
}

std::vector<Loss> Losses::totals() const {
  std::vector<Loss> losses;
  const_cast<Losses*>(this)->each([&](const char* why, const Count& count) {
    if (count.total) losses.push_back({why, count.total});
  });
  return losses;
}

std::vector<std::string> Losses::incomplete() const {
  std::vector<std::string> sentences;
  if (const auto n = drops_[DROP_STATE_FULL].total)
    sentences.push_back(format_count(n) + (n == 1 ? " call has" : " calls have") +
                        " no latency: there was no room to remember the start (--max-entries).");
  if (const auto n = drops_[DROP_PART].total)
    sentences.push_back(format_count(n) + (n == 1 ? " row is" : " rows are") +
                        " marked as cut: the ring buffer had no room for the rest (--buffer-size).");
  if (const auto n = drops_[DROP_COPY].total)
    sentences.push_back(format_count(n) + (n == 1 ? " stack was" : " stacks were") +
                        " counted as frame pointers tell them: the ring buffer had no room for copies "
                        "(--buffer-size).");
  if (const auto n = drops_[DROP_MISTAKEN].total)
    sentences.push_back("At " + format_count(n) + (n == 1 ? " check" : " checks") +
                        " a kernel stack was another one than it was counted as: some rows are of several stacks.");
  if (const auto n = drops_[DROP_HELD].total)
    sentences.push_back(format_count(n) + (n == 1 ? " stack was" : " stacks were") +
                        " counted as frame pointers tell them: there was no room for the copies of so many threads "
                        "(name those that matter, as with -p).");
  if (const auto n = drops_[DROP_SHELL].total)
    sentences.push_back(format_count(n) + (n == 1 ? " shell was" : " shells were") +
                        " started, perhaps from files that are not watched: the ring buffer had no room to tell "
                        "(--buffer-size).");
  if (const auto n = drops_[DROP_WAKER_FULL].total)
    sentences.push_back(format_count(n) + (n == 1 ? " waker is" : " wakers are") +
                        " not told: there was no room to remember them (--max-entries).");
  if (const auto n = drops_[DROP_LEFT_FULL].total)
    sentences.push_back("There was no room to remember a thread that left its CPU, " + format_count(n) +
                        (n == 1 ? " time" : " times") +
                        ": of its wait only the last part is known, of its absence nothing (--max-entries).");
  return sentences;
}

}  // namespace sonde
