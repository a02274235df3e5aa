// SPDX-License-Identifier: GPL-2.0-or-later
#include "offcputime.h"

#include <algorithm>
#include <utility>

#include "app/stack_sums.h"
#include "core/absences.h"
#include "core/text.h"
#include "offcputime.skel.h"
#include "offcputime_shown.h"

namespace sonde {
namespace {

using Times = offcputime_value;
using Skeleton = offcputime_bpf;

constexpr std::uint64_t least_unwound = 1'000'000;
constexpr std::uint32_t most_held_copies = 1024;  // of 21 KiB

class Offcputime final : public StackSums<Times, Skeleton> {
 public:
  Offcputime()
      : StackSums(
            {"offcputime",
             "Scheduling",
             "where threads wait: time off the CPU, by stack",
             "Counts for how long threads were off their CPUs of their own accord, asleep or blocked, by the stacks of "
             "the kernel and of the program that led there, and by the state that they were in.",
             {{"sonde offcputime -d 10 -p 4711", "what a process waited for in ten seconds"},
              {"sonde offcputime --state D,iowait -i 5", "who is blocked, every five seconds"},
              {"sonde offcputime --min 10ms --wakers -c postgres", "long waits, and who ended them"},
              {"sonde offcputime --min 1ms --unwind auto -p 4711",
               "with all callers, if a library keeps no frame pointers"},
              {"sonde offcputime --flamegraph waits.html -- make", "what a build waits for, as a picture"}}}) {
    add_owners("times", "name of the thread that left its CPU there last");
    add({"state", Value::Kind::symbol, 6,
         "S asleep, D blocked, iowait for a disk, T stopped, t traced, I idle worker, P parked, F frozen"},
        [](const Sum& s) {
          return Value::symbol(sleep_state_names[std::min<std::size_t>(s.total.state, SLEEP_STATES - 1)],
                               s.total.state);
        });
    add({"count", Value::Kind::natural, 8, "how often; those that go on count as one"},
        [](const Sum& s) { return Value::natural(s.value.absences.number[0]); });
    add({"total_ns", Value::Kind::duration, 7, "for how long in all, until on a CPU again"},
        [](const Sum& s) { return Value::duration(s.value.absences.time[0]); });
    add({"avg_ns", Value::Kind::duration, 7, "on average", true, 2}, [](const Sum& s) {
      const auto& sums = s.value.absences;
      return sums.number[0] ? Value::duration(sums.time[0] / sums.number[0]) : Value();
    });
    add_share("per cent of all the time that is counted", 1);
    add_stack();
  }

  void options(Options& options) override {
    options.value("--state", "LIST", "only these, of S, D, iowait, T, t, I, P, F",
                  [this](std::string_view text) { states_ = parse_states(text); });
    options.value("--min", "TIME", "only what lasts as long at least, as 5ms", [this](std::string_view text) {
      want_.least = parse_duration(text, BareNumber::refused);
      want_.bounded = 1;
    });
    options.value("--max", "TIME", "only what lasts as long at most", [this](std::string_view text) {
      want_.most = parse_duration(text, BareNumber::refused);
      want_.bounded = 1;
    });
    options.flag("--wakers", "also who ended it, and where", [this] { chain_ = std::max(chain_, 1U); });
    options.value("--chains", "N", "also who had woken them, N wakers in all, up to 8", [this](std::string_view text) {
      chain_ = static_cast<unsigned>(parse_natural(text, OFFCPUTIME_CHAIN));
      if (!chain_) throw Error(Exit::usage, "A chain of no wakers tells nothing.", "Give 1 to 8.");
    });
    declare_stack_sums(options, "fp if nothing is said; with --min of 1ms at least dwarf or auto");
  }

 private:
  static std::uint32_t parse_states(std::string_view text) {
    const ItemList list = parse_list(text);
    std::uint32_t states = 0;
    for (const auto& item : list.items) {
      const auto* const found = std::find(std::begin(sleep_state_names), std::end(sleep_state_names), item);
      if (found == std::end(sleep_state_names))
        throw Error(Exit::usage, "There is no state '" + escaped(item) + "'.",
                    "There are S, D, iowait, T, t, I, P and F; who could run is not off the CPU of its own accord.");
      states |= 1U << (found - std::begin(sleep_state_names));
    }
    return list.negated ? ~states : states;
  }

