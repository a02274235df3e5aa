// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/timeline.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "core/units.h"

namespace sonde {
namespace {

enum Column {
  time_at,
  what_at,
  cpu_number_at,
  by_tid_at,
  by_pid_at,
  state_at,
  to_tid_at,
  to_pid_at,
  prio_at,
  comm_at,
  lost_at
};

// Numbers that no thread has, which are at most 2^22.
constexpr std::uint32_t made_up = 0x40000000;
std::uint32_t others_on(std::uint32_t cpu) { return made_up + 1 + cpu; }
std::uint32_t lost_on(std::uint32_t cpu) { return made_up + 0x100000 + cpu; }

constexpr const char *others = "(other tasks, or idle)", *events_lost = "(events lost)";
constexpr std::int64_t usual_priority = 120;
constexpr std::uint64_t window_track = 1, first_cpu_track = 2;
// Of those that are remembered: who is forgotten is described anew.
constexpr std::size_t most_threads = 1 << 20;

char letter(const Value& state) { return state.as_text().empty() ? '?' : state.as_text()[0]; }
std::uint32_t number(const Value& value) { return static_cast<std::uint32_t>(value.as_natural()); }

}  // namespace

Timeline::Timeline(Output& out, Sink& telling, Machine machine)
    : name_(out.name()), telling_(telling), machine_(std::move(machine)), trace_(out) {}

void Timeline::begin(std::span<const ColumnInfo* const> columns) {
  const auto same = [](const ColumnInfo* column, std::string_view key) { return column->key == key; };
  if (!std::equal(columns.begin(), columns.end(), std::begin(keys), std::end(keys), same))
    throw std::logic_error("a timeline of other columns");
  telling_.note("Written to " + name_ + ", which https://ui.perfetto.dev opens.");
}

void Timeline::row(std::span<const Value> values) {
  const auto what = static_cast<What>(values[what_at].as_integer());
  const std::uint64_t time = values[time_at].as_natural();
  if (!opened_) opened_ = time;
  if (what == start) {
    start_ = time;
  } else if (!begun_ && (!start_ || time <= start_)) {
    remember(what, values);
  } else {
    if (!begun_) begin_trace();
    follow(what, values);
  }
}

Timeline::Thread& Timeline::describe(std::uint32_t tid, std::uint32_t pid, std::string_view comm) {
  Thread& thread = threads_[tid];
  if (!thread.described || thread.pid != pid) {
    thread.described = true;
    thread.pid = pid;
    if (tid) trace_.thread(tid, pid);
  }
  if (!comm.empty() && thread.name.text != comm) {
    thread.name = {std::string(comm)};
    if (tid && tid == pid) trace_.process(pid, comm);
  }
  return thread;
}

Timeline::Cpu& Timeline::cpu_at(std::uint32_t number) {
  if (cpus_.size() <= number) cpus_.resize(number + 1);
  return cpus_[number];
}

// Before the start: what was told of a thread counts only until something happens to it.
void Timeline::remember(What what, std::span<const Value> values) {
  Cpu& cpu = cpu_at(number(values[cpu_number_at]));
  const auto &by = values[by_tid_at], &to = values[to_tid_at];
  const auto runs = [&cpu](std::uint32_t tid) {
    cpu.runs = tid;
    cpu.running_known = true;
  };
  events_ += what != there;
  if (what != there && !by.empty()) {
    Thread& thread = describe(number(by), number(values[by_pid_at]), what == woken ? values[comm_at].as_text() : "");
    if (what == switched) thread.state = letter(values[state_at]);
  }
  if (to.empty()) return runs(others_on(number(values[cpu_number_at])));
  Thread& thread = describe(number(to), number(values[to_pid_at]), what == woken ? "" : values[comm_at].as_text());
  if (what == woken) {
    if (thread.state != 'r') thread.state = 'R';
  } else if (what == switched) {
    thread.state = 'r';
    runs(number(to));
  } else if (!thread.state) {
    thread.state = letter(values[state_at]);
    if (thread.state == 'r' && !cpu.running_known) runs(number(to));
  }
}

void Timeline::begin_trace() {
  begun_ = true;
  trace_.machine(boot(start_), start_, start_ + static_cast<std::uint64_t>(machine_.wall_ahead), machine_.release,
                 machine_.hardware);
  trace_.track(window_track, "sonde cswitch");
  trace_.begin_slice(window_track, boot(start_), "window");
  for (const auto& [tid, thread] : threads_) trace_.state(boot(start_), tid, thread.name.text, thread.state);
  describe(made_up, made_up, "not recorded");
  for (std::uint32_t cpu = 0; cpu < cpus_.size(); ++cpu)
    if (cpus_[cpu].running_known) begin_cpu(cpu, cpus_[cpu].runs);
}

void Timeline::begin_cpu(std::uint32_t number, std::uint32_t tid) {
  cpu_at(number).begun = true;
  describe(0, 0, "swapper");
  if (tid == others_on(number)) describe(tid, made_up, others);
  put_switch(number, start_, 0, 0, usual_priority);  // only for who came
  put_switch(number, start_, 0, tid, usual_priority);
}

void Timeline::follow(What what, std::span<const Value> values) {
  const std::uint32_t cpu = number(values[cpu_number_at]), other = others_on(cpu);
  const auto &by = values[by_tid_at], &to = values[to_tid_at];
  const std::uint64_t time = std::max({values[time_at].as_natural(), start_ + 1, cpu_at(cpu).last});
  const std::uint32_t left = by.empty() ? other : number(by), came = to.empty() ? other : number(to);
  // A waker that is not among the chosen ones has a number, but on the CPU it is one of the others.
  const bool chosen = !by.empty() && (what == switched || !values[state_at].empty());
  ++events_;
  last_ = std::max(last_, time);
  if (!by.empty()) describe(left, number(values[by_pid_at]), what == woken ? values[comm_at].as_text() : "");
  catch_up(cpu, chosen ? left : other, values[lost_at], time, what == switched);
  if (to.empty())
    describe(other, made_up, others);
  else
    describe(came, number(values[to_pid_at]), what == woken ? "" : values[comm_at].as_text());
  if (what == woken) {
    trace_.woken(cpu, boot(time), left, came, values[prio_at].as_integer());
    cpu_at(cpu).last = time;
  } else {
    const auto state = Perfetto::traced_state(values[state_at].as_text());
    put_switch(cpu, time, state, came, values[prio_at].as_integer());
    if (state == Perfetto::gone) threads_.erase(left);
  }
}

// What is known of the CPU is brought up to `time`, when `runs` is on it. Its last switch should have said so: else
// something is missing since then, or since `lost`.
void Timeline::catch_up(std::uint32_t number, std::uint32_t runs, const Value& lost, std::uint64_t time,
                        bool comes_from_it) {
  Cpu& cpu = cpu_at(number);
  const std::uint32_t nobody = lost_on(number);
  if (runs == others_on(number)) describe(runs, made_up, others);
  if (!cpu.begun && lost.empty()) begin_cpu(number, runs);
  if (lost.empty() && (!comes_from_it || cpu.runs == runs)) return;
  describe(nobody, made_up, events_lost);
  std::uint64_t since = lost.empty() ? cpu.last : std::clamp(lost.as_natural(), std::max(cpu.last, start_), time);
  if (cpu.begun) {
    put_switch(number, since, Perfetto::not_known, nobody, usual_priority);
  } else {  // who ran before is not known either
    since = start_;
    begin_cpu(number, nobody);
  }
  const auto track = first_cpu_track + number;
  if (!std::exchange(cpu.lossy, true)) trace_.track(track, "CPU " + std::to_string(number) + " events lost");
  trace_.begin_slice(track, boot(since), "events lost");
  trace_.end_slice(track, boot(time));
  trace_.lossy(number);
  put_switch(number, time, 0, runs, usual_priority);
}

void Timeline::put_switch(std::uint32_t number, std::uint64_t time, std::uint32_t state, std::uint32_t tid,
                          std::int64_t priority) {
  trace_.switched(number, boot(time), state, tid, threads_[tid].name, priority);
  Cpu& cpu = cpu_at(number);
  cpu.runs = tid;
  cpu.last = time;
}

void Timeline::flush() {
  if (!begun_) return;
  trace_.flush(boot(std::max(start_, last_)));
  if (threads_.size() > most_threads) threads_.clear();
}

void Timeline::summary(const Summary& summary) {
  if (!begun_) {
    if (!start_) start_ = std::max<std::uint64_t>(opened_, 1);
    begin_trace();
  }
  const std::uint64_t closed = std::max({summary.closed_ns, last_, start_});
  for (const auto& loss : summary.losses)
    trace_.mark(window_track, boot(closed), "lost " + format_count(loss.count) + ": " + loss.reason);
  trace_.end_slice(window_track, boot(closed));
  flush();
  Summary told = summary;
  told.events = events_;
  telling_.summary(told);
}

}  // namespace sonde
