// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <exception>
#include <string>
#include <utility>

namespace sonde {

/// What the process exits with; the same meaning in every tool.
enum class Exit : int {
  done = 0,
  run_time = 1,       ///< also: a PID, cgroup or file that is not there
  usage = 2,          ///< the command line makes no sense
  not_permitted = 3,  ///< a capability or a policy is in the way
  not_supported = 4,  ///< this kernel lacks what the tool needs
  incomplete = 5,     ///< --strict, and something was lost or had no probe
};

/// A start-up failure. Only main catches it. Trouble with a single event is never an Error: it is an empty Value or a
/// counted loss.
class Error : public std::exception {
 public:
  /// `cause` and `remedy` are whole sentences, printed one after the other as they are: untrusted parts come escaped.
  /// `detail` (an errno, a verifier log) is shown only with -v.
  Error(Exit code, std::string cause, std::string remedy, std::string detail = {})
      : code_(code), cause_(std::move(cause)), remedy_(std::move(remedy)), detail_(std::move(detail)) {}

  [[nodiscard]] const char* what() const noexcept override { return cause_.c_str(); }
  [[nodiscard]] Exit code() const noexcept { return code_; }
  [[nodiscard]] const std::string& cause() const noexcept { return cause_; }
  [[nodiscard]] const std::string& remedy() const noexcept { return remedy_; }
  [[nodiscard]] const std::string& detail() const noexcept { return detail_; }

 private:
  Exit code_;
  std::string cause_;
  std::string remedy_;
  std::string detail_;
};

}  // namespace sonde
