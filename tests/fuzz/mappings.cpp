// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/mappings.h"

#include "core/kernel_text.h"
#include "core/perf_record.h"
#include "core/stack.h"
#include "require.h"
#include "targets.h"

namespace sonde::fuzz {
namespace {

void look_up(const Mappings& mappings, std::uint32_t pid, std::uint64_t time, std::uint64_t address) {
  const Mapping* found = mappings.find(pid, time, address);
  require(!found || (found->holds(address) && found->since <= time));
  if (found) touch(found->path);
}

void take_records(std::string_view bytes, Mappings& mappings) {
  std::size_t size = 0;
  while (auto record = read_perf_record(bytes, size)) {
    require(size > 0 && size <= bytes.size());
    bytes.remove_prefix(size);
    const std::uint64_t start = record->mapping.start;
    record->mapping.since = record->time;
    if (record->kind == PerfRecord::Kind::map) mappings.map(record->pid, std::move(record->mapping));
    if (record->kind == PerfRecord::Kind::exec) mappings.exec(record->pid, record->time);
    if (record->kind == PerfRecord::Kind::fork) mappings.fork(record->pid, record->parent, record->time);
    if (record->kind == PerfRecord::Kind::exit) mappings.exit(record->pid, record->time);
    look_up(mappings, record->pid, record->time, start);
  }
}

}  // namespace

// The same bytes as lines of /proc/PID/maps, as perf's records, and as a record with stacks behind it.
void mappings(std::string_view bytes) {
  Mappings mappings;
  each_line(bytes, [&](std::string_view line) {
    auto mapping = mapping_of_line(line);
    if (!mapping) return;
    require(mapping->start < mapping->end);
    const std::uint64_t start = mapping->start;
    mappings.map(1, std::move(*mapping));
    look_up(mappings, 1, 0, start);
  });
  take_records(bytes, mappings);
  mappings.forget(UINT64_MAX / 2);
  look_up(mappings, 1, UINT64_MAX, 0x1000);
  if (const auto stacks = recorded_stacks(bytes))
    require(stacks->kernel.size() <= most_frames && stacks->user.size() <= most_frames);
}

}  // namespace sonde::fuzz
