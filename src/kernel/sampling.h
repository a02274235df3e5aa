// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kernel/fd.h"
#include "kernel/ladder.h"

struct bpf_link;

namespace sonde::kernel {

/// The CPUs that are online. Throws Error if the kernel does not tell.
std::vector<unsigned> online_cpus();

/// One program on all CPUs that are online, run so many times a second by a perf event on each (Hook::sampling).
class Sampler {
 public:
  /// Why no such event can be had here: a phrase; empty if one can. Costs microseconds.
  static std::string trouble(const Sampling& sampling);

  /// Throws nothing: see attach().
  explicit Sampler(const Attachment& attachment) : program_(attachment.program), sampling_(attachment.sampling) {}
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;
  ~Sampler();

  /// Begins on all CPUs: 0, or an errno.
  int attach();
  /// Begins on CPUs that have come online and lets those go that are not any more: now and then.
  void follow();
  /// How many samples there should have been by `time`, ns monotonic; it only grows.
  [[nodiscard]] std::uint64_t due(std::uint64_t time) const;
  /// So many samples long until now the CPUs ran something, and the hypervisor let others run; 0 where the kernel does
  /// not tell.
  struct Times {
    std::uint64_t busy = 0, stolen = 0;
  };
  [[nodiscard]] Times times() const;
  [[nodiscard]] const Sampling& sampling() const { return sampling_; }
  [[nodiscard]] std::size_t cpus() const { return events_.size(); }

 private:
  struct Event {
    Fd fd;  // the link has one of its own
    bpf_link* link = nullptr;
    std::uint64_t began = 0;  // ns monotonic
  };
  int attach(unsigned cpu);
  void end(Event& event);

  bpf_program* program_;
  Sampling sampling_;
  std::map<unsigned, Event> events_;
  std::uint64_t ended_ns_ = 0;  // of events whose CPU is gone: how long they were on it, in all
};

}  // namespace sonde::kernel
