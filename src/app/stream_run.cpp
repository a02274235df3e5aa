// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/stream_run.h"

#include <algorithm>

#include "core/units.h"
#include "kernel/iterator.h"
#include "kernel/rows.h"

namespace sonde {
namespace {

constexpr std::uint64_t second = 1'000'000'000;
constexpr std::uint64_t busy_wait = second / 100;
constexpr std::uint64_t longest_drain_records = 8192;
constexpr std::uint64_t pending_patience = second / 10;

}  // namespace

StreamRun::StreamRun(StreamBase& tool, const CommonOptions& options) : TracingRun(tool, options), stream_(tool) {
  const stack_conf wanted{tool.shown("kstack"), tool.shown("ustack"), UNWIND_NEVER};
  if (!wanted.kernel && !wanted.user) return;
  sources_.emplace(wanted);
  stream_.stacks_ = &stacks_.emplace(sources_->symbolizer());
}

StreamRun::~StreamRun() { stream_.stacks_ = nullptr; }

void StreamRun::unused_maps(const LibraryParts& parts, std::vector<bpf_map*>& unused) const {
  if (parts.stacked && !stacks_) unused.push_back(parts.stacked);
}

void StreamRun::size_maps(const LibraryParts& parts) {
  size_ring(parts);
  if (sources_) sources_->set(parts);
}

void StreamRun::loaded() {
  values_.resize(chosen().size());
  ring_.emplace(parts_.events, *parts_.run);
  waiter_.watch_edges(ring_->fd());
  if (sources_) sources_->start(parts_, options_, waiter_);
}

void StreamRun::opened() {
  if (!parts_.already_there) return;
  const std::size_t size = stream_.record_size();
  kernel::Iterator(parts_.already_there, size).read([&](const std::byte* record) { take_record(record, size); });
}

bool StreamRun::take() {
  const bool found = drain() > 0;
  if (sources_) sources_->catch_up(now());
  return found;
}

std::size_t StreamRun::drain() {
  follow_clock();
  return ring_->drain([this](const std::byte* record, std::size_t size) { return take_record(record, size); },
                      longest_drain_records);
}

bool StreamRun::take_record(const std::byte* record, std::size_t size) {
  if (stream_.keep_part(record, size)) return true;
  if (options_.max_rate && !within_rate()) {
    losses_.add_over_rate();
  } else if (stream_.read_record(record, size, chosen(), values_)) {
    sink_.row(values_);
    ++rows_;
  } else {
    losses_.add_malformed();
  }
  return rows_ != options_.max_events || !options_.max_events;
}

bool StreamRun::within_rate() {
  const std::uint64_t this_second = now() / second;
  if (this_second != rate_second_) {
    rate_second_ = this_second;
    rate_rows_ = 0;
  }
  return rate_rows_++ < options_.max_rate;
}

bool StreamRun::enough() const { return options_.max_events && rows_ >= options_.max_events; }

void StreamRun::wait(bool busy) {
  if (!busy && !ring_->fall_asleep()) return;
  TracingRun::wait(busy ? static_cast<std::int64_t>(busy_wait) : -1);
  ring_->wake_up();
}

// What is in the ring happened inside the window; a program that is at its record right now gets a moment to finish.
void StreamRun::take_rest() {
  if (!enough()) {
    if (parts_.still_running) kernel::wait_for_programs();
    ask_what_runs(closed_);
  }
  const auto patience = closed_ + pending_patience;
  while (!enough() && !ring_->empty()) {
    if (drain() == 0 && ring_->pending() && now() > patience) break;
  }
}

std::uint64_t StreamRun::cpu_beside() const { return sources_ ? sources_->cpu_time() : 0; }

void StreamRun::more_notes() {
  if (sources_)
    for (const auto& sentence : sources_->notes()) sink_.note(sentence);
  if (const std::uint64_t n = stacks_ ? stacks_->without_kernel() : 0)
    sink_.note(format_count(n) + (n == 1 ? " event has" : " events have") +
               " no stack of the kernel: this kernel tells none at that hook; another --backend may show it.");
  if (parts_.run->drops[DROP_RING_FULL])
    sink_.note("A larger --buffer-size (now " + format_bytes(ring_->size()) + ") or a narrower filter loses less.");
}

}  // namespace sonde
