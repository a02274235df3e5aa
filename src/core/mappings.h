// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sonde {

/// Which file it is, in the kernel's own terms: as /proc/PID/maps and perf have them, which stat(2) does not on all
/// file systems.
struct FileNumber {
  std::uint32_t major = 0, minor = 0;
  std::uint64_t inode = 0;

  bool operator==(const FileNumber&) const = default;
};

/// A piece of memory that a process may execute.
struct Mapping {
  std::uint64_t start = 0, end = 0;
  std::uint64_t file_offset = 0;  ///< of `start`
  std::uint64_t since = 0;        ///< ns, CLOCK_MONOTONIC
  FileNumber file;
  std::string path;  ///< as the process has it; "[vdso]"; empty: no file

  [[nodiscard]] bool holds(std::uint64_t address) const { return address >= start && address < end; }
  /// A file with a path that can be looked up.
  [[nodiscard]] bool is_file() const { return file.inode && path.starts_with('/') && !path.starts_with("//"); }
};

/// A line of /proc/PID/maps. Empty if it is none, or nothing that can be executed.
std::optional<Mapping> mapping_of_line(std::string_view line);

/// What processes had mapped, and when: from what is told of them one by one, in the order of time.
class Mappings {
 public:
  void map(std::uint32_t pid, Mapping mapping);
  /// A new program: what was mapped before is gone.
  void exec(std::uint32_t pid, std::uint64_t time);
  /// A child, which has what its parent has.
  void fork(std::uint32_t child, std::uint32_t parent, std::uint64_t time);
  void exit(std::uint32_t pid, std::uint64_t time);

  [[nodiscard]] bool knows(std::uint32_t pid) const { return processes_.contains(pid); }
  /// What lay there then. Null: nothing that is known. Good until something else is told.
  [[nodiscard]] const Mapping* find(std::uint32_t pid, std::uint64_t time, std::uint64_t address) const;
  /// What ended before `time` will not be asked for any more.
  void forget(std::uint64_t time);
  [[nodiscard]] std::size_t processes() const { return processes_.size(); }

 private:
  struct Program {
    std::uint64_t since = 0;
    std::vector<Mapping> mappings;          // in the order of time
    std::shared_ptr<const Program> parent;  // whose mappings until `since` it has, too
    unsigned generation = 0;                // so many parents
  };
  struct Process {
    std::vector<std::shared_ptr<Program>> programs;  // in the order of time
    std::uint64_t ended = 0;                         // 0: it lives
  };
  Program& latest(std::uint32_t pid);
  static const Mapping* find_in(const Program& program, std::uint64_t time, std::uint64_t address);

  std::unordered_map<std::uint32_t, Process> processes_;
};

}  // namespace sonde
