// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/mappings.h"
#include "core/unwind_row.h"
#include "kernel/fd.h"

namespace sonde::kernel {

/// A name as it was found in a file.
struct NamedAddress {
  std::string name;          ///< readable, untrusted; empty: none
  std::uint64_t offset = 0;  ///< in it
  bool has_frame = true;     ///< see ElfSymbols::Found
  bool starts = false;
  std::uint64_t from = 0, to = 0;
};

/// Where a name is wanted: an offset in the file that is mapped (of no file: the address), and whether a call returns
/// to it.
struct WantedName {
  std::uint64_t at = 0;
  std::uint64_t returns = 0;  ///< 0 or 1
};

/// A process of our own that looks into what others wrote: files may be hostile, mounts may hang. It has no
/// descriptors of ours, is forked before anything is loaded, and when it does not answer in time it is ended and
/// another one takes its place.
class SymbolProcess {
 public:
  /// `began` is told the PID of each such process before it does anything.
  explicit SymbolProcess(std::function<void(int pid)> began);
  SymbolProcess(const SymbolProcess&) = delete;
  SymbolProcess& operator=(const SymbolProcess&) = delete;
  ~SymbolProcess();

  enum class Answer {
    names,    ///< one for each, empty ones where the file has none
    no_file,  ///< gone, or another one by now
    none,     ///< not in time, or the process crashed: the same question would be as bad again
  };
  /// `changed`: when the file was changed last, ns of CLOCK_MONOTONIC.
  Answer name(std::uint32_t pid, const Mapping& mapping, std::span<const WantedName> wanted,
              std::vector<NamedAddress>& names, std::int64_t* changed = nullptr);
  /// How callers are found at `at`, an offset in the file, as are those of the row.
  Answer unwind_row(std::uint32_t pid, const Mapping& mapping, std::uint64_t at, UnwindRow& row,
                    std::int64_t* changed = nullptr);
  /// What a process has mapped now, of what can be executed. Empty if it did not answer; no mappings if there is no
  /// such process.
  std::optional<std::vector<Mapping>> mappings(std::uint32_t pid);
  /// Is called now and then while an answer is waited for, which may be for seconds. It must ask nothing.
  void meanwhile(std::function<void()> todo) { meanwhile_ = std::move(todo); }

  [[nodiscard]] int pid() const { return pid_; }
  /// How often it had to be ended; and whether that was too often, and there is none any more.
  [[nodiscard]] unsigned ended() const { return ended_; }
  [[nodiscard]] bool given_up() const { return !socket_; }
  /// CPU time of the process that there is, in ns.
  [[nodiscard]] std::uint64_t cpu_time() const;

 private:
  void start();
  void end();
  bool send(std::string_view question);
  /// Empty: not in time. Good until the next one.
  std::optional<std::string_view> receive(std::int64_t deadline);
  std::optional<std::string_view> ask(std::string_view question);
  bool wait_for_answer(std::int64_t deadline);

  std::function<void(int)> began_;
  std::function<void()> meanwhile_;
  std::string packet_;
  Fd socket_;
  int pid_ = -1;
  unsigned ended_ = 0;
};

}  // namespace sonde::kernel
