// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/output.h"
#include "core/protobuf.h"

namespace sonde {

/// Writes a trace for Perfetto: a sequence of TracePackets, each whole, so that a file that ends early can be read up
/// to there. All times are ns, CLOCK_BOOTTIME. Names of messages and numbers of fields are those of
/// protos/perfetto/trace.
class Perfetto {
 public:
  /// `out` outlives this. Packets may reach it at any time, and all have after flush().
  explicit Perfetto(Output& out) : out_(out) {}

  /// Once, first: what the clocks show at one moment, and what uname(2) says.
  void machine(std::uint64_t boot, std::uint64_t monotonic, std::uint64_t wall, std::string_view release,
               std::string_view hardware);

  /// ProcessTree, gathered until flush(): whose thread it is, and what a process is called.
  void thread(std::uint32_t tid, std::uint32_t pid);
  void process(std::uint32_t pid, std::string_view name);

  /// GenericKernelTaskStateEvent: what a thread does from then on, by a letter of ps; nothing where there is none for
  /// it.
  void state(std::uint64_t time, std::uint32_t tid, std::string_view name, char letter);

  /// TrackDescriptor and TrackEvent: slices and marks on a track of our own.
  void track(std::uint64_t track, std::string_view name);
  void begin_slice(std::uint64_t track, std::uint64_t time, std::string_view name) { event(track, time, 1, name); }
  void end_slice(std::uint64_t track, std::uint64_t time) { event(track, time, 2, {}); }
  void mark(std::uint64_t track, std::uint64_t time, std::string_view name) { event(track, time, 3, name); }

  /// The name of a thread, which is put into each packet only once.
  struct Name {
    std::string text{};
    std::uint64_t packet = 0;
    std::uint32_t index = 0;
  };
  /// FtraceEventBundle, gathered for each CPU: its switches, in order, of which Perfetto takes the first for nothing
  /// but who came; and the wakeups on it. `state` is of who left, see traced_state().
  void switched(std::uint32_t cpu, std::uint64_t time, std::uint32_t state, std::uint32_t tid, Name& name,
                std::int64_t priority);
  void woken(std::uint32_t cpu, std::uint64_t time, std::uint32_t by, std::uint32_t tid, std::int64_t priority);
  /// Something of that CPU is missing.
  void lossy(std::uint32_t cpu) { cpu_at(cpu).lossy = true; }

  /// As the tracepoint sched_switch tells states since Linux 4.14, from what ps writes for them: "S", "R+". Not known
  /// where there is none such.
  [[nodiscard]] static std::uint32_t traced_state(std::string_view state);
  static constexpr std::uint32_t gone = 0x10, not_known = 0x200;

  /// All that was gathered goes into packets, and these to the operating system. `time` is that of what came last.
  void flush(std::uint64_t time);

 private:
  // What goes into the next packet of a CPU.
  struct Cpu {
    bool lossy = false;
    std::uint64_t written = 0;  // the time of the last switch
    std::uint64_t packet = 0;   // its number
    std::uint32_t names = 0, events = 0;
    ProtoMessage name_table, wakeups;
    std::string times, states, tids, priorities, indices;
  };

  Cpu& cpu_at(std::uint32_t number) {
    if (cpus_.size() <= number) cpus_.resize(number + 1);
    return cpus_[number];
  }
  void event(std::uint64_t track, std::uint64_t time, unsigned type, std::string_view name);
  void count(std::uint32_t number, Cpu& cpu);
  void put_bundle(std::uint32_t number, Cpu& cpu);
  void put(const ProtoMessage& packet);

  Output& out_;
  ProtoMessage tree_;
  std::vector<Cpu> cpus_;
  std::uint64_t bundles_ = 0;
};

}  // namespace sonde
