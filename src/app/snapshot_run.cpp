// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/snapshot_run.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "core/show.h"
#include "core/units.h"

namespace sonde {
namespace {

// A row is a key on a CPU. Distributions make it ten times as large.
constexpr std::uint32_t usual_rows = 65536, usual_rows_with_buckets = 16384;
// 100,000 stacks that two CPUs meet: 64 MiB of the kernel's memory with the ring, where rows are the longest.
constexpr std::uint32_t usual_stacks_each = 131072, usual_stacks = 2 * usual_stacks_each;
constexpr std::uint64_t terminal_rows = 20;
// Names are looked up soon, while the process is there that has the file; so many stacks at a time.
constexpr std::uint64_t stack_wait = 250'000'000;
constexpr std::size_t stacks_at_once = 256;
// Of stacks that are copied, 99 a second of each CPU, while we wait up to two seconds for what a large file says.
constexpr std::uint32_t times_for_copies = 4;

// An interval ends so much later than the programs are told when, so that none of them can be late with the news.
constexpr std::uint64_t notice = 200'000;
constexpr std::uint64_t busy_wait = 10'000'000;
constexpr std::uint64_t pending_patience = 100'000'000;
constexpr std::size_t longest_drain_records = 8192;
constexpr std::uint32_t least_threads = 8192;
// Of stacks that come while a file is read, which may take two seconds.
constexpr std::size_t most_fetched = std::size_t{64} << 20;

std::uint32_t fair_stacks(std::uint64_t most) {
  const std::uint32_t usual = std::min(kernel::possible_cpus() * usual_stacks_each, usual_stacks);
  return most ? static_cast<std::uint32_t>(std::min<std::uint64_t>(most, usual)) : usual;
}

std::uint32_t whole_chunks(std::uint32_t rows) { return (rows + COUNT_CHUNK - 1) / COUNT_CHUNK; }

}  // namespace

SnapshotRun::SnapshotRun(SnapshotBase& tool, const CommonOptions& options)
    : TracingRun(tool, options), snapshot_(tool) {
  const auto wanted = tool.stacks_wanted();
  if (!wanted) return;
  sources_.emplace(*wanted);
  if (!tool.stacks_of_probes()) sources_->show_probes();
  snapshot_.stacks_ = &stacks_.emplace(sources_->symbolizer());
  if (tool.stacks_of_sleepers()) stacks_->leave_out_scheduler();
  unwind_ = static_cast<stack_unwind>(wanted->unwind);
  if (unwind_ == UNWIND_WHERE_NEEDED)
    stacks_->tell_of_broken([this](std::uint64_t program) { unwind_from_now_on(program); });
}

SnapshotRun::~SnapshotRun() {
  snapshot_.stacks_ = nullptr;
  snapshot_.absences_ = nullptr;
}

void SnapshotRun::size_maps(const LibraryParts& parts) {
  if (parts.rows) size_counts(parts);
  if (parts.read_tasks) size_accounts(parts);
  if (!stacks_) return;
  sources_->set(parts);
  size_ring(parts, unwind_ == UNWIND_NEVER ? 1 : times_for_copies);
}

void SnapshotRun::unused_maps(const LibraryParts& parts, std::vector<bpf_map*>& unused) const {
  if (parts.rows && keeps_accounts())
    unused.insert(unused.end(), {parts.rows, parts.buckets, parts.lanes, parts.places, parts.chunks});
  if (parts.walkers && !parts.stacks->kernel) unused.push_back(parts.walkers);
  if (parts.stack_copies && unwind_ == UNWIND_NEVER) unused.push_back(parts.stack_copies);
  if (parts.held_copies && unwind_ == UNWIND_NEVER) unused.push_back(parts.held_copies);
  if (parts.unwound_programs && unwind_ != UNWIND_WHERE_NEEDED) unused.push_back(parts.unwound_programs);
}

// Threads that live at the same time: twice as many as now, so that many may come.
void SnapshotRun::size_accounts(const LibraryParts& parts) {
  const std::uint32_t threads = kernel::count_tasks();
  entries_ = options_.max_entries ? options_.max_entries : std::max(least_threads, threads * 2);
  kernel::resize_map(parts.threads, entries_);
  kernel::resize_map(parts.cpus, kernel::possible_cpus());
  size_ring(parts);
}

void SnapshotRun::size_counts(const LibraryParts& parts) {
  const unsigned buckets = parts.buckets ? snapshot_.distributions() : 0;
  const std::uint32_t wanted = options_.max_entries ? options_.max_entries
                               : buckets            ? usual_rows_with_buckets
                               : stacks_            ? fair_stacks(snapshot_.most_rows())
                                                    : usual_rows;
  const std::uint32_t lanes = kernel::possible_cpus() * *parts.count_users;
  // Each lane begins a chunk of its own, and row 0 is nobody's.
  const std::uint32_t chunks = whole_chunks(wanted + 1) + (options_.max_entries ? 0 : lanes);
  *parts.count_chunks = chunks;
  entries_ = chunks * COUNT_CHUNK;
  kernel::resize_map(parts.rows, chunks * COUNT_CHUNK);
  kernel::resize_map(parts.places, chunks * COUNT_CHUNK);
  kernel::resize_map(parts.chunks, chunks);
  kernel::resize_map(parts.lanes, lanes);
  if (parts.beside) kernel::resize_map(parts.beside, snapshot_.uses_beside() ? chunks * COUNT_CHUNK : 1);
  if (!parts.buckets) return;
  *parts.uses_buckets = buckets;
  *parts.linear = snapshot_.linear_conf();
  kernel::resize_map(parts.buckets, buckets ? chunks * COUNT_CHUNK * buckets : 1);
}

void SnapshotRun::loaded() {
  values_.resize(chosen().size());
  if (keeps_accounts()) {
    tasks_.emplace(parts_.read_tasks, snapshot_.account_size());
    cpus_.emplace(parts_.cpus);
    ring_.emplace(parts_.events, *parts_.run);
    waiter_.watch_edges(ring_->fd());
    return;
  }
  counts_.emplace(parts_.rows);
  if (parts_.absences) {
    snapshot_.absences_ = &absences_.emplace(snapshot_.absences_wanted());
    threads_.emplace(parts_.absences);
    if (parts_.held_copies && unwind_ != UNWIND_NEVER) {
      held_copies_.emplace(parts_.held_copies);
      held_.resize(held_copies_->value_size());
    }
  }
  if (stacks_) {
    ring_.emplace(parts_.events, *parts_.run);
    waiter_.watch_edges(ring_->fd());
    sources_->start(parts_, options_, waiter_);
    sources_->meanwhile([this] { fetch_stacks(longest_drain_records); });
  }
  if (parts_.buckets && snapshot_.distributions()) buckets_.emplace(parts_.buckets);
  if (parts_.beside && snapshot_.uses_beside()) beside_.emplace(parts_.beside);
}

// Each task gets its account before the window opens.
void SnapshotRun::opening() {
  if (keeps_accounts()) read_accounts(0);
  if (absences_ && parts_.already_there) kernel::run_iterator(parts_.already_there);
  if (splits_at_boundaries()) end_interval();
}

void SnapshotRun::opened() {
  if (keeps_accounts()) {
    opened_ = *parts_.opened;
    read_accounts(opened_);
  }
  if (absences_) opened_ = *parts_.window_began;
  started_ = opened_;
  follow_clock();
  const std::string since(TimeOfDay(options_.utc)(wall(opened_)).substr(0, 12));
  sink_.note("Counting since " + since + (options_.interval_ns ? "." : "; the report comes at the end."));
}

std::uint64_t SnapshotRun::boundary() const {
  return options_.interval_ns ? opened_ + (intervals_ + 1) * options_.interval_ns : UINT64_MAX;
}

bool SnapshotRun::take() {
  bool busy = ring_ && drain() > 0;
  if (stacks_) {
    sources_->catch_up(now());
    busy = stacks_->look_up(stacks_at_once);
  }
  // The last one is read when its programs have come to their ends.
  const bool last = options_.max_events && intervals_ + 1 == options_.max_events;
  if (now() < boundary() || last) return busy;
  const std::uint64_t end = end_interval();
  read(end);
  show(started_, end);
  return true;
}

// When the interval that goes on ends for all accounts: the time has come when this returns.
std::uint64_t SnapshotRun::end_interval() {
  if (!splits_at_boundaries()) return now();
  std::uint64_t end = now() + notice;
  if (absences_) {
    fix_interval(end);
  } else {
    if (!*parts_.opened) __atomic_store_n(parts_.opened, end, __ATOMIC_SEQ_CST);
    __atomic_store_n(parts_.boundary, end, __ATOMIC_SEQ_CST);
  }
  while (now() <= end) {
  }
  return end;
}

// Two that follow each other differ in the lowest bit of their beginnings.
void SnapshotRun::fix_interval(std::uint64_t& end) {
  const std::uint64_t began = *parts_.interval_began;
  end = (end & ~std::uint64_t{1}) | ((began & 1) ^ 1);
  if (!began) __atomic_store_n(parts_.window_began, end, __ATOMIC_SEQ_CST);
  __atomic_store_n(parts_.interval_before, began, __ATOMIC_SEQ_CST);
  __atomic_store_n(parts_.interval_began, end, __ATOMIC_SEQ_CST);
}

// The ring is not read while a stack of it is looked at: that may have to wait, and more stacks come meanwhile.
std::size_t SnapshotRun::fetch_stacks(std::size_t limit) {
  const auto fetch = [this](const std::byte* record, std::size_t size) {
    fetched_.emplace_back(reinterpret_cast<const char*>(record), size);
    fetched_bytes_ += size;
    return fetched_bytes_ < most_fetched;
  };
  return fetched_bytes_ < most_fetched ? ring_->drain(fetch, limit) : 0;
}

std::size_t SnapshotRun::take_fetched() {
  std::size_t count = 0;
  for (; !fetched_.empty(); ++count) {
    const std::string record = std::move(fetched_.front());
    fetched_.pop_front();
    fetched_bytes_ -= record.size();
    if (!take_stack(record)) losses_.add_malformed();
  }
  return count;
}

std::size_t SnapshotRun::drain_stacks() {
  std::size_t count = 0;
  for (bool more = true; more && count < longest_drain_records;) {
    more = fetch_stacks(stacks_at_once) == stacks_at_once;
    count += take_fetched();
  }
  return count;
}

std::size_t SnapshotRun::drain() {
  if (stacks_) return drain_stacks();
  const auto take = [this](const std::byte* record, std::size_t size) {
    if (size >= snapshot_.account_size()) {
      snapshot_.take_account(record);
    } else {
      losses_.add_malformed();
    }
    return true;
  };
  return ring_->drain(take, longest_drain_records);
}

bool SnapshotRun::take_stack(std::string_view record) {
  const auto copied = copied_stack(record);
  if (!copied) return stacks_->take(record);
  const auto taken = snapshot_.take_unwound(copied->row, stacks_->take(*copied), entries_);
  // As the kernel does where it counts.
  if (taken == SnapshotBase::Taken::no_room)
    __atomic_fetch_add(&parts_.run->drops[DROP_COUNT_FULL], 1U, __ATOMIC_RELAXED);
  return taken != SnapshotBase::Taken::malformed;
}

// Where there is no room to say so, its stacks stay as they are, and marked.
void SnapshotRun::unwind_from_now_on(std::uint64_t program) {
  const std::uint8_t present = 1;
  kernel::put_if_possible(parts_.unwound_programs, &program, &present);
}

bool SnapshotRun::enough() const {
  return options_.max_events && intervals_ + 1 >= options_.max_events && now() >= boundary();
}

void SnapshotRun::wait(bool busy) {
  if (busy && (!ring_ || stacks_)) return;
  // Who waits for stacks need not be woken for each: there is room for many, and a ring that fills wakes us.
  if (!busy && ring_ && !stacks_ && !ring_->fall_asleep()) return;
  const std::uint64_t time = now(), end = boundary();
  std::uint64_t left = end == UINT64_MAX ? end : end - std::min(end, time);
  if (busy) left = std::min(left, busy_wait);
  if (stacks_) left = std::min(left, stack_wait);
  TracingRun::wait(left == UINT64_MAX ? -1 : static_cast<std::int64_t>(left));
  if (ring_ && !stacks_) ring_->wake_up();
}

void SnapshotRun::take_rest() {
  if (splits_at_boundaries()) closed_ = end_interval();
  over_ = true;
  kernel::wait_for_programs();
  // With -d 10 -i 1 the tenth interval is the last one, not a moment behind it.
  const bool begun = closed_ - started_ > options_.interval_ns / 1000 || intervals_ == 0;
  read(closed_);
  if (begun || snapshot_.row_count()) show(started_, closed_);
}

void SnapshotRun::read(std::uint64_t end) {
  ask_what_runs(end);
  snapshot_.interval_ = parts_.run->interval;
  __atomic_store_n(&parts_.run->interval, snapshot_.interval_ + 1, __ATOMIC_SEQ_CST);
  snapshot_.begin_reading();
  if (keeps_accounts())
    read_accounts(end);
  else
    read_counts(end);
  snapshot_.end_reading();
}

// A task that ends while the others are read has put its record into the ring before it is missed.
void SnapshotRun::read_accounts(std::uint64_t boundary) {
  tasks_->read([this](const std::byte* row) { snapshot_.take_account(row); });
  read_cpu_accounts();
  const std::uint64_t patience = now() + pending_patience;
  while (!ring_->empty())
    if (drain() == 0 && now() > patience) break;
  snapshot_.settle_accounts(boundary);
}

// A CPU may be writing its own: the first word of an account is odd meanwhile.
void SnapshotRun::read_cpu_accounts() {
  std::array<std::uint64_t, 64> copy{};
  for (std::uint32_t cpu = 0; cpu < cpus_->size(); ++cpu) {
    const auto* words = reinterpret_cast<const std::uint64_t*>(cpus_->at(cpu));
    const std::size_t count = std::min(copy.size(), cpus_->bytes_each() / sizeof(std::uint64_t));
    std::uint64_t serial = 0;
    do {
      serial = __atomic_load_n(words, __ATOMIC_ACQUIRE);
      for (std::size_t i = 0; i < count; ++i) copy[i] = __atomic_load_n(words + i, __ATOMIC_ACQUIRE);
    } while (serial % 2 || serial != __atomic_load_n(words, __ATOMIC_ACQUIRE));
    snapshot_.take_cpu_account(cpu, reinterpret_cast<const std::byte*>(copy.data()));
  }
}

void SnapshotRun::take_stacks() {
  while (drain() >= longest_drain_records) {
  }
  sources_->catch_up(now());
  while (stacks_->look_up(stacks_at_once)) drain();
}

// A row is there a moment before its stack is.
void SnapshotRun::read_counts(std::uint64_t end) {
  if (absences_) read_absences(end);
  if (stacks_) take_stacks();
  read_rows();
  if (stacks_) take_stacks();
}

void SnapshotRun::read_absences(std::uint64_t end) {
  if (!over_) kernel::wait_for_programs();
  absences_->begin({*parts_.window_began, started_, end, over_});
  threads_->read([this, end](kernel::Hash::Key key, const std::byte* bytes) {
    absence thread{};
    std::memcpy(&thread, bytes, sizeof(thread));
    const auto part = absences_->part_of(thread);
    const bool away = thread.since && thread.since < end;
    if (part && !(away && held_copies_ && take_held_copy(key, thread, part->time))) absences_->add(*part);
  });
}

// Of a thread that is still away as the run ends. Once it is back it may overwrite its copy, which is noted before.
bool SnapshotRun::take_held_copy(kernel::Hash::Key key, const absence& thread, std::uint64_t ns) {
  if (thread.row & ABSENCE_WITHOUT_ROOM) __atomic_fetch_add(&parts_.run->drops[DROP_HELD], 1U, __ATOMIC_RELAXED);
  stack_copy head{};
  absence again{};
  if (!held_copies_->get(key, held_.data())) return false;
  std::memcpy(&head, held_.data(), sizeof(head));
  const bool stayed = threads_->get(key, reinterpret_cast<std::byte*>(&again)) && again.since == thread.since;
  if (head.time != thread.since || !stayed) return false;
  const std::size_t row = sizeof(head), stack = row + counts_->bytes_each();
  snapshot_.put_absence(held_.data() + row, started_, ns);
  return take_stack({reinterpret_cast<const char*>(held_.data()), std::min(stack + head.size, held_.size())});
}

void SnapshotRun::read_rows() {
  const std::uint32_t lanes = kernel::possible_cpus() * *parts_.count_users;
  const std::uint32_t taken = __atomic_load_n(parts_.chunks_taken, __ATOMIC_ACQUIRE) + lanes;
  const std::uint32_t rows = std::min(taken * COUNT_CHUNK, counts_->size());
  const unsigned each = snapshot_.distributions();
  for (std::uint32_t i = 1; i < rows; ++i) {
    const std::byte* row = counts_->at(i);
    std::span<const std::uint32_t> buckets;
    if (buckets_) buckets = {reinterpret_cast<const std::uint32_t*>(buckets_->at(i * each, each)), BUCKETS * each};
    snapshot_.read_row(row, i, buckets, beside_ ? beside_->at(i) : nullptr);
  }
  snapshot_.read_unwound();
}

void SnapshotRun::show(std::uint64_t start, std::uint64_t end) {
  follow_clock();
  Interval interval{intervals_ + 1, wall(start), wall(end)};
  const std::uint64_t found = snapshot_.row_count();
  const bool terminal = !options_.json && terminal_width(outputs_.rows().fd()) > 0;
  const std::uint64_t most = options_.top ? options_.top : terminal ? terminal_rows : UINT64_MAX;
  interval.rows = std::min(found, most);
  interval.more = found - interval.rows;
  sink_.begin_interval(interval);
  for (std::size_t i = 0; i < interval.rows; ++i) {
    snapshot_.fill(i, chosen(), values_);
    sink_.row(values_);
  }
  sink_.end_interval(interval);
  if (const auto remark = snapshot_.remark(); !remark.empty()) sink_.note(remark);
  sink_.flush();
  rows_ += interval.rows;
  ++intervals_;
  started_ = end;
}

std::uint64_t SnapshotRun::cpu_beside() const { return sources_ ? sources_->cpu_time() : 0; }

void SnapshotRun::more_notes() {
  if (sources_)
    for (const auto& sentence : sources_->notes()) sink_.note(sentence);
  if (keeps_accounts() && *parts_.unlisted)
    sink_.note("The kernel does not list all its threads: " + format_count(*parts_.unlisted) +
               " that were there count from their first switch on.");
  if (parts_.run->drops[DROP_COUNT_FULL])
    sink_.note("A larger --max-entries (now " + format_count(entries_) + ") has room for more keys.");
}

}  // namespace sonde
