// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/rows.h"

#include <bpf/libbpf.h>
#include <linux/membarrier.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/error.h"

namespace sonde::kernel {

namespace {

std::size_t whole_pages(std::size_t bytes) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

std::byte* checked(void* mapping) {
  if (mapping == MAP_FAILED)
    throw Error(Exit::run_time, "The counts could not be mapped.", "Try a smaller --max-entries.",
                std::strerror(errno));
  return static_cast<std::byte*>(mapping);
}

}  // namespace

Rows::Rows(bpf_map* map)
    : map_(bpf_map__fd(map)),
      size_(bpf_map__max_entries(map)),
      stride_((bpf_map__value_size(map) + 7) / 8 * 8),
      bytes_(whole_pages(size_ * stride_)),
      data_(checked(mmap(nullptr, bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {}

Rows::~Rows() { munmap(data_, bytes_); }

// The pages of a mapped array are all there at once, whether they are looked at or not.
void Rows::map_up_to(std::size_t end) {
  constexpr std::size_t first = 64 << 10;
  const std::size_t until = std::min(bytes_, std::max({whole_pages(end), mapped_ * 2, first}));
  checked(mmap(data_ + mapped_, until - mapped_, PROT_READ, MAP_SHARED | MAP_FIXED, map_, static_cast<off_t>(mapped_)));
  mapped_ = until;
}

// This command is one grace period of RCU, under which programs run. A kernel that refuses it (nohz_full) leaves a
// window of nanoseconds.
void wait_for_programs() { syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0); }

}  // namespace sonde::kernel