  // Whoever leaves has its stack copied before it is known for how long: that is for those who look at few, long
  // absences.
  [[nodiscard]] stack_unwind unwinding(std::optional<stack_unwind> asked) const override {
    const stack_unwind how = asked.value_or(UNWIND_NEVER);
    if (how != UNWIND_NEVER && want_.least < least_unwound)
      throw Error(Exit::usage, "To unwind the stack of each short absence would cost more than what is measured.",
                  "Give --min 1ms or more, or --unwind fp.");
    return how;
  }
  std::uint64_t unwound_what(Times& times, std::uint64_t stack) override {
    const std::uint64_t woken = std::exchange(times.told, 0);
    times.stack = stack;
    return shown_.copied(stack, times.state, woken);
  }

  [[nodiscard]] absence_conf absences_wanted() const override { return want_; }
  [[nodiscard]] bool uses_beside() const override { return chain_ != 0; }
  [[nodiscard]] bool stacks_of_sleepers() const override { return true; }
  [[nodiscard]] std::string sorted_by() const override { return "total_ns"; }

  void take_beside(const count_key& key, const std::byte* beside) override {
    offcputime_wakers wakers;
    std::memcpy(&wakers, beside, sizeof(wakers));
    shown_.take_wakers(key.what, wakers);
  }
  void read_value(const count_key& key, Times& times, std::uint32_t place) override {
    if (key.who != OFFCPUTIME_WAKER) return absences()->settle(place, times.absences);
    if (times.stack) shown_.take_waker(times);
    times.absences = {};
  }
  // Each interval has a place of its own until it is settled.
  void merge(Times& into, const Times& from) const override {
    for (const int place : {0, 1}) {
      into.absences.time[place] += from.absences.time[place];
      into.absences.number[place] += from.absences.number[place];
    }
    sonde::merge(into.name, from.name);
  }
  [[nodiscard]] Times difference(const Times& now, const Times& before) const override {
    Times times{};
    times.absences.time[0] = now.absences.time[0] - before.absences.time[0];
    times.absences.number[0] = now.absences.number[0] - before.absences.number[0];
    return times;
  }
  [[nodiscard]] bool empty(const Times& times) const override { return !times.absences.number[0]; }

  [[nodiscard]] std::uint64_t amount(const Times& times) const override { return times.absences.time[0]; }
  [[nodiscard]] std::string unit() const override { return "ns"; }
  [[nodiscard]] std::string amount_text(std::uint64_t ns) const override { return format_duration(ns); }

  std::uint64_t shown_stack(const count_key& key, const Times& total) override {
    return shown_.number(key.what, total, stacks_of_run());
  }
  [[nodiscard]] bool is_untold(std::uint64_t shown) const override {
    return shown_.at(shown).stack == StackStore::untold;
  }
  void put_frames(std::uint64_t shown, std::vector<Frame>& frames) override {
    const auto& sleep = shown_.at(shown);
    stacks_of_run().frames(sleep.stack, frames);
    for (const auto& waker : sleep.wakers) {
      stacks_of_run().frames(waker.stack, of_waker_);
      frames.push_back(marked(waker.mark));
      frames.insert(frames.end(), of_waker_.begin(), of_waker_.end());
    }
  }
  // Who wakes stands on who sleeps, head down.
  void put_drawn(std::uint64_t shown, std::vector<GraphFrame>& outermost_first) override {
    const auto& sleep = shown_.at(shown);
    draw(sleep.stack, outermost_first);
    for (const auto& waker : sleep.wakers) {
      outermost_first.push_back({waker.mark, {}, FrameKind::other});
      const auto begin = static_cast<std::ptrdiff_t>(outermost_first.size());
      draw(waker.stack, outermost_first);
      std::reverse(outermost_first.begin() + begin, outermost_first.end());
    }
  }

  void configure(Skeleton& skeleton) override {
    if (want_.least > want_.most)
      throw Error(Exit::usage, "Nothing lasts as long as --min and no longer than --max.", "Exchange them.");
    skeleton.rodata->conf = {by(), want_, states_, chain_};
    kernel::resize_map(skeleton.maps.absences, room_for_threads());
    if (chain_) kernel::resize_map(skeleton.maps.wakings, room_for_threads());
    kernel::resize_map(skeleton.maps.held_copies, std::min(room_for_threads(), most_held_copies));
  }
  kernel::Ladder probes(Skeleton& s) override {
    kernel::Rung tp_btf{"tp_btf", {}};
    tp_btf.attach(copies_stacks() ? s.progs.off_on_copying : s.progs.off_and_on);
    if (!s.obj || chain_) tp_btf.attach(s.progs.wakes);
    return {"context switches", {tp_btf}};
  }

  absence_conf want_{0, UINT64_MAX, 0, 0};
  std::uint32_t states_ = UINT32_MAX;
  unsigned chain_ = 0;
  ShownSleeps shown_;
  std::vector<Frame> of_waker_;
};

const Register<Offcputime> registered("offcputime");

}  // namespace
}  // namespace sonde
