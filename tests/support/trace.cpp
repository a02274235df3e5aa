// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/trace.h"

#include <algorithm>

namespace sonde::test {
namespace {

bool take_varint(std::string_view& bytes, std::uint64_t& v) {
  v = 0;
  for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    v |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (!(byte & 0x80)) return true;
  }
  return false;
}

std::string traced_state(std::uint64_t state) {
  switch (state) {
    case 0:
      return "R";
    case 0x100:
      return "R+";
    case 0x1:
      return "S";
    case 0x2:
      return "D";
    case 0x4:
      return "T";
    case 0x8:
      return "t";
    case 0x10:
      return "X";
    case 0x40:
      return "P";
    case 0x80:
      return "I";
    default:
      return "?";
  }
}

bool blocked(const std::string& state) { return state != "R" && state != "Running"; }

}  // namespace

Fields::Fields(std::string_view message) {
  while (!message.empty()) {
    Field field;
    std::uint64_t tag = 0, length = 0;
    whole = take_varint(message, tag);
    field.number = static_cast<unsigned>(tag >> 3);
    if (whole && (tag & 7) == 0) {
      whole = take_varint(message, field.natural);
    } else if (whole && (tag & 7) == 2) {
      whole = take_varint(message, length) && length <= message.size();
      if (whole) {
        field.bytes = message.substr(0, length);
        message.remove_prefix(length);
      }
    } else {
      whole = false;
    }
    if (!whole) return;
    all.push_back(field);
  }
}

std::vector<std::string_view> Fields::each(unsigned number) const {
  std::vector<std::string_view> found;
  for (const auto& field : all)
    if (field.number == number) found.push_back(field.bytes);
  return found;
}

std::string_view Fields::bytes(unsigned number) const {
  const auto found = each(number);
  return found.empty() ? std::string_view() : found.front();
}

std::uint64_t Fields::natural(unsigned number) const {
  for (const auto& field : all)
    if (field.number == number) return field.natural;
  return 0;
}

bool Fields::has(unsigned number) const {
  return std::any_of(all.begin(), all.end(), [&](const Field& field) { return field.number == number; });
}

std::vector<std::uint64_t> numbers(std::string_view packed) {
  std::vector<std::uint64_t> all;
  for (std::uint64_t v = 0; !packed.empty() && take_varint(packed, v);) all.push_back(v);
  return all;
}

std::int64_t Trace::Thread::spent(std::string_view state) const {
  std::int64_t sum = 0;
  for (const auto& one : states)
    if (one.state == state) sum += one.end - one.begin;
  return sum;
}

std::int64_t Trace::Thread::spent() const {
  std::int64_t sum = 0;
  for (const auto& one : states) sum += one.end - one.begin;
  return sum;
}

long long Trace::Thread::count(std::string_view state) const {
  return std::count_if(states.begin(), states.end(), [&](const State& one) { return one.state == state; });
}

struct Trace::Event {
  enum Kind { switched, woken, stated, began, ended } kind = switched;
  std::int64_t time = 0;
  unsigned cpu = 0;
  std::string state;
  long long tid = 0, by = 0;
  std::uint64_t track = 0;
  std::string name;
};

Trace::Trace(const std::string& bytes) {
  const Fields trace(bytes);
  whole = trace.whole;
  std::vector<Event> events;
  for (const auto& packet : trace.each(1)) {
    ++packets;
    take_packet(packet, events);
  }
  std::stable_sort(events.begin(), events.end(), [](const Event& a, const Event& b) { return a.time < b.time; });
  for (const auto& event : events) apply(event);
  end_all();
  look_for_trouble();
}

void Trace::take_packet(std::string_view packet, std::vector<Event>& events) {
  const Fields fields(packet);
  if (!fields.whole) trouble.emplace_back("a packet is broken");
  const auto time = static_cast<std::int64_t>(fields.natural(8));
  if (fields.has(1)) take_bundle(fields.bytes(1), events);
  if (fields.has(2)) take_tree(fields.bytes(2));
  if (fields.has(45)) release = Fields(Fields(fields.bytes(45)).bytes(1)).bytes(3);
  if (fields.has(60)) {
    const Fields track(fields.bytes(60));
    track_names_[track.natural(1)] = track.bytes(2);
  }
  if (fields.has(11)) {
    const Fields event(fields.bytes(11));
    if (event.natural(9) > 2) return;
    events.push_back({event.natural(9) == 1 ? Event::began : Event::ended,
                      time,
                      0,
                      {},
                      0,
                      0,
                      event.natural(11),
                      std::string(event.bytes(23))});
  }
  if (fields.has(117)) {
    static constexpr const char* states[] = {"?", "?", "R", "Running", "S", "D", "T", "Z", "X"};
    const Fields event(fields.bytes(117));
    events.push_back({Event::stated, time, 0, states[event.natural(4) % 9], static_cast<long long>(event.natural(3)), 0,
                      0, std::string(event.bytes(2))});
  }
}

