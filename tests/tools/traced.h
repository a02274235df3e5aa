// SPDX-License-Identifier: GPL-2.0-or-later
// Runs of any tool that traces.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>

#include "support/sonde.h"

namespace sonde::test {

/// Why this kernel does not offer the backend ("": the one of sonde's choice) of a tool; nothing if it does. `needed`
/// are words without which the tool does not run.
const std::optional<std::string>& refusal(const std::string& tool, const std::string& backend,
                                          const Words& needed = {});

/// Runs `tool --format json` with these words around `work`, which begins when everything is seen. Nothing may be lost.
/// Prints the rung.
Report trace(const std::string& tool, const Words& words, const std::function<void()>& work);

/// Prints the rung that a run used, for those who collect them.
void tell_rung(const Report& report);

/// One of tests/programs.
std::string program(const std::string& name);

/// Of each frame of a stack: its symbol, or the word in its place; "?" where there is no name.
Words names(const Json& stack);

/// What was made is what was shown and what was reported as lost.
void expect_law(const Report& report, long long made);

/// A child of this process, with one thread, as it knows itself.
struct Who {
  pid_t pid;
  User user;
  std::string comm, cgroup;
  std::int64_t since;  ///< ns since 1970, before what it does
};
/// The columns of who it was and when must be this child's, and of a time from then to now.
void expect_child(const Json& row, const Who& who);

/// Runs of a tool by one backend: the parameter. Skips, with sonde's own reason, where this kernel has it not.
class OfBackend : public testing::TestWithParam<std::string> {
 protected:
  explicit OfBackend(std::string tool, Words needed = {}) : tool_(std::move(tool)), needed_(std::move(needed)) {}
  void SetUp() override;

  [[nodiscard]] bool by(const std::string& backend) const { return GetParam() == backend; }
  /// For what is the same code in all backends, which takes long to show in a guest: true there for all backends but
  /// one, which is another one for each test and kernel.
  [[nodiscard]] bool left_to_another() const;
  /// These words behind --backend.
  [[nodiscard]] Words forced(Words words) const;
  /// As trace(), by this backend.
  [[nodiscard]] Report watch(const Words& words, const std::function<void()>& work) const {
    return trace(tool_, forced(words), work);
  }

  const std::string tool_;

 private:
  const Words needed_;
};

/// Why a test ends that is left_to_another().
inline constexpr const char* same_in_all = "it is the same code in all backends, and the guest is slow: one is enough";

/// The same for tools that count, with the whole command line.
class OfCounter : public OfBackend {
 protected:
  /// `comm` is the name of the child that is counted.
  OfCounter(std::string tool, std::string comm, Words needed = {})
      : OfBackend(std::move(tool), std::move(needed)), comm_(std::move(comm)) {}

  /// Counts the `work` of a child, which alone is counted and waits for nothing but gates meanwhile.
  [[nodiscard]] Report watch(const Words& words, const std::function<void()>& work);
  /// Counts what happens while this process works; everybody is counted but who is filtered out.
  [[nodiscard]] Report watch_all(const Words& words, const std::function<void()>& work) const;
  /// All words of a run.
  [[nodiscard]] Words forced(const Words& words) const;

  pid_t child_ = 0;

 private:
  const std::string comm_;
};

}  // namespace sonde::test
