// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/tool.h"
#include "core/clock.h"
#include "kernel/cgroup.h"
#include "kernel/object.h"
#include "kernel/processes.h"
#include "lib/abi.h"

namespace sonde {

class TracingRun;

/// What a tool itself has to say of a run at its end.
struct Remarks {
  std::vector<std::string> notes;  ///< sentences
  bool incomplete = false;         ///< something was not watched that should have been: --strict
};

/// The parts of the BPF library in a skeleton; null where a tool's programs do not include them.
struct LibraryParts {
  filter_conf* filter = nullptr;
  lib_conf* lib = nullptr;
  run_state* run = nullptr;
  bpf_map* events = nullptr;
  bpf_map* filter_ids = nullptr;
  bpf_map* followed = nullptr;
  bpf_map* calls = nullptr;
  bpf_map* calls_by_tid = nullptr;
  bpf_program* follow_fork = nullptr;
  bpf_program* follow_exit = nullptr;
  bpf_program* follow_seed = nullptr;
  bpf_program* calls_exit = nullptr;
  bpf_program* exec32 = nullptr;
  const std::uint64_t* follow_added = nullptr;
  bpf_map* rows = nullptr;  ///< of counts, with what belongs to them
  bpf_map* buckets = nullptr;
  bpf_map* lanes = nullptr;
  bpf_map* places = nullptr;
  bpf_map* chunks = nullptr;
  const std::uint32_t* count_users = nullptr;
  std::uint32_t* count_chunks = nullptr;
  const std::uint32_t* chunks_taken = nullptr;
  std::uint32_t* uses_buckets = nullptr;
  stack_conf* stacks = nullptr;  ///< of records that can have stacks behind them
  bpf_map* stacked = nullptr;
  orc_tables* orc = nullptr;  ///< of programs that walk up the kernel's stacks by themselves
  bpf_map* walkers = nullptr;
  bpf_map* stack_copies = nullptr;  ///< of a tool whose programs can have their stacks unwound by us
  bpf_map* unwound_programs = nullptr;
  bpf_map* held_copies = nullptr;     ///< where copies are kept for threads that are away
  bpf_map* samples = nullptr;         ///< how many each CPU was sampled for, asked for or not
  bpf_program* read_tasks = nullptr;  ///< accounts of tasks, with what belongs to them
  bpf_map* threads = nullptr;
  bpf_map* cpus = nullptr;
  std::uint64_t* opened = nullptr;    ///< when the window opened, ns monotonic; 0: not yet
  std::uint64_t* boundary = nullptr;  ///< when the last interval ended
  const std::uint64_t* unlisted = nullptr;
  bpf_map* absences = nullptr;               ///< threads that are off their CPUs, with what belongs to them
  std::uint64_t* window_began = nullptr;     ///< ns monotonic; 0: not yet
  std::uint64_t* interval_began = nullptr;   ///< the one that goes on
  std::uint64_t* interval_before = nullptr;  ///< the one before it
  linear_conf* linear = nullptr;
  bpf_map* beside = nullptr;             ///< what the tool has beside each row
  bpf_program* still_running = nullptr;  ///< an iterator that tells what has begun and not ended
  bpf_program* already_there = nullptr;  ///< one that writes records of what is when the window opens
};

/// What all tools that load BPF programs have in common, whatever they make of it, as far as it does not depend on
/// their types.
class Tracing : public Tool {
 public:
  explicit Tracing(ToolInfo info);
  ~Tracing() override;

  [[nodiscard]] const ToolInfo& info() const final { return info_; }
  std::optional<kernel::Prospect> prospect(const kernel::Finding& tracepoints) final;
  Exit run(const CommonOptions& options) final;

 protected:
  /// True if the column is among those that this run shows: what nobody looks at need not be measured.
  [[nodiscard]] bool shown(std::string_view key) const;
  [[nodiscard]] bool any_shown(std::initializer_list<std::string_view> keys) const;
  /// The bits of those columns that are.
  using Wants = std::initializer_list<std::pair<std::string_view, unsigned>>;
  [[nodiscard]] unsigned wanted(Wants columns) const;
  [[nodiscard]] const CommonOptions& common() const { return *common_; }  // all defaults before run()
  /// Entries of a map that has one for each thread: --max-entries, else twice as many as there are now, that many may
  /// come, and 16,384 at least.
  [[nodiscard]] std::uint32_t room_for_threads() const;
  [[nodiscard]] const WallTime& wall_time() const { return wall_time_; }
  [[nodiscard]] const kernel::Users& users() const { return users_; }
  [[nodiscard]] kernel::Cgroups& cgroups() { return cgroups_; }

 private:
  friend class TracingRun;
  virtual kernel::Object::Open opener() const = 0;
  virtual LibraryParts parts(void* skeleton) = 0;
  virtual void configure_skeleton(void* skeleton) = 0;
  virtual kernel::Ladder ladder(void* skeleton) = 0;
  virtual Remarks remarks_on(const void* skeleton, const kernel::Rung& rung) const = 0;
  /// A last look at the options before anything is opened. Throws Error.
  virtual void prepare() {}
  /// The run is over; what it comes to is about to be shown. Returns sentences that come before. Throws Error.
  virtual std::vector<std::string> ended(const Summary& /*summary*/) { return {}; }
  /// What is to be attached since the run began: asked for after each look at what has come.
  virtual std::vector<kernel::Attachment> found_meanwhile() { return {}; }
  virtual std::unique_ptr<TracingRun> make_run(const CommonOptions& options) = 0;

