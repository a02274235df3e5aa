// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/signal_names.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <iterator>
#include <span>
#include <string>

namespace sonde {
namespace {

constexpr int first_unnamed = 32;
constexpr int first_real_time = 34;  // the kernel's is 32: glibc takes two
constexpr int last_signal = signal_numbers - 1;

// The numbers of x86 and arm64.
constexpr std::string_view classic[] = {
    "",          "SIGHUP",  "SIGINT",    "SIGQUIT", "SIGILL",   "SIGTRAP", "SIGABRT", "SIGBUS",
    "SIGFPE",    "SIGKILL", "SIGUSR1",   "SIGSEGV", "SIGUSR2",  "SIGPIPE", "SIGALRM", "SIGTERM",
    "SIGSTKFLT", "SIGCHLD", "SIGCONT",   "SIGSTOP", "SIGTSTP",  "SIGTTIN", "SIGTTOU", "SIGURG",
    "SIGXCPU",   "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO",   "SIGPWR",  "SIGSYS"};
static_assert(std::size(classic) == first_unnamed);

constexpr int sigill = 4, sigtrap = 5, sigbus = 7, sigfpe = 8, sigsegv = 11, sigchld = 17, sigsys = 31;

// By si_code, from 1 (include/uapi/asm-generic/siginfo.h).
constexpr std::string_view ill_codes[] = {"ILL_ILLOPC", "ILL_ILLOPN", "ILL_ILLADR", "ILL_ILLTRP",  "ILL_PRVOPC",
                                          "ILL_PRVREG", "ILL_COPROC", "ILL_BADSTK", "ILL_BADIADDR"};
constexpr std::string_view trap_codes[] = {"TRAP_BRKPT",  "TRAP_TRACE", "TRAP_BRANCH",
                                           "TRAP_HWBKPT", "TRAP_UNK",   "TRAP_PERF"};
constexpr std::string_view bus_codes[] = {"BUS_ADRALN", "BUS_ADRERR", "BUS_OBJERR", "BUS_MCEERR_AR", "BUS_MCEERR_AO"};
constexpr std::string_view fpe_codes[] = {"FPE_INTDIV", "FPE_INTOVF", "FPE_FLTDIV", "FPE_FLTOVF", "FPE_FLTUND",
                                          "FPE_FLTRES", "FPE_FLTINV", "FPE_FLTSUB", "",           "",
                                          "",           "",           "",           "FPE_FLTUNK", "FPE_CONDTRAP"};
constexpr std::string_view segv_codes[] = {"SEGV_MAPERR",  "SEGV_ACCERR",  "SEGV_BNDERR",  "SEGV_PKUERR",
                                           "SEGV_ACCADI",  "SEGV_ADIDERR", "SEGV_ADIPERR", "SEGV_MTEAERR",
                                           "SEGV_MTESERR", "SEGV_CPERR"};
constexpr std::string_view child_codes[] = {"CLD_EXITED",  "CLD_KILLED",  "CLD_DUMPED",
                                            "CLD_TRAPPED", "CLD_STOPPED", "CLD_CONTINUED"};
constexpr std::string_view sys_codes[] = {"SYS_SECCOMP", "SYS_USER_DISPATCH"};
// Whatever signal a program chose to be told by that a file is ready.
constexpr std::string_view poll_codes[] = {"POLL_IN", "POLL_OUT", "POLL_MSG", "POLL_ERR", "POLL_PRI", "POLL_HUP"};

std::span<const std::string_view> codes_of(int signal) {
  switch (signal) {
    case sigill:
      return ill_codes;
    case sigtrap:
      return trap_codes;
    case sigbus:
      return bus_codes;
    case sigfpe:
      return fpe_codes;
    case sigsegv:
      return segv_codes;
    case sigchld:
      return child_codes;
    case sigsys:
      return sys_codes;
    default:
      return poll_codes;
  }
}

using Names = std::array<std::string, signal_numbers>;

Names make_names() {
  Names names;
  for (std::size_t i = 0; i < std::size(classic); ++i) names[i] = classic[i];
  for (int number = first_unnamed; number <= last_signal; ++number) {
    const int above = number - first_real_time;
    names[static_cast<std::size_t>(number)] = above < 0    ? "SIG" + std::to_string(number)
                                              : above == 0 ? "SIGRTMIN"
                                                           : "SIGRTMIN+" + std::to_string(above);
  }
  return names;
}

std::optional<int> in_range(std::string_view digits, int most) {
  int number = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (failure != std::errc{} || end != digits.data() + digits.size() || digits.front() == '-' || number > most)
    return std::nullopt;
  return number;
}

// "RTMIN+2", "RTMAX-1"
std::optional<int> real_time_number(std::string_view name) {
  const bool from_below = name.starts_with("RTMIN");
  if (!from_below && !name.starts_with("RTMAX")) return std::nullopt;
  name.remove_prefix(5);
  if (name.empty()) return from_below ? first_real_time : last_signal;
  const bool right_way = name.front() == (from_below ? '+' : '-') && name.size() > 1;
  const auto distance = right_way ? in_range(name.substr(1), last_signal - first_real_time) : std::nullopt;
  if (!distance) return std::nullopt;
  return from_below ? first_real_time + *distance : last_signal - *distance;
}

}  // namespace

std::string_view signal_name(int number) {
  static const Names names = make_names();
  return number > 0 && number <= last_signal ? std::string_view(names[static_cast<std::size_t>(number)])
                                             : std::string_view();
}

std::optional<int> signal_number(std::string_view name) {
  if (name.empty()) return std::nullopt;
  if (name.front() >= '0' && name.front() <= '9') return in_range(name, last_signal);
  std::string word(name);
  std::transform(word.begin(), word.end(), word.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  if (!word.starts_with("SIG")) word.insert(0, "SIG");
  if (word == "SIGPOLL") return signal_number("SIGIO");
  if (word == "SIGIOT") return signal_number("SIGABRT");
  for (int number = 1; number <= last_signal; ++number)
    if (word == signal_name(number)) return number;
  return real_time_number(std::string_view(word).substr(3));
}

SignalPayload signal_payload(int signal, int code) {
  constexpr int si_kernel = 0x80, si_sigio = -5, si_tkill = -6, sigchld = 17, child_codes = 6;
  constexpr unsigned faults = 1U << 4 | 1U << 5 | 1U << 7 | 1U << 8 | 1U << 11;  // ILL TRAP BUS FPE SEGV
  if (code < 0) return code == si_tkill || code == si_sigio ? SignalPayload::none : SignalPayload::value;
  if (code == 0 || code >= si_kernel) return SignalPayload::none;
  if (signal == sigchld) return code <= child_codes ? SignalPayload::status : SignalPayload::none;
  return signal > 0 && signal < 32 && faults >> signal & 1 ? SignalPayload::address : SignalPayload::none;
}

std::string_view signal_code_name(int signal, int code) {
  switch (code) {
    case 0:
      return "SI_USER";
    case -1:
      return "SI_QUEUE";
    case -2:
      return "SI_TIMER";
    case -3:
      return "SI_MESGQ";
    case -4:
      return "SI_ASYNCIO";
    case -5:
      return "SI_SIGIO";
    case -6:
      return "SI_TKILL";
    case -60:
      return "SI_ASYNCNL";
    case 0x80:
      return "SI_KERNEL";
    default:
      break;
  }
  const auto names = codes_of(signal);
  const bool known = code > 0 && static_cast<std::size_t>(code) <= names.size();
  return known ? names[static_cast<std::size_t>(code - 1)] : std::string_view();
}

}  // namespace sonde
