// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/snapshot_run.h"

#include <algorithm>
#include <span>

#include "core/show.h"
#include "core/units.h"

namespace sonde {
namespace {

// A row is a key on a CPU. Distributions make it ten times as large.
constexpr std::uint32_t usual_rows = 65536, usual_rows_with_buckets = 16384;
constexpr std::uint64_t terminal_rows = 20;

std::uint32_t whole_chunks(std::uint32_t rows) { return (rows + COUNT_CHUNK - 1) / COUNT_CHUNK; }

}  // namespace

SnapshotRun::SnapshotRun(SnapshotBase& tool, const CommonOptions& options)
    : TracingRun(tool, options), snapshot_(tool) {}

void SnapshotRun::size_maps(const LibraryParts& parts) {
  const bool buckets = parts.buckets && snapshot_.uses_buckets();
  const std::uint32_t wanted = options_.max_entries ? options_.max_entries
                               : buckets            ? usual_rows_with_buckets
                                                    : usual_rows;
  const std::uint32_t lanes = kernel::possible_cpus() * *parts.count_users;
  // Each lane begins a chunk of its own, and row 0 is nobody's.
  const std::uint32_t chunks = whole_chunks(wanted + 1) + (options_.max_entries ? 0 : lanes);
  *parts.count_chunks = chunks;
  kernel::resize_map(parts.rows, chunks * COUNT_CHUNK);
  kernel::resize_map(parts.places, chunks * COUNT_CHUNK);
  kernel::resize_map(parts.chunks, chunks);
  kernel::resize_map(parts.lanes, lanes);
  if (!parts.buckets) return;
  *parts.uses_buckets = buckets ? 1 : 0;
  kernel::resize_map(parts.buckets, buckets ? chunks * COUNT_CHUNK : 1);
}

void SnapshotRun::loaded() {
  values_.resize(chosen().size());
  counts_.emplace(parts_.rows);
  if (parts_.buckets && snapshot_.uses_buckets()) buckets_.emplace(parts_.buckets);
}

void SnapshotRun::opened() {
  started_ = opened_;
  follow_clock();
  const std::string since(TimeOfDay(options_.utc)(wall(opened_)).substr(0, 12));
  sink_.note("Counting since " + since + (options_.interval_ns ? "." : "; the report comes at the end."));
}

std::uint64_t SnapshotRun::boundary() const {
  return options_.interval_ns ? opened_ + (intervals_ + 1) * options_.interval_ns : UINT64_MAX;
}

bool SnapshotRun::take() {
  const std::uint64_t time = now();
  // The last one is read when its programs have come to their ends.
  const bool last = options_.max_events && intervals_ + 1 == options_.max_events;
  if (time < boundary() || last) return false;
  read();
  show(started_, time);
  return true;
}

bool SnapshotRun::enough() const {
  return options_.max_events && intervals_ + 1 >= options_.max_events && now() >= boundary();
}

void SnapshotRun::wait(bool busy) {
  if (busy) return;
  const std::uint64_t time = now(), end = boundary();
  TracingRun::wait(end == UINT64_MAX ? -1 : static_cast<std::int64_t>(end - std::min(end, time)));
}

void SnapshotRun::take_rest() {
  kernel::wait_for_programs();
  // With -d 10 -i 1 the tenth interval is the last one, not a moment behind it.
  const bool begun = closed_ - started_ > options_.interval_ns / 1000 || intervals_ == 0;
  read();
  if (begun || snapshot_.row_count()) show(started_, closed_);
}

void SnapshotRun::read() {
  const std::uint32_t lanes = kernel::possible_cpus() * *parts_.count_users;
  const std::uint32_t taken = __atomic_load_n(parts_.chunks_taken, __ATOMIC_ACQUIRE) + lanes;
  const std::uint32_t rows = std::min(taken * COUNT_CHUNK, counts_->size());
  snapshot_.interval_ = parts_.run->interval;
  __atomic_store_n(&parts_.run->interval, snapshot_.interval_ + 1, __ATOMIC_SEQ_CST);
  snapshot_.begin_reading();
  for (std::uint32_t i = 1; i < rows; ++i) {
    const std::byte* row = counts_->at(i);
    std::span<const std::uint32_t> buckets;
    if (buckets_) buckets = {reinterpret_cast<const std::uint32_t*>(buckets_->at(i)), BUCKETS};
    snapshot_.read_row(row, buckets);
  }
  snapshot_.end_reading();
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
  sink_.flush();
  rows_ += interval.rows;
  ++intervals_;
  started_ = end;
}

void SnapshotRun::more_notes() {
  if (parts_.run->drops[DROP_COUNT_FULL])
    sink_.note("A larger --max-entries (now " + format_count(counts_->size()) + ") has room for more keys.");
}

}  // namespace sonde
