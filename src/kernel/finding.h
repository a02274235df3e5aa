// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace sonde::kernel {

/// How a thing stands that tracing needs.
enum class State {
  ok,
  limited,  ///< works, but not wholly
  missing,  ///< this kernel or machine does not have it
  refused,  ///< it is there, but this process may not use it
  unknown,  ///< could not be found out
};

[[nodiscard]] constexpr std::string_view state_name(State state) {
  switch (state) {
    case State::ok:
      return "ok";
    case State::limited:
      return "limited";
    case State::missing:
      return "missing";
    case State::refused:
      return "refused";
    case State::unknown:
      break;
  }
  return "unknown";
}

/// One line of an examination of this machine.
struct Finding {
  std::string name;
  State state = State::ok;
  std::string fact;      ///< a sentence
  std::string remedy{};  ///< a sentence that says what would help; empty where nothing has to
};

}  // namespace sonde::kernel
