// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string_view>

namespace sonde {

/// One past the highest signal.
inline constexpr int signal_numbers = 65;

/// "SIGKILL" for 9. Real-time signals are counted as glibc and kill(1) do, from 34: "SIGRTMIN", "SIGRTMIN+3". The two
/// below, which the C library keeps for itself, are "SIG32" and "SIG33". Empty for what is no signal. The result lives
/// for ever.
std::string_view signal_name(int number);

/// 9 for "SIGKILL", "kill" or "9"; "SIGRTMIN+2" and "SIGRTMAX-1" too; 0 for "0", which only asks whether a process is
/// there. Nothing beyond 64.
std::optional<int> signal_number(std::string_view name);

/// What a signal brings along, by its number and si_code (sigaction(2)).
enum class SignalPayload {
  none,
  value,    ///< an integer or a pointer, from sigqueue(3), a timer or a message queue
  address,  ///< where a fault was
  status,   ///< how a child ended, or by which signal it stopped
};
SignalPayload signal_payload(int signal, int code);

/// "SEGV_MAPERR" for what si_code says of a signal; empty for a number without a name. The result lives for ever.
std::string_view signal_code_name(int signal, int code);

}  // namespace sonde
