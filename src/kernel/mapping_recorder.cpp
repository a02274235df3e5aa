// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/mapping_recorder.h"

#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "kernel/object.h"
#include "kernel/reason.h"

namespace sonde::kernel {
namespace {

constexpr std::size_t buffer_size = std::size_t{128} << 10;  // some 1,000 mappings
constexpr std::uint64_t second = 1'000'000'000;
constexpr std::uint64_t kept = 10 * second;  // of what has ended, for rows that are still to come

std::uint64_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * second + static_cast<std::uint64_t>(time.tv_nsec);
}

}  // namespace

MappingRecorder::MappingRecorder(Mappings& mappings)
    : mappings_(mappings), page_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))) {
  const int cpus = static_cast<int>(possible_cpus());
  for (int cpu = 0; cpu < cpus; ++cpu) {
    if (open_on(cpu) || errno == ENODEV) continue;  // ENODEV: one that is switched off
    trouble_ = phrase(errno);
    return;
  }
}

MappingRecorder::~MappingRecorder() {
  for (const auto& buffer : buffers_) munmap(buffer.at, page_ + buffer_size);
}

bool MappingRecorder::open_on(int cpu) {
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.size = sizeof(attributes);
  attributes.config = PERF_COUNT_SW_DUMMY;
  attributes.sample_type = PERF_SAMPLE_TIME;
  attributes.sample_id_all = 1;
  attributes.mmap = attributes.mmap2 = 1;  // of what can be executed
  attributes.comm = attributes.comm_exec = attributes.task = 1;
  attributes.use_clockid = 1;
  attributes.clockid = CLOCK_MONOTONIC;  // that of the programs
  attributes.watermark = 1;
  attributes.wakeup_watermark = buffer_size / 4;
  Buffer buffer{Fd(static_cast<int>(syscall(SYS_perf_event_open, &attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC)))};
  if (!buffer.event) return false;
  void* at = mmap(nullptr, page_ + buffer_size, PROT_READ | PROT_WRITE, MAP_SHARED, buffer.event.get(), 0);
  if (at == MAP_FAILED) return false;
  buffer.at = static_cast<char*>(at);
  buffers_.push_back(std::move(buffer));
  return true;
}

std::vector<int> MappingRecorder::fds() const {
  std::vector<int> all;
  for (const auto& buffer : buffers_) all.push_back(buffer.event.get());
  return all;
}

void MappingRecorder::read_buffer(const Buffer& buffer) {
  auto* page = reinterpret_cast<perf_event_mmap_page*>(buffer.at);
  const char* data = buffer.at + page_;
  const std::uint64_t head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE);
  std::uint64_t tail = page->data_tail;
  rest_.clear();
  while (tail < head) {  // all of it, in at most two pieces
    const std::size_t from = tail & (buffer_size - 1);
    const std::size_t size = std::min<std::uint64_t>(head - tail, buffer_size - from);
    rest_.append(data + from, size);
    tail += size;
  }
  __atomic_store_n(&page->data_tail, tail, __ATOMIC_RELEASE);
  std::string_view records = rest_;
  std::size_t size = 0;
  while (auto record = read_perf_record(records, size)) {
    if (record->kind != PerfRecord::Kind::other) pending_.push_back(std::move(*record));
    records.remove_prefix(size);
  }
}

void MappingRecorder::take(PerfRecord& record) {
  switch (record.kind) {
    case PerfRecord::Kind::map:
      record.mapping.since = record.time;
      return mappings_.map(record.pid, std::move(record.mapping));
    case PerfRecord::Kind::exec:
      return mappings_.exec(record.pid, record.time);
    case PerfRecord::Kind::fork:
      return mappings_.fork(record.pid, record.parent, record.time);
    case PerfRecord::Kind::exit:
      return mappings_.exit(record.pid, record.time);
    case PerfRecord::Kind::lost:
      lost_ += record.count;
      return;
    case PerfRecord::Kind::other:
      return;
  }
}

// What one CPU writes while another's buffer is read may be older than what was read there: it waits for the next time,
// so that all is taken in the order in which it happened.
void MappingRecorder::catch_up(std::uint64_t time) {
  if (time <= caught_up_) return;
  caught_up_ = now();
  for (const auto& buffer : buffers_) read_buffer(buffer);
  std::stable_sort(pending_.begin(), pending_.end(), [](auto& a, auto& b) { return a.time < b.time; });
  const auto later =
      std::find_if(pending_.begin(), pending_.end(), [this](const auto& record) { return record.time >= caught_up_; });
  for (auto record = pending_.begin(); record != later; ++record) take(*record);
  pending_.erase(pending_.begin(), later);
  if (caught_up_ - forgotten_ < second || caught_up_ < kept) return;
  forgotten_ = caught_up_;
  mappings_.forget(caught_up_ - kept);
}

}  // namespace sonde::kernel