  ToolInfo info_;
  CommonOptions defaults_;
  const CommonOptions* common_ = &defaults_;
  std::vector<std::size_t> chosen_;
  SystemClock clock_;
  WallTime wall_time_{clock_};
  kernel::Users users_;
  kernel::Cgroups cgroups_;
};

/// The half of a tool that depends on its generated skeleton S: what Tracing asks of any skeleton. Base is what the
/// tool makes of its programs: StreamBase, SnapshotBase.
template <class S, class Base>
class Probed : public Base {
 public:
  using Base::Base;

  [[nodiscard]] std::vector<Backend> backends() const final {
    S nothing{};
    std::vector<Backend> all;
    for (const auto& rung : const_cast<Probed*>(this)->probes(nothing).rungs)
      all.push_back({rung.name, rung.on_request});
    return all;
  }

 protected:
  /// Fills the tool's own rodata.
  virtual void configure(S& skeleton) = 0;
  /// The ways to the events. Also called, for their names, with a skeleton whose programs are null.
  virtual kernel::Ladder probes(S& skeleton) = 0;
  /// What there is to say at the end of a run by that rung, when all is shown.
  [[nodiscard]] virtual Remarks remarks(const S& /*skeleton*/, const kernel::Rung& /*rung*/) const { return {}; }

 private:
  kernel::Object::Open opener() const final { return &kernel::open_skeleton<S>; }
  void configure_skeleton(void* skeleton) final { configure(*static_cast<S*>(skeleton)); }
  kernel::Ladder ladder(void* skeleton) final { return probes(*static_cast<S*>(skeleton)); }
  Remarks remarks_on(const void* skeleton, const kernel::Rung& rung) const final {
    return remarks(*static_cast<const S*>(skeleton), rung);
  }

  LibraryParts parts(void* skeleton) final {
    auto& s = *static_cast<S*>(skeleton);
    LibraryParts parts;
    parts.filter = &s.rodata->filter;
    parts.lib = &s.rodata->lib;
    parts.run = &s.bss->run;
    parts.filter_ids = s.maps.filter_ids;
    parts.followed = s.maps.followed;
    parts.follow_fork = s.progs.follow_fork;
    if constexpr (requires { s.progs.follow_exit; }) parts.follow_exit = s.progs.follow_exit;
    parts.follow_seed = s.progs.follow_seed;
    parts.follow_added = reinterpret_cast<const std::uint64_t*>(&s.bss->follow_added);
    if constexpr (requires { s.maps.events; }) parts.events = s.maps.events;
    if constexpr (requires { s.maps.calls; }) {
      parts.calls = s.maps.calls;
      parts.calls_by_tid = s.maps.calls_by_tid;
    }
    if constexpr (requires { s.progs.calls_exit; }) parts.calls_exit = s.progs.calls_exit;
    if constexpr (requires { s.progs.still_running; }) parts.still_running = s.progs.still_running;
    if constexpr (requires { s.progs.already_there; }) parts.already_there = s.progs.already_there;
    if constexpr (requires { s.progs.exec32; }) parts.exec32 = s.progs.exec32;
    if constexpr (requires { s.maps.rows; }) counts(s, parts);
    if constexpr (requires { s.rodata->stacks; }) {
      parts.stacks = &s.rodata->stacks;
      parts.stacked = s.maps.stacked;
    }
    if constexpr (requires { s.bss->orc; }) {
      parts.orc = &s.bss->orc;
      parts.walkers = s.maps.walkers;
    }
    if constexpr (requires { s.maps.stack_copies; }) {
      parts.stack_copies = s.maps.stack_copies;
      parts.unwound_programs = s.maps.unwound_programs;
    }
    if constexpr (requires { s.maps.held_copies; }) parts.held_copies = s.maps.held_copies;
    if constexpr (requires { s.maps.samples; }) parts.samples = s.maps.samples;
    if constexpr (requires {
                    s.maps.absences;
                    s.bss->interval_began;
                  }) {
      parts.absences = s.maps.absences;
      parts.window_began = reinterpret_cast<std::uint64_t*>(&s.bss->window_began);
      parts.interval_began = reinterpret_cast<std::uint64_t*>(&s.bss->interval_began);
      parts.interval_before = reinterpret_cast<std::uint64_t*>(&s.bss->interval_before);
    }
    if constexpr (requires { s.bss->boundary; }) {
      parts.read_tasks = s.progs.read_tasks;
      parts.unlisted = reinterpret_cast<const std::uint64_t*>(&s.bss->unlisted);
      parts.threads = s.maps.threads;
      parts.cpus = s.maps.cpus;
      parts.opened = reinterpret_cast<std::uint64_t*>(&s.bss->opened);
      parts.boundary = reinterpret_cast<std::uint64_t*>(&s.bss->boundary);
    }
    return parts;
  }

  static void counts(S& s, LibraryParts& parts) {
    parts.rows = s.maps.rows;
    parts.lanes = s.maps.lanes;
    parts.places = s.maps.places;
    parts.chunks = s.maps.chunks;
    parts.count_users = &s.rodata->count_users;
    parts.count_chunks = &s.rodata->count_chunks;
    parts.chunks_taken = &s.bss->chunks_taken;
    if constexpr (requires { s.maps.buckets; }) {
      parts.buckets = s.maps.buckets;
      parts.uses_buckets = &s.rodata->uses_buckets;
      parts.linear = reinterpret_cast<linear_conf*>(&s.rodata->linear);
    }
    if constexpr (requires { s.maps.beside; }) parts.beside = s.maps.beside;
  }
};

}  // namespace sonde
