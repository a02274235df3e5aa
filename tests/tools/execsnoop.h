// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>

#include "support/calls.h"
#include "traced.h"

namespace sonde::test {

/// One exec as it is asked of the kernel.
struct Start {
  std::string file;
  Words argv;
  std::optional<int> dirfd{};  ///< by execveat
  int flags = 0;
  bool compat = false;  ///< by the 32-bit ABI
};

/// Returns only if it failed: -errno.
long start(const Start& start);
/// The same with arguments given by their addresses.
long start_at(const void* file, const void* argv);

/// Runs `body` in a child that then starts the program; its exit code.
int start_in_child(
    const Start& start, const std::function<void()>& body = [] {});

/// Exit code of the programs that the tests start.
inline constexpr int tiny_code = 7;

/// The strings of a list.
Words strings(const Json& list);

/// Children of the test, by one backend: the parameter.
class Execsnoop : public OfBackend {
 protected:
  Execsnoop() : OfBackend("execsnoop") {}
  /// Words of a run that shows what this process, or another one, and its children start.
  [[nodiscard]] Words forced(const Words& words) const;
  [[nodiscard]] Report watch(const Words& words, const std::function<void()>& work) const {
    return trace("execsnoop", forced(words), work);
  }

  const Folder folder_;
  const std::string tiny_ = folder_.file("tiny", tiny_program("/", false), 0755);
};

}  // namespace sonde::test
