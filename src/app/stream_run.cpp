// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/stream_run.h"

#include <sys/resource.h>

#include <algorithm>

#include "core/error.h"
#include "core/units.h"

namespace sonde {
namespace {

constexpr std::uint64_t second = 1'000'000'000;
constexpr std::uint64_t busy_wait = second / 100;
constexpr std::uint64_t longest_drain_records = 8192;
constexpr std::uint64_t pending_patience = second / 10;

// Two MiB hold 50 ms of 300,000 opens a second; touched ring pages count twice in the reader's memory, so a small
// machine gets no more than that. Each further four CPUs can produce as much again.
std::uint32_t ring_bytes(const CommonOptions& options, unsigned cpus) {
  if (options.buffer_bytes) return static_cast<std::uint32_t>(options.buffer_bytes);
  constexpr std::uint32_t base = 2 << 20, most = 16 << 20;
  std::uint32_t size = base;
  while (size < most && size / base * 4 < cpus) size *= 2;
  return size;
}

std::uint64_t cpu_time(const rusage& usage) {
  const auto ns = [](const timeval& t) {
    return static_cast<std::uint64_t>(t.tv_sec) * second + static_cast<std::uint64_t>(t.tv_usec) * 1000;
  };
  return ns(usage.ru_utime) + ns(usage.ru_stime);
}

}  // namespace

StreamRun::StreamRun(StreamBase& tool, const CommonOptions& options, Unstarted)
    : tool_(tool),
      options_(options),
      outputs_(options),
      sink_(outputs_.sink()),
      filter_(options.filter, tool.users_),
      values_(tool.chosen_.size()) {}

kernel::Prospect StreamRun::prospect(StreamBase& tool, const kernel::Finding& tracepoints) {
  const CommonOptions defaults;
  StreamRun run(tool, defaults, Unstarted{});
  return kernel::Object::prospect(
      tool.opener(), [&run](void* skeleton) { return run.plan(skeleton); }, tracepoints);
}

StreamRun::StreamRun(StreamBase& tool, const CommonOptions& options) : StreamRun(tool, options, Unstarted{}) {
  if (!options.command.empty()) {
    filter_.only_command();
    command_.emplace(options.command, options.as_user, tool.users_);
    waiter_.watch(command_->fd());
  }
  if (options.stats) stats_.emplace();
  object_ = std::make_unique<kernel::Object>(
      tool.opener(), [this](void* skeleton) { return plan(skeleton); },
      kernel::Object::Options{options.backend, options.btf_file});
  parts_ = tool.parts(object_->skeleton());
  ring_.emplace(parts_.events, *parts_.run);
  waiter_.watch_edges(ring_->fd());
  waiter_.watch_hangup(outputs_.rows().fd());
  if (!command_) targets_.emplace(options.filter);
  if (targets_)
    for (const auto& process : targets_->fds()) waiter_.watch_edges(process.get());
  fill_maps();
}

kernel::Plan StreamRun::plan(void* skeleton) {
  tool_.configure_skeleton(skeleton);
  const LibraryParts parts = tool_.parts(skeleton);
  return {tool_.ladder(skeleton), [this, parts](const kernel::Rung& rung) {
            set_library(parts, rung);
            return extras(parts, rung);
          }};
}

void StreamRun::set_library(const LibraryParts& parts, const kernel::Rung& rung) {
  *parts.filter = filter_.conf;
  const unsigned cpus = kernel::possible_cpus();
  const std::uint32_t ring = ring_bytes(options_, cpus);
  kernel::resize_map(parts.events, ring);
  parts.lib->quarter = ring / 4;
  // All CPUs together look at least twice while a quarter fills.
  parts.lib->wake_check = ring / 8 / cpus;
  // A hash can be looked through for calls whose return was missed.
  task_storage_ = rung.remembers_calls && !rung.may_miss_returns && kernel::has_task_storage();
  parts.lib->remembers_calls = rung.remembers_calls ? 1 : 0;
  parts.lib->task_storage = task_storage_ ? 1 : 0;
  parts.lib->blind_to_compat = rung.blind_to_compat ? 1 : 0;
  if (!filter_.ids.empty()) kernel::resize_map(parts.filter_ids, static_cast<std::uint32_t>(filter_.ids.size()));
  if (!options_.max_entries) return;
  kernel::resize_map(parts.followed, options_.max_entries);
  if (parts.calls_by_tid) kernel::resize_map(parts.calls_by_tid, options_.max_entries);
}

kernel::Extras StreamRun::extras(const LibraryParts& parts, const kernel::Rung& rung) const {
  kernel::Extras extras;
  if (filter_.ids.empty()) extras.unused_maps.push_back(parts.filter_ids);
  if (filter_.conf.follow) {
    extras.attachments.push_back(kernel::by_section(parts.follow_fork));
    if (parts.follow_exit) extras.attachments.push_back(kernel::by_section(parts.follow_exit));
    if (filter_.conf.follow == FOLLOW_ALSO) extras.iterators.push_back(parts.follow_seed);
  } else {
    extras.unused_maps.push_back(parts.followed);
  }
  if (parts.calls) {
    if (!rung.remembers_calls || !task_storage_) extras.unused_maps.push_back(parts.calls);
    if (!rung.remembers_calls || task_storage_) extras.unused_maps.push_back(parts.calls_by_tid);
    if (rung.remembers_calls && !task_storage_) extras.attachments.push_back(kernel::by_section(parts.calls_exit));
  }
  if (rung.blind_to_compat && parts.exec32) extras.attachments.push_back(kernel::by_section(parts.exec32, true));
  return extras;
}

void StreamRun::fill_maps() {
  const std::uint8_t present = 1;
  for (const auto& id : filter_.ids) kernel::put_in_map(parts_.filter_ids, &id, &present);
  if (command_) {
    const auto pid = static_cast<std::uint32_t>(command_->pid());
    kernel::put_in_map(parts_.followed, &pid, &present);
  }
  if (filter_.conf.follow == FOLLOW_ALSO) seed_followed();
}

// A child born while the iterator runs, of a parent that it has not come to yet, is found by the next turn.
void StreamRun::seed_followed() {
  for (std::uint64_t before = UINT64_MAX; before != *parts_.follow_added;) {
    before = *parts_.follow_added;
    kernel::run_iterator(parts_.follow_seed);
  }
}

Exit StreamRun::go() {
  const auto all = tool_.columns();
  std::vector<const ColumnInfo*> columns;
  for (const auto i : tool_.chosen_) columns.push_back(all[i]);
  if (options_.verbose)
    for (const auto& refusal : object_->refusals()) sink_.note("not by " + refusal.rung + ": " + refusal.reason + ".");
  open_window();  // before the heading, which is what a script waits for
  sink_.begin(columns);
  sink_.flush();
  if (command_) command_->release();
  loop();
  close_window();
  notes();
  const Summary result = summary();
  sink_.summary(result);
  sink_.flush();
  return options_.strict && (result.lost || !losses_.incomplete().empty()) ? Exit::incomplete : Exit::done;
}

void StreamRun::open_window() {
  skipped_before_ = object_->skipped();
  opened_ = reported_ = tool_.clock_.monotonic();
  __atomic_store_n(&parts_.run->running, 1U, __ATOMIC_SEQ_CST);
}

void StreamRun::close_window() {
  __atomic_store_n(&parts_.run->running, 0U, __ATOMIC_SEQ_CST);
  closed_ = tool_.clock_.monotonic();
  // What is in the ring happened inside the window; a program that is at its record right now gets a moment to finish.
  const auto patience = closed_ + pending_patience;
  while (rows_ < (options_.max_events ? options_.max_events : UINT64_MAX) && !ring_->empty()) {
    if (drain() == 0 && ring_->pending() && tool_.clock_.monotonic() > patience) break;
  }
  if (object_->rung().may_miss_returns) losses_.take_unfinished(kernel::unfinished_calls(parts_.calls_by_tid));
  losses_.take_skipped(object_->skipped() - skipped_before_);
  report_losses(true);
}

void StreamRun::loop() {
  while (!over()) {
    const bool busy = drain() > 0;
    watch_processes();
    report_losses(!busy);
    if (busy) sink_.flush();
    if (!busy && hung_up(outputs_.rows().fd())) throw OutputClosed{};
    if (!over()) wait(busy);
  }
}

void StreamRun::watch_processes() {
  if (command_ && command_->ended()) command_ended_ = true;
  if (targets_ && targets_->ended()) targets_ended_ = true;
}

std::size_t StreamRun::drain() {
  tool_.wall_time_.refresh();
  return ring_->drain([this](const std::byte* record, std::size_t size) { return take(record, size); },
                      longest_drain_records);
}

bool StreamRun::take(const std::byte* record, std::size_t size) {
  if (tool_.keep_part(record, size)) return true;
  if (options_.max_rate && !within_rate()) {
    losses_.add_over_rate();
  } else if (tool_.read_record(record, size, tool_.chosen_, values_)) {
    sink_.row(values_);
    ++rows_;
  } else {
    losses_.add_malformed();
  }
  return rows_ != options_.max_events || !options_.max_events;
}

bool StreamRun::within_rate() {
  const std::uint64_t now = tool_.clock_.monotonic() / second;
  if (now != rate_second_) {
    rate_second_ = now;
    rate_rows_ = 0;
  }
  return rate_rows_++ < options_.max_rate;
}

bool StreamRun::over() const {
  return stop_requested() || command_ended_ || targets_ended_ ||
         (options_.max_events && rows_ >= options_.max_events) ||
         (options_.duration_ns && tool_.clock_.monotonic() - opened_ >= options_.duration_ns);
}

void StreamRun::wait(bool busy) {
  if (!busy && !ring_->fall_asleep()) return;
  std::int64_t timeout = busy ? static_cast<std::int64_t>(busy_wait) : -1;
  if (options_.duration_ns) {
    const std::uint64_t elapsed = tool_.clock_.monotonic() - opened_;
    const auto left = static_cast<std::int64_t>(options_.duration_ns - std::min(elapsed, options_.duration_ns));
    timeout = timeout < 0 ? left : std::min(timeout, left);
  }
  waiter_.wait(timeout);
  ring_->wake_up();
}

void StreamRun::report_losses(bool now) {
  const std::uint64_t time = tool_.clock_.monotonic();
  if (!now && time - reported_ < second) return;
  reported_ = time;
  losses_.take_drops(*parts_.run);
  losses_.report(sink_);
}

void StreamRun::notes() {
  if (parts_.run->drops[DROP_RING_FULL])
    sink_.note("A larger --buffer-size (now " + format_bytes(ring_->size()) + ") or a narrower filter loses less.");
  for (const auto& sentence : losses_.incomplete()) sink_.note(sentence);
  if (targets_ended_) sink_.note("All processes of --pid have ended.");
  const auto backends = tool_.backends();
  const bool has_tracepoints =
      std::any_of(backends.begin(), backends.end(), [](const auto& b) { return b.name == "tracepoint"; });
  if (object_->skipped() != skipped_before_ && object_->rung().name != "tracepoint" && has_tracepoints)
    sink_.note("The kernel skips a program for whoever preempts it; those of --backend tracepoint are not preempted.");
  if (options_.verbose && !object_->rung().scope_note.empty()) sink_.note(object_->rung().scope_note);
  if (const std::uint64_t n = parts_.run->execs32; n && object_->rung().blind_to_compat)
    sink_.note(format_count(n) + (n == 1 ? " 32-bit program was" : " 32-bit programs were") +
               " started meanwhile, whose calls the " + object_->rung().name +
               " backend does not see; --compat adds them.");
}

Summary StreamRun::summary() const {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  Summary result;
  result.tool = tool_.info().name;
  result.events = rows_;
  result.losses = losses_.totals();
  for (const auto& loss : result.losses) result.lost += loss.count;
  const auto& rung = object_->rung();
  result.rungs.push_back({object_->hook(), rung.name, rung.scope_shown()});
  result.window_ns = closed_ - opened_;
  result.cpu_ns = cpu_time(usage);
  result.memory_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
  if (options_.stats) result.costs = object_->costs();
  if (command_) result.command_status = const_cast<Command&>(*command_).status();
  return result;
}

}  // namespace sonde
