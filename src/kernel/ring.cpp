// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/ring.h"

#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "core/error.h"
#include "lib/abi.h"

namespace sonde::kernel {
namespace {

// The kernel looks at the consumer's position for each record: moving it rarely keeps its cache line shared.
constexpr std::uint64_t release_every = 64 * 1024;

void* map_pages(int fd, std::size_t size, int protection, off_t offset) {
  void* at = mmap(nullptr, size, protection, MAP_SHARED, fd, offset);
  if (at == MAP_FAILED)
    throw Error(Exit::run_time, "The ring buffer could not be mapped.", "Try a smaller --buffer-size.",
                std::strerror(errno));
  return at;
}

}  // namespace

Ring::Ring(bpf_map* map, run_state& state)
    : state_(state),
      fd_(bpf_map__fd(map)),
      size_(bpf_map__max_entries(map)),
      page_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))) {
  consumer_ = static_cast<std::atomic<std::uint64_t>*>(map_pages(fd_, page_, PROT_READ | PROT_WRITE, 0));
  auto* rest = static_cast<const std::byte*>(map_pages(fd_, page_ + size_, PROT_READ, static_cast<off_t>(page_)));
  producer_ = reinterpret_cast<const std::atomic<std::uint64_t>*>(rest);
  data_ = rest + page_;
}

Ring::~Ring() {
  munmap(consumer_, page_);
  munmap(const_cast<std::byte*>(data_ - page_), page_ + size_);
}

std::uint32_t Ring::header_at(std::uint64_t position) const {
  const auto* header = reinterpret_cast<const std::uint32_t*>(data_ + (position & (size_ - 1)));
  return __atomic_load_n(header, __ATOMIC_ACQUIRE);
}

const std::byte* Ring::record_at(std::uint64_t position, std::uint32_t length) {
  const std::size_t start = (position & (size_ - 1)) + BPF_RINGBUF_HDR_SZ;
  if (start + length <= size_) return data_ + start;
  if (whole_.size() * sizeof(whole_[0]) < length) whole_.resize(length / sizeof(whole_[0]) + 1);
  auto* to = reinterpret_cast<std::byte*>(whole_.data());
  const std::size_t first = size_ - start;
  std::memcpy(to, data_ + start, first);
  std::memcpy(to + first, data_, length - first);
  return to;
}

// Another CPU wrote it: without this, fetching the lines takes longer than all that is done with them. Records are much
// of a size, so the one after the next begins about there.
void Ring::prefetch(std::uint64_t position) const {
  constexpr std::uint64_t line = 64;
  for (std::uint64_t i = 0; i < 2; ++i) __builtin_prefetch(data_ + ((position + i * line) & (size_ - 1)));
}

std::size_t Ring::drain(const Callback& callback, std::size_t limit) {
  struct Release {  // also when the callback throws
    std::atomic<std::uint64_t>& shared;
    std::uint64_t position;
    ~Release() { shared.store(position, std::memory_order_release); }
  } at{*consumer_, consumer_->load(std::memory_order_relaxed)};

  std::uint64_t released = at.position;
  std::size_t count = 0;
  bool more = true;
  __atomic_store_n(&state_.crossed, 0U, __ATOMIC_RELAXED);
  while (more && count < limit && at.position < producer_->load(std::memory_order_acquire)) {
    const std::uint32_t header = header_at(at.position);
    if (header & BPF_RINGBUF_BUSY_BIT) break;
    const std::uint32_t length = header & ~static_cast<std::uint32_t>(BPF_RINGBUF_DISCARD_BIT);
    const std::uint64_t position = at.position;
    at.position += (length + BPF_RINGBUF_HDR_SZ + 7) / 8 * 8;
    prefetch(at.position + (at.position - position));
    if (!(header & BPF_RINGBUF_DISCARD_BIT)) {
      ++count;
      more = callback(record_at(position, length), length);
    }
    if (at.position - released >= release_every) {
      consumer_->store(at.position, std::memory_order_release);
      released = at.position;
    }
  }
  return count;
}

bool Ring::empty() const {
  return consumer_->load(std::memory_order_relaxed) == producer_->load(std::memory_order_acquire);
}

bool Ring::pending() const {
  return !empty() && (header_at(consumer_->load(std::memory_order_relaxed)) & BPF_RINGBUF_BUSY_BIT);
}

int Ring::fd() const { return fd_; }

bool Ring::fall_asleep() {
  __atomic_store_n(&state_.asleep, 1U, __ATOMIC_SEQ_CST);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (empty()) return true;
  wake_up();
  return false;
}

void Ring::wake_up() { __atomic_store_n(&state_.asleep, 0U, __ATOMIC_RELAXED); }

}  // namespace sonde::kernel
