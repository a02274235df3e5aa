// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/rows.h"

#include <bpf/libbpf.h>
#include <linux/membarrier.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/error.h"

namespace sonde::kernel {

Rows::Rows(bpf_map* map) : size_(bpf_map__max_entries(map)), stride_((bpf_map__value_size(map) + 7) / 8 * 8) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  bytes_ = (size_ * stride_ + page - 1) / page * page;
  void* at = mmap(nullptr, bytes_, PROT_READ, MAP_SHARED, bpf_map__fd(map), 0);
  if (at == MAP_FAILED)
    throw Error(Exit::run_time, "The counts could not be mapped.", "Try a smaller --max-entries.",
                std::strerror(errno));
  data_ = static_cast<const std::byte*>(at);
}

Rows::~Rows() { munmap(const_cast<std::byte*>(data_), bytes_); }

// This command is one grace period of RCU, under which programs run. A kernel that refuses it (nohz_full) leaves a
// window of nanoseconds.
void wait_for_programs() { syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0); }

}  // namespace sonde::kernel
