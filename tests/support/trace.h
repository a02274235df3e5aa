// SPDX-License-Identifier: GPL-2.0-or-later
// Traces for Perfetto, read back.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sonde::test {

/// A message in the wire format of Protocol Buffers, taken apart.
struct Fields {
  struct Field {
    unsigned number = 0;
    std::uint64_t natural = 0;
    std::string_view bytes;
  };
  std::vector<Field> all;
  bool whole = true;  ///< false if it ends within a field

  explicit Fields(std::string_view message);
  [[nodiscard]] std::vector<std::string_view> each(unsigned number) const;
  [[nodiscard]] std::string_view bytes(unsigned number) const;
  [[nodiscard]] std::uint64_t natural(unsigned number) const;
  [[nodiscard]] bool has(unsigned number) const;
};
/// Packed numbers.
std::vector<std::uint64_t> numbers(std::string_view packed);

/// What a trace of switches comes to, by the rules of Perfetto's trace processor. Times in ns.
struct Trace {
  struct Slice {
    std::int64_t begin = 0, end = 0;
    long long tid = 0;  // on the track of a CPU
    std::string name;   // on one of another kind
  };
  struct State {
    std::int64_t begin = 0, end = 0;
    std::string state;     // "Running", "R", "R+", "S", ...; "?": not known
    int cpu = -1;          // where it runs
    long long waker = -1;  // of "R"
  };
  struct Thread {
    std::string name;
    long long pid = -1;
    std::vector<State> states;

    [[nodiscard]] std::int64_t spent(std::string_view state) const;
    [[nodiscard]] std::int64_t spent() const;
    [[nodiscard]] long long count(std::string_view state) const;
  };

  std::map<unsigned, std::vector<Slice>> cpus;
  std::map<long long, Thread> threads;
  std::map<long long, std::string> processes;
  std::map<std::string, std::vector<Slice>> tracks;
  Slice window;
  std::string release;
  std::vector<std::string> trouble;  ///< what a trace must not have
  std::size_t packets = 0;
  bool whole = true;

  explicit Trace(const std::string& bytes);

  /// Of a thread, "" of none.
  [[nodiscard]] std::string name_of(long long tid) const {
    const auto found = threads.find(tid);
    return found == threads.end() ? "" : found->second.name;
  }

 private:
  struct Event;
  void take_packet(std::string_view packet, std::vector<Event>& events);
  void take_bundle(std::string_view bundle, std::vector<Event>& events);
  void take_tree(std::string_view tree);
  void apply(const Event& event);
  void change(long long tid, const State& state);
  void end_all();
  void look_for_trouble();

  std::map<unsigned, long long> running_;
  std::map<std::uint64_t, std::string> track_names_;
};

}  // namespace sonde::test