void Trace::take_bundle(std::string_view bytes, std::vector<Event>& events) {
  const Fields bundle(bytes);
  const auto cpu = static_cast<unsigned>(bundle.natural(1));
  const Fields compact(bundle.bytes(4));
  const auto names = compact.each(5);
  const auto times = numbers(compact.bytes(1)), states = numbers(compact.bytes(2)), tids = numbers(compact.bytes(3)),
             priorities = numbers(compact.bytes(4)), indices = numbers(compact.bytes(6));
  for (const auto* column : {&states, &tids, &priorities, &indices})
    if (column->size() != times.size()) return trouble.emplace_back("columns of switches differ"), void();
  std::uint64_t time = 0;
  for (std::size_t i = 0; i < times.size(); ++i) {
    time += times[i];
    if (indices[i] >= names.size()) return trouble.emplace_back("a name is missing"), void();
    events.push_back({Event::switched, static_cast<std::int64_t>(time), cpu, traced_state(states[i]),
                      static_cast<long long>(tids[i]), 0, 0, std::string(names[indices[i]])});
  }
  for (const auto& one : bundle.each(2)) {
    const Fields event(one), waking(event.bytes(20));
    events.push_back({Event::woken,
                      static_cast<std::int64_t>(event.natural(1)),
                      cpu,
                      {},
                      static_cast<long long>(waking.natural(2)),
                      static_cast<long long>(event.natural(2)),
                      0,
                      {}});
  }
}

void Trace::take_tree(std::string_view bytes) {
  const Fields tree(bytes);
  for (const auto& one : tree.each(1)) {
    const Fields process(one);
    processes[static_cast<long long>(process.natural(1))] = process.bytes(3);
  }
  for (const auto& one : tree.each(2)) {
    const Fields thread(one);
    threads[static_cast<long long>(thread.natural(1))].pid = static_cast<long long>(thread.natural(3));
  }
}

void Trace::change(long long tid, const State& state) {
  if (tid == 0) return;
  auto& states = threads[tid].states;
  if (!states.empty()) states.back().end = state.begin;
  states.push_back(state);
}

void Trace::apply(const Event& event) {
  if (event.kind == Event::switched) {
    const auto last = running_.find(event.cpu);
    const bool first = last == running_.end();
    const auto by = first ? -1 : last->second;
    running_[event.cpu] = event.tid;
    if (event.tid) threads[event.tid].name = event.name;
    if (first) return;
    auto& slices = cpus[event.cpu];
    if (!slices.empty()) {
      slices.back().end = event.time;
      if (slices.back().tid != by) trouble.emplace_back("who leaves is not who came");
    }
    slices.push_back({event.time, -1, event.tid, {}});
    change(by, {event.time, -1, event.state, -1, -1});
    change(event.tid, {event.time, -1, "Running", static_cast<int>(event.cpu), -1});
  } else if (event.kind == Event::woken) {
    const auto& states = threads[event.tid].states;
    if (states.empty() || blocked(states.back().state)) change(event.tid, {event.time, -1, "R", -1, event.by});
  } else if (event.kind == Event::stated) {
    threads[event.tid].name = event.name;
    change(event.tid, {event.time, -1, event.state, -1, -1});
  } else {
    auto& slices = tracks[track_names_[event.track]];
    if (event.kind == Event::began) {
      slices.push_back({event.time, -1, 0, event.name});
    } else if (slices.empty() || slices.back().end >= 0) {
      trouble.emplace_back("the end of a slice that did not begin");
    } else {
      slices.back().end = event.time;
    }
  }
}

// What goes on when the trace ends goes on to its end.
void Trace::end_all() {
  std::int64_t end = 0;
  for (const auto& [name, slices] : tracks)
    for (const auto& slice : slices) end = std::max({end, slice.begin, slice.end});
  for (auto& [cpu, slices] : cpus)
    for (auto& slice : slices) {
      end = std::max(end, slice.begin);
      if (slice.end < 0) slice.end = end;
    }
  for (auto& [tid, thread] : threads)
    for (auto& state : thread.states)
      if (state.end < 0) state.end = end;
  for (auto& [name, slices] : tracks)
    for (auto& slice : slices) {
      if (slice.end < 0 && whole) trouble.push_back("no end of " + slice.name);
      if (slice.end < 0) slice.end = end;
      if (slice.name == "window") window = slice;
    }
}

void Trace::look_for_trouble() {
  std::map<long long, std::vector<Slice>> of;
  for (const auto& [cpu, slices] : cpus)
    for (std::size_t i = 0; i < slices.size(); ++i) {
      if (slices[i].end < slices[i].begin) trouble.emplace_back("a slice ends before it begins");
      if (i && slices[i].begin != slices[i - 1].end) trouble.emplace_back("a gap between slices");
      if (slices[i].tid) of[slices[i].tid].push_back(slices[i]);
    }
  for (auto& [tid, slices] : of) {
    std::sort(slices.begin(), slices.end(), [](const Slice& a, const Slice& b) { return a.begin < b.begin; });
    for (std::size_t i = 1; i < slices.size(); ++i)
      if (slices[i].begin < slices[i - 1].end)
        trouble.push_back("thread " + std::to_string(tid) + " is on two CPUs at once");
  }
  for (const auto& [tid, thread] : threads)
    for (std::size_t i = 0; i < thread.states.size(); ++i) {
      const auto& state = thread.states[i];
      if (state.end < state.begin) trouble.emplace_back("a state ends before it begins");
      if (i && state.begin != thread.states[i - 1].end) trouble.emplace_back("a gap between states");
    }
}

}  // namespace sonde::test
