// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/perf_record.h"

#include <linux/perf_event.h>

#include "core/bytes.h"

namespace sonde {
namespace {

struct Task {
  std::uint32_t pid, parent, tid, parent_tid;
  std::uint64_t time;
};

struct Mapped {
  std::uint32_t pid, tid;
  std::uint64_t start, size, file_offset;
  std::uint32_t major, minor;
  std::uint64_t inode, generation;
  std::uint32_t protection, flags;
};

void read_mapping(std::string_view body, PerfRecord& record) {
  const auto mapped = read_at<Mapped>(body, 0);
  if (!mapped) return;
  record.kind = PerfRecord::Kind::map;
  record.pid = mapped->pid;
  record.mapping = {mapped->start, mapped->start + mapped->size, mapped->file_offset, record.time, {}, {}};
  record.mapping.file = {mapped->major, mapped->minor, mapped->inode};
  record.mapping.path = text_at(body, sizeof(Mapped), body.size());
  if (record.mapping.path == "//anon") record.mapping.path.clear();
}

void read_task(std::string_view body, bool begins, PerfRecord& record) {
  const auto task = read_at<Task>(body, 0);
  if (!task) return;
  record.pid = task->pid;
  record.parent = task->parent;
  record.time = task->time;
  // Of threads nothing is wanted.
  if (begins && task->pid != task->parent) record.kind = PerfRecord::Kind::fork;
  if (!begins && task->pid == task->tid) record.kind = PerfRecord::Kind::exit;
}

}  // namespace

std::optional<PerfRecord> read_perf_record(std::string_view bytes, std::size_t& size) {
  const auto header = read_at<perf_event_header>(bytes, 0);
  if (!header || header->size < sizeof(*header) || header->size > bytes.size()) return std::nullopt;
  size = header->size;
  std::string_view body = bytes.substr(sizeof(*header), size - sizeof(*header));
  PerfRecord record;
  if (body.size() < sizeof(record.time)) return record;
  record.time = read_at<std::uint64_t>(body, body.size() - sizeof(record.time)).value_or(0);
  body.remove_suffix(sizeof(record.time));
  switch (header->type) {
    case PERF_RECORD_MMAP2:
      read_mapping(body, record);
      break;
    case PERF_RECORD_FORK:
    case PERF_RECORD_EXIT:
      read_task(body, header->type == PERF_RECORD_FORK, record);
      break;
    case PERF_RECORD_COMM:
      record.pid = read_at<std::uint32_t>(body, 0).value_or(0);
      if (header->misc & PERF_RECORD_MISC_COMM_EXEC) record.kind = PerfRecord::Kind::exec;
      break;
    case PERF_RECORD_LOST:
      record.kind = PerfRecord::Kind::lost;
      record.count = read_at<std::uint64_t>(body, sizeof(std::uint64_t)).value_or(0);
      break;
    default:
      break;
  }
  return record;
}

}  // namespace sonde
