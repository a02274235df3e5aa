// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/perfetto.h"

namespace sonde {
namespace {

constexpr std::uint32_t longest_bundle = 4096;
// Of packets that belong together.
constexpr std::uint64_t own_sequence = 1, first_cpu_sequence = 2;

// Fields of TracePacket.
constexpr unsigned ftrace_events = 1, process_tree = 2, clock_snapshot = 6, timestamp = 8, sequence = 10,
                   track_event = 11, system_info = 45, track_descriptor = 60, task_state = 117;

// Of GenericKernelTaskStateEvent, which tells less states apart. 0: none.
unsigned generic_state(char letter) {
  switch (letter) {
    case 'R':
    case 'W':
      return 2;
    case 'S':
    case 'I':
    case 'P':
      return 4;
    case 'D':
      return 5;
    case 'T':
    case 't':
    case 'F':
      return 6;
    default:
      return 0;
  }
}

}  // namespace

std::uint32_t Perfetto::traced_state(std::string_view state) {
  if (state == "R+") return 0x100;
  switch (state.empty() ? '?' : state[0]) {
    case 'R':
    case 'W':  // it was woken already as it left
      return 0;
    case 'S':
      return 0x1;
    case 'D':
      return 0x2;
    case 'T':
    case 'F':
      return 0x4;
    case 't':
      return 0x8;
    case 'X':
      return gone;
    case 'P':
      return 0x40;
    case 'I':
      return 0x80;
    default:
      return not_known;
  }
}

void Perfetto::machine(std::uint64_t boot, std::uint64_t monotonic, std::uint64_t wall, std::string_view release,
                       std::string_view hardware) {
  ProtoMessage packet, clocks, system, names;
  const auto clock = [&](unsigned id, std::uint64_t time) {
    const auto entry = clocks.begin_short(1);
    clocks.natural(1, id);
    clocks.natural(2, time);
    clocks.end_short(entry);
  };
  clock(6, boot);
  clock(3, monotonic);
  clock(1, wall);
  packet.natural(timestamp, boot);
  packet.natural(sequence, own_sequence);
  packet.message(clock_snapshot, clocks);
  put(packet);

  // By the kernel's version Perfetto knows what the numbers of states mean.
  names.bytes(1, "Linux");
  names.bytes(3, release);
  names.bytes(4, hardware);
  system.message(1, names);
  packet.clear();
  packet.natural(sequence, own_sequence);
  packet.message(system_info, system);
  put(packet);
}

void Perfetto::thread(std::uint32_t tid, std::uint32_t pid) {
  const auto entry = tree_.begin_short(2);
  tree_.natural(1, tid);
  tree_.natural(3, pid);
  tree_.end_short(entry);
}

void Perfetto::process(std::uint32_t pid, std::string_view name) {
  const auto entry = tree_.begin_short(1);
  tree_.natural(1, pid);
  tree_.bytes(3, name);
  tree_.end_short(entry);
}

void Perfetto::state(std::uint64_t time, std::uint32_t tid, std::string_view name, char letter) {
  if (!generic_state(letter)) return;
  ProtoMessage packet;
  packet.natural(timestamp, time);
  const auto state = packet.begin_short(task_state);
  packet.bytes(2, name);
  packet.natural(3, tid);
  packet.natural(4, generic_state(letter));
  packet.end_short(state);
  put(packet);
}

void Perfetto::track(std::uint64_t track, std::string_view name) {
  ProtoMessage packet, descriptor;
  descriptor.natural(1, track);
  descriptor.bytes(2, name);
  packet.natural(sequence, own_sequence);
  packet.message(track_descriptor, descriptor);
  put(packet);
}

void Perfetto::event(std::uint64_t track, std::uint64_t time, unsigned type, std::string_view name) {
  ProtoMessage packet, event;
  event.natural(9, type);
  event.natural(11, track);
  if (!name.empty()) event.bytes(23, name);
  packet.natural(timestamp, time);
  packet.natural(sequence, own_sequence);
  packet.message(track_event, event);
  put(packet);
}

void Perfetto::switched(std::uint32_t number, std::uint64_t time, std::uint32_t state, std::uint32_t tid, Name& name,
                        std::int64_t priority) {
  Cpu& cpu = cpu_at(number);
  if (!cpu.packet) cpu.packet = ++bundles_;
  if (name.packet != cpu.packet) {
    name.packet = cpu.packet;
    name.index = cpu.names++;
    cpu.name_table.bytes(5, name.text.empty() ? "(name not known)" : std::string_view(name.text));
  }
  put_varint(cpu.times, time - cpu.written);
  cpu.written = time;
  put_varint(cpu.states, state);
  put_varint(cpu.tids, tid);
  put_varint(cpu.priorities, static_cast<std::uint64_t>(priority));
  put_varint(cpu.indices, name.index);
  count(number, cpu);
}

void Perfetto::woken(std::uint32_t number, std::uint64_t time, std::uint32_t by, std::uint32_t tid,
                     std::int64_t priority) {
  Cpu& cpu = cpu_at(number);
  const auto event = cpu.wakeups.begin_short(2);
  cpu.wakeups.natural(1, time);
  cpu.wakeups.natural(2, by);
  const auto waking = cpu.wakeups.begin_short(20);
  cpu.wakeups.natural(2, tid);
  cpu.wakeups.integer(3, priority);
  cpu.wakeups.end_short(waking);
  cpu.wakeups.end_short(event);
  count(number, cpu);
}

void Perfetto::count(std::uint32_t number, Cpu& cpu) {
  if (++cpu.events >= longest_bundle) put_bundle(number, cpu);
}

void Perfetto::put_bundle(std::uint32_t number, Cpu& cpu) {
  if (!cpu.events) return;
  ProtoMessage packet, bundle, compact;
  compact.append(cpu.name_table);
  compact.packed(1, cpu.times);
  compact.packed(2, cpu.states);
  compact.packed(3, cpu.tids);
  compact.packed(4, cpu.priorities);
  compact.packed(6, cpu.indices);
  bundle.natural(1, number);
  if (cpu.lossy) bundle.natural(3, 1);
  if (!compact.empty()) bundle.message(4, compact);
  bundle.append(cpu.wakeups);
  packet.message(ftrace_events, bundle);
  packet.natural(sequence, first_cpu_sequence + number);
  put(packet);
  for (auto* field : {&cpu.times, &cpu.states, &cpu.tids, &cpu.priorities, &cpu.indices}) field->clear();
  cpu.name_table.clear();
  cpu.wakeups.clear();
  cpu.names = cpu.events = 0;
  cpu.packet = cpu.written = 0;
}

void Perfetto::put(const ProtoMessage& packet) {
  std::string head;
  put_varint(head, 1 << 3 | 2);
  put_varint(head, packet.view().size());
  out_.put(head);
  out_.put(packet.view());
}

void Perfetto::flush(std::uint64_t time) {
  if (!tree_.empty()) {
    ProtoMessage packet;
    packet.natural(timestamp, time);
    packet.natural(sequence, own_sequence);
    packet.message(process_tree, tree_);
    put(packet);
    tree_.clear();
  }
  for (std::uint32_t cpu = 0; cpu < cpus_.size(); ++cpu) put_bundle(cpu, cpus_[cpu]);
  out_.flush();
}

}  // namespace sonde
