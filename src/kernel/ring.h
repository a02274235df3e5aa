// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "kernel/fd.h"

struct bpf_map;
struct run_state;

namespace sonde::kernel {

/// Reads a BPF ring buffer (layout: kernel/bpf/ringbuf.c, two pages of positions before the data). The kernel offers
/// the data twice in a row, so that no record looks broken. All pages that are mapped count as the reader's memory,
/// looked at or not: so only a window is, which moves with the reader. The reader tells the programs through
/// `run_state` when it sleeps; see bpf/lib/ring.bpf.h for the other half.
class Ring {
 public:
  /// `map` and `state` outlive the ring. Throws Error.
  Ring(bpf_map* map, run_state& state);
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring();

  /// One record: its bytes, 8-byte aligned, good until the callback returns. False ends the drain after it.
  using Callback = std::function<bool(const std::byte* record, std::size_t size)>;

  /// Hands over what is there, at most `limit` records, so that a flood cannot keep the caller from its deadline.
  /// Returns how many. Whatever the callback throws leaves the ring consistent.
  std::size_t drain(const Callback& callback, std::size_t limit);

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const;
  /// A record is reserved but not yet written: a program is still at it.
  [[nodiscard]] bool pending();

  /// Readable, edge-triggered, when a program woke the reader.
  [[nodiscard]] int fd() const;

  /// To be called right before blocking: true if it is safe to block, since the next record will wake us.
  bool fall_asleep();
  void wake_up();

 private:
  [[nodiscard]] const std::byte* bytes_at(std::uint64_t position, std::size_t length);
  [[nodiscard]] std::uint32_t header_at(std::uint64_t position);
  void prefetch(std::uint64_t position) const;
  void move_window(std::uint64_t position, std::size_t length);

  run_state& state_;
  int fd_;
  std::size_t size_;
  std::atomic<std::uint64_t>* consumer_ = nullptr;        // written by us
  const std::atomic<std::uint64_t>* producer_ = nullptr;  // written by the kernel
  std::size_t page_;
  std::byte* window_ = nullptr;  // room for the largest
  std::uint64_t begin_ = 0;      // position of its first byte
  std::size_t length_ = 0;
};

}  // namespace sonde::kernel
