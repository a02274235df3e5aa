// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/ring.h"

#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/error.h"
#include "lib/abi.h"

namespace sonde::kernel {
namespace {

// The kernel looks at the consumer's position for each record: moving it rarely keeps its cache line shared.
constexpr std::uint64_t release_every = 64 * 1024;

// Moving costs about 10 us: a few ns a record.
constexpr std::size_t usual_window = 256 * 1024;

void* map_pages(void* where, std::size_t size, int protection, int flags, int fd, std::uint64_t offset) {
  void* at = mmap(where, size, protection, flags, fd, static_cast<off_t>(offset));
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
  consumer_ =
      static_cast<std::atomic<std::uint64_t>*>(map_pages(nullptr, page_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0));
  producer_ =
      static_cast<const std::atomic<std::uint64_t>*>(map_pages(nullptr, page_, PROT_READ, MAP_SHARED, fd_, page_));
  window_ = static_cast<std::byte*>(
      map_pages(nullptr, size_ + page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
}

Ring::~Ring() {
  munmap(consumer_, page_);
  munmap(const_cast<std::atomic<std::uint64_t>*>(producer_), page_);
  munmap(window_, size_ + page_);
}

// Of a record the header is asked for first, and where it is whole in the window, the rest is too.
const std::byte* Ring::bytes_at(std::uint64_t position, std::size_t length) {
  if (position < begin_ || position + length > begin_ + length_) move_window(position, length);
  return window_ + (position - begin_);
}

// A record begins anywhere in its first page, and is no longer than the ring.
void Ring::move_window(std::uint64_t position, std::size_t length) {
  const std::size_t wanted = (std::max(length, std::min(size_, usual_window)) + page_ - 1) / page_ * page_ + page_;
  begin_ = position / page_ * page_;
  length_ = std::min(wanted, size_ + page_);
  map_pages(window_, length_, PROT_READ, MAP_SHARED | MAP_FIXED, fd_, 2 * page_ + (begin_ & (size_ - 1)));
}

std::uint32_t Ring::header_at(std::uint64_t position) {
  return __atomic_load_n(reinterpret_cast<const std::uint32_t*>(bytes_at(position, BPF_RINGBUF_HDR_SZ)),
                         __ATOMIC_ACQUIRE);
}

// Another CPU wrote it: without this, fetching the lines takes longer than all that is done with them. Records are much
// of a size, so the one after the next begins about there.
void Ring::prefetch(std::uint64_t position) const {
  constexpr std::uint64_t line = 64;
  for (std::uint64_t i = 0; i < 2; ++i) __builtin_prefetch(window_ + (position - begin_) + i * line);
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
      more = callback(bytes_at(position, BPF_RINGBUF_HDR_SZ + length) + BPF_RINGBUF_HDR_SZ, length);
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

bool Ring::pending() {
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
