// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/mappings.h"
#include "core/stack.h"
#include "core/unwind_row.h"
#include "kernel/mapping_recorder.h"
#include "kernel/symbol_process.h"

namespace sonde::kernel {

/// Names of the frames of programs: the mappings are written down here, the files are read by a SymbolProcess.
class UserStacks {
 public:
  /// See SymbolProcess.
  explicit UserStacks(std::function<void(int pid)> began) : process_(std::move(began)) {}

  /// Begins to write down what is mapped, and asks what already is: of these processes, or if there are none of all.
  void start(std::span<const std::uint32_t> pids);
  /// See SymbolProcess.
  void meanwhile(std::function<void()> todo) { process_.meanwhile(std::move(todo)); }
  /// What was mapped until `time`: now and then, and before name().
  void catch_up(std::uint64_t time);
  [[nodiscard]] std::vector<int> fds() const;
  /// See Symbolizer.
  void name(const UserChain& chain, std::vector<Frame>& frames);
  [[nodiscard]] UserChain unwind(const CopiedStack& copied);
  void forget_old();
  [[nodiscard]] std::vector<std::string> notes() const;
  [[nodiscard]] const SymbolProcess& process() const { return process_; }

 private:
  struct Module {
    std::uint32_t number = 0;
    std::uint32_t missing_for = 0;  // the process that had it not
    bool given_up = false;          // the process that looked into it did not come back
    std::int64_t changed = 0;       // the names that are kept are of the file as it is since then,
    std::uint64_t verified = 0;     // for mappings since then up to here, or since exactly `asked`
    std::uint64_t asked = 0;

    [[nodiscard]] bool knows(const Mapping& mapping) const {
      const auto since = static_cast<std::int64_t>(mapping.since);
      return mapping.since == asked || (since >= changed && mapping.since <= verified);
    }
    std::string path;
  };
  struct Name {
    std::string_view text;
    std::uint64_t offset = 0;
    bool has_frame = true, starts = false;
  };
  struct Place {
    std::uint32_t module;
    std::uint64_t at;  // and the highest bit: a call returns there
    bool operator==(const Place&) const = default;
  };
  struct HashOfPlace {
    std::size_t operator()(const Place& place) const noexcept {
      return std::hash<std::uint64_t>()(place.at * 0x9e3779b97f4a7c15 ^ place.module);
    }
  };
  struct Looked {  // for one frame
    const Mapping* mapping = nullptr;
    Module* module = nullptr;
    WantedName wanted;
    Name name;
    bool done = false;
  };

  void take_mappings(std::uint32_t pid, std::uint64_t time);
  bool take_mappings_again(std::uint32_t pid, std::uint64_t time);
  void find_mappings(const UserChain& chain);
  void find_names(std::uint32_t pid);
  void ask(std::uint32_t pid, std::size_t first);
  bool remembered(Looked& frame) const;
  [[nodiscard]] bool lacks_map(std::uint32_t pid, const Mapping& mapping) const;
  [[nodiscard]] bool is_nameless(const Looked& frame) const;
  Module& module_of(const Mapping& mapping);
  Module& module_in_stack(const Mapping& mapping);
  void verify(Module& module, const Mapping& mapping, std::int64_t changed);
  const UnwindRow* row_at(std::uint32_t pid, std::uint64_t time, std::uint64_t address);
  const UnwindRow* known_row(const Mapping& mapping, const Module& module, std::uint64_t at) const;
  const UnwindRow* ask_for_row(std::uint32_t pid, const Mapping& mapping, Module& module, std::uint64_t at);
  std::string_view kept(const std::string& text) { return *texts_.insert(text).first; }
  void end_at_start();

  SymbolProcess process_;
  Mappings mappings_;
  std::unique_ptr<MappingRecorder> recorder_;
  std::unordered_map<std::string, Module> modules_;
  std::unordered_map<Place, Name, HashOfPlace> names_;
  // Where files have none, by module: from where to where. Of a file that was stripped that is most of it.
  std::unordered_map<std::uint32_t, std::map<std::uint64_t, std::uint64_t>> nameless_;
  std::unordered_set<std::string> texts_;
  std::unordered_map<std::uint32_t, std::uint64_t> asked_;        // when a process was last asked for its mappings
  std::unordered_map<std::uint32_t, std::uint64_t> without_map_;  // when a process was last seen to have none
  std::vector<std::pair<const Mapping*, Module*>> in_stack_;      // of the stack that is being looked at
  std::vector<Looked> looked_;
  std::unordered_map<std::uint32_t, std::map<std::uint64_t, UnwindRow>> rows_;  // by module, and where they begin
  std::size_t rows_kept_ = 0, nameless_kept_ = 0;
  std::uint32_t modules_made_ = 0;
  std::uint64_t nowhere_ = 0, given_up_ = 0;
};

}  // namespace sonde::kernel
