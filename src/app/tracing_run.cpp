// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/tracing_run.h"

#include <sys/resource.h>

#include <algorithm>

#include "core/error.h"
#include "core/text.h"
#include "core/units.h"
#include "kernel/reason.h"

namespace sonde {
namespace {

constexpr std::uint64_t second = 1'000'000'000;

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

TracingRun::TracingRun(Tracing& tool, const CommonOptions& options)
    : options_(options),
      outputs_(options, tool.row_kind(), tool.own_file()),
      sink_(outputs_.sink()),
      tool_(tool),
      filter_(options.filter, tool.users_) {}

kernel::Prospect TracingRun::prospect(const kernel::Finding& tracepoints) {
  return kernel::Object::prospect(
      tool_.opener(), [this](void* skeleton) { return plan(skeleton); }, tracepoints);
}

void TracingRun::start() {
  if (!options_.command.empty()) {
    filter_.only_command();
    command_.emplace(options_.command, options_.as_user, tool_.users_);
    waiter_.watch(command_->fd());
  }
  if (options_.stats) stats_.emplace();
  object_ = std::make_unique<kernel::Object>(
      tool_.opener(), [this](void* skeleton) { return plan(skeleton); },
      kernel::Object::Options{options_.backend, options_.btf_file});
  parts_ = tool_.parts(object_->skeleton());
  if (object_->sampler()) samples_.emplace(*object_->sampler(), parts_.samples);
  loaded();
  waiter_.watch_hangup(outputs_.rows().fd());
  if (!command_) targets_.emplace(options_.filter);
  if (targets_)
    for (const auto& process : targets_->fds()) waiter_.watch_edges(process.get());
  fill_maps();
}

kernel::Plan TracingRun::plan(void* skeleton) {
  tool_.configure_skeleton(skeleton);
  const LibraryParts parts = tool_.parts(skeleton);
  return {tool_.ladder(skeleton), [this, parts](const kernel::Rung& rung) {
            set_library(parts, rung);
            return extras(parts, rung);
          }};
}

void TracingRun::set_library(const LibraryParts& parts, const kernel::Rung& rung) {
  *parts.filter = filter_.conf;
  size_maps(parts);
  if (parts.samples) kernel::resize_map(parts.samples, kernel::possible_cpus());
  // A hash can be looked through for calls whose return was missed.
  task_storage_ = rung.remembers_calls && !rung.may_miss_returns && kernel::has_task_storage();
  parts.lib->remembers_calls = rung.remembers_calls ? 1 : 0;
  parts.lib->task_storage = task_storage_ ? 1 : 0;
  parts.lib->blind_to_compat = rung.blind_to_compat ? 1 : 0;
  parts.lib->misses_returns = rung.may_miss_returns ? 1 : 0;
  if (!filter_.ids.empty()) kernel::resize_map(parts.filter_ids, static_cast<std::uint32_t>(filter_.ids.size()));
  if (!options_.max_entries) return;
  kernel::resize_map(parts.followed, options_.max_entries);
  if (parts.calls_by_tid) kernel::resize_map(parts.calls_by_tid, options_.max_entries);
}

kernel::Extras TracingRun::extras(const LibraryParts& parts, const kernel::Rung& rung) const {
  kernel::Extras extras;
  if (filter_.ids.empty()) extras.unused_maps.push_back(parts.filter_ids);
  if (filter_.conf.follow) {
    extras.attachments.push_back(parts.follow_fork);
    if (parts.follow_exit) extras.attachments.push_back(parts.follow_exit);
    if (filter_.conf.follow == FOLLOW_ALSO) extras.iterators.push_back(parts.follow_seed);
  } else {
    extras.unused_maps.push_back(parts.followed);
  }
  if (parts.read_tasks) extras.iterators.push_back(parts.read_tasks);
  if (parts.calls) {
    if (!rung.remembers_calls || !task_storage_) extras.unused_maps.push_back(parts.calls);
    if (!rung.remembers_calls || task_storage_) extras.unused_maps.push_back(parts.calls_by_tid);
    if (rung.remembers_calls && !task_storage_ && parts.calls_exit) extras.attachments.push_back(parts.calls_exit);
  }
  if (parts.still_running) extras.iterators.push_back(parts.still_running);
  if (parts.already_there) extras.iterators.push_back(parts.already_there);
  unused_maps(parts, extras.unused_maps);
  if (rung.blind_to_compat && parts.exec32) extras.attachments.push_back(kernel::if_possible(parts.exec32));
  return extras;
}

void TracingRun::fill_maps() {
  const std::uint8_t present = 1;
  for (const auto& id : filter_.ids) kernel::put_in_map(parts_.filter_ids, &id, &present);
  if (command_) {
    const auto pid = static_cast<std::uint32_t>(command_->pid());
    kernel::put_in_map(parts_.followed, &pid, &present);
  }
  if (filter_.conf.follow == FOLLOW_ALSO) seed_followed();
}

// A child born while the iterator runs, of a parent that it has not come to yet, is found by the next turn.
void TracingRun::seed_followed() {
  for (std::uint64_t before = UINT64_MAX; before != *parts_.follow_added;) {
    before = *parts_.follow_added;
    kernel::run_iterator(parts_.follow_seed);
  }
}

void TracingRun::size_ring(const LibraryParts& parts, std::uint32_t times) const {
  const unsigned cpus = kernel::possible_cpus();
  const std::uint32_t ring = ring_bytes(options_, cpus) * (options_.buffer_bytes ? 1 : times);
  kernel::resize_map(parts.events, ring);
  parts.lib->quarter = ring / 4;
  // All CPUs together look at least twice while a quarter fills.
  parts.lib->wake_check = ring / 8 / cpus;
}

Exit TracingRun::go() {
  const auto all = tool_.columns();
  std::vector<const ColumnInfo*> columns;
  for (const auto i : tool_.chosen_) columns.push_back(all[i]);
  if (options_.verbose)
    for (const auto& refusal : object_->refusals()) sink_.note("not by " + refusal.rung + ": " + refusal.reason + ".");
  open_window();  // before the heading, which is what a script waits for
  sink_.begin(columns);
  opened();
  sink_.flush();
  release_start_memory();
  if (command_) command_->release();
  loop();
  close_window();
  notes();
  const Summary result = summary();
  for (const auto& sentence : tool_.ended(result)) sink_.note(sentence);
  sink_.summary(result);
  sink_.flush();
  const bool incomplete = result.lost || !losses_.incomplete().empty() || object_->addition_refusal() ||
                          !object_->left_out().empty() || remarks().incomplete;
  return options_.strict && incomplete ? Exit::incomplete : Exit::done;
}

void TracingRun::open_window() {
  opening();
  skipped_before_ = object_->skipped() - kernel::Object::skipped(parts_.follow_fork);
  opened_ = reported_ = now();
  if (samples_) samples_->begin(opened_);
  __atomic_store_n(&parts_.run->running, 1U, __ATOMIC_SEQ_CST);
}

void TracingRun::close_window() {
  __atomic_store_n(&parts_.run->running, 0U, __ATOMIC_SEQ_CST);
  closed_ = now();
  take_rest();
  if (samples_) {
    samples_->end(closed_);
    losses_.take_unsampled(samples_->lost());
  }
  if (object_->rung().may_miss_returns) losses_.take_unfinished(kernel::unfinished_calls(parts_.calls_by_tid));
  const std::uint64_t unfollowed = kernel::Object::skipped(parts_.follow_fork);
  losses_.take_unfollowed(unfollowed);
  losses_.take_skipped(object_->skipped() - unfollowed - skipped_before_);
  report_losses(true);
}

void TracingRun::loop() {
  while (!over()) {
    const bool busy = take();
    for (const auto& attachment : tool_.found_meanwhile()) object_->attach_late(attachment);
    if (samples_ && !busy) object_->sampler()->follow();
    watch_processes();
    report_losses(!busy);
    if (busy) sink_.flush();
    if (!busy && hung_up(outputs_.rows().fd())) throw OutputClosed{};
    if (!over()) wait(busy);
  }
}

void TracingRun::watch_processes() {
  if (command_ && command_->ended()) command_ended_ = true;
  if (targets_ && targets_->ended()) targets_ended_ = true;
}

bool TracingRun::over() const {
  return stop_requested() || command_ended_ || targets_ended_ || enough() ||
         (options_.duration_ns && now() - opened_ >= options_.duration_ns);
}

void TracingRun::wait(std::int64_t timeout_ns) {
  if (options_.duration_ns) {
    const std::uint64_t elapsed = now() - opened_;
    const auto left = static_cast<std::int64_t>(options_.duration_ns - std::min(elapsed, options_.duration_ns));
    timeout_ns = timeout_ns < 0 ? left : std::min(timeout_ns, left);
  }
  waiter_.wait(timeout_ns);
}

void TracingRun::ask_what_runs(std::uint64_t time) {
  if (!parts_.still_running) return;
  parts_.run->asked = time;
  kernel::run_iterator(parts_.still_running);
}

void TracingRun::report_losses(bool at_once) {
  const std::uint64_t time = now();
  if (!at_once && time - reported_ < second) return;
  reported_ = time;
  losses_.take_drops(*parts_.run);
  losses_.report(sink_);
}

Remarks TracingRun::remarks() const { return tool_.remarks_on(object_->skeleton(), object_->rung()); }

void TracingRun::notes() {
  more_notes();
  for (const auto& sentence : losses_.incomplete()) sink_.note(sentence);
  if (samples_ && samples_->stolen())
    sink_.note("The hypervisor let others run meanwhile: " + counted(samples_->stolen(), "sample") +
               " fewer than there would have been.");
  if (targets_ended_) sink_.note("All processes of --pid have ended.");
  const auto backends = tool_.backends();
  const bool has_tracepoints =
      std::any_of(backends.begin(), backends.end(), [](const auto& b) { return b.name == "tracepoint"; });
  if (losses_.skipped() && object_->rung().name != "tracepoint" && has_tracepoints)
    sink_.note("The kernel skips a program for whoever preempts it; those of --backend tracepoint are not preempted.");
  for (const auto& sentence : remarks().notes) sink_.note(sentence);
  for (const auto& target : object_->left_out())
    sink_.note("'" + escaped(target.rung) + "' is not watched: " + target.reason + ".");
  if (const auto& refusal = object_->addition_refusal())
    sink_.note(kernel::sentence(object_->addition().hook + " are not seen: " + refusal->reason));
  if (options_.verbose && !object_->rung().scope_note.empty()) sink_.note(object_->rung().scope_note);
  if (const std::uint64_t n = parts_.run->execs32; n && object_->rung().blind_to_compat)
    sink_.note(format_count(n) + (n == 1 ? " 32-bit program was" : " 32-bit programs were") +
               " started meanwhile, whose calls the " + object_->rung().name +
               " backend does not see; --compat adds them.");
}

Summary TracingRun::summary() const {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  Summary result;
  result.tool = tool_.info().name;
  result.events = rows_;
  result.losses = losses_.totals();
  for (const auto& loss : result.losses) result.lost += loss.count;
  const auto& rung = object_->rung();
  result.rungs.push_back({object_->hook(), rung.name, rung.scope_shown()});
  if (const auto& addition = object_->addition(); addition.wanted) {
    const auto& refusal = object_->addition_refusal();
    result.rungs.push_back({addition.hook, refusal ? "none" : addition.name, refusal ? refusal->reason : ""});
  }
  result.window_ns = closed_ - opened_;
  result.closed_ns = closed_;
  result.cpu_ns = cpu_time(usage) + cpu_beside();
  result.memory_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
  if (options_.stats) result.costs = object_->costs();
  if (command_) result.command_status = const_cast<Command&>(*command_).status();
  return result;
}

}  // namespace sonde
