// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "support/json.h"
#include "support/process.h"

namespace sonde::test {

using Words = std::vector<std::string>;

/// $SONDE, or the sonde beside the test binary or one folder above.
std::string sonde_binary();

/// What a run left behind.
struct Report {
  int code = -1;  ///< the exit code, or 128 and the number of the signal
  std::string out, err;

  // The rest only with --format json.
  std::vector<Json> events, rows, losses, notes;
  Json summary;

  [[nodiscard]] long long lost() const { return summary["lost"].number(); }
  /// Those of them that need not have been events: a program that was running already on its CPU is skipped for whoever
  /// preempts it (7.x; rare at real speed, common under emulation), and of a kretprobe's calls some have not returned
  /// yet.
  [[nodiscard]] long long skipped() const;
  /// Processes that may not have been followed for that reason: of each any number of events may be missing.
  [[nodiscard]] long long unfollowed() const;
  /// The events whose `key` is `value`, in order.
  [[nodiscard]] std::vector<Json> where(std::string_view key, long long value) const;
  [[nodiscard]] std::vector<Json> where(std::string_view key, std::string_view value) const;
  [[nodiscard]] bool noted(std::string_view part) const;
  /// Name of the rung that was used, and what of the whole it sees, if not all.
  [[nodiscard]] std::string rung() const { return used("rung"); }
  [[nodiscard]] std::string scope() const { return used("scope"); }

 private:
  [[nodiscard]] std::string used(std::string_view key) const;
};

/// The objects of NDJSON, sorted by their type. Throws if a line is none.
Report read_json(const std::string& text);

/// A running sonde. Its output goes to memory, so that it never waits for its reader, unless told otherwise.
class Sonde {
 public:
  struct Setup {
    int out = -1;                   ///< another place for stdout
    std::function<void()> prepare;  ///< in the new process, before sonde takes its place
    unsigned long clone_flags = 0;
    std::string name = "sonde";  ///< its argv[0]
  };

  explicit Sonde(const Words& words, const Setup& setup = {nothing()});
  Sonde(const Sonde&) = delete;
  Sonde& operator=(const Sonde&) = delete;
  ~Sonde();

  [[nodiscard]] pid_t pid() const { return process_.pid(); }
  /// Waits until it sees what happens. The waiting opens no file. False if it ended instead.
  bool ready();
  /// Waits until it is blocked in this system call.
  void blocked_in(long call);
  void signal(int number) const { process_.signal(number); }
  /// What it wrote so far.
  [[nodiscard]] std::string output() const { return contents(out_.get()); }
  [[nodiscard]] std::string errors() const { return contents(err_.get()); }
  /// Asks it to end with this signal (0: it ends by itself) and waits until it has.
  Report end(int signal_number = 0);

 private:
  static Setup nothing() { return {}; }

  Fd out_ = memory_file("stdout"), err_ = memory_file("stderr");
  Child process_;
  TaskView view_;
  bool ended_ = false;
};

/// Runs it to its own end.
Report run(const Words& words, const Sonde::Setup& setup = {});

}  // namespace sonde::test
