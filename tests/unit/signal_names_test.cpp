// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/signal_names.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <cstring>
#include <string>

namespace sonde {
namespace {

TEST(SignalName, AgreesWithTheCLibrary) {
  for (int number = 1; number < 32; ++number)
    EXPECT_EQ(signal_name(number), std::string("SIG") + (number == SIGIO ? "IO" : sigabbrev_np(number)));
}

TEST(SignalName, OfRealTimeSignals) {
  EXPECT_EQ(signal_name(SIGRTMIN), "SIGRTMIN");
  EXPECT_EQ(signal_name(SIGRTMIN + 1), "SIGRTMIN+1");
  EXPECT_EQ(signal_name(SIGRTMAX), "SIGRTMIN+30");
  EXPECT_EQ(signal_name(32), "SIG32");
  EXPECT_EQ(signal_name(33), "SIG33");
}

TEST(SignalName, OfNone) {
  for (const int number : {-1, 0, 65, 1000}) EXPECT_EQ(signal_name(number), "");
}

TEST(SignalNumber, TakesNamesAndNumbers) {
  for (int number = 1; number < signal_numbers; ++number) {
    EXPECT_EQ(signal_number(signal_name(number)), number);
    EXPECT_EQ(signal_number(std::to_string(number)), number);
  }
  EXPECT_EQ(signal_number("kill"), 9);
  EXPECT_EQ(signal_number("Term"), 15);
  EXPECT_EQ(signal_number("sigPoll"), SIGIO);
  EXPECT_EQ(signal_number("IOT"), SIGABRT);
  EXPECT_EQ(signal_number("RTMIN+2"), SIGRTMIN + 2);
  EXPECT_EQ(signal_number("SIGRTMAX"), SIGRTMAX);
  EXPECT_EQ(signal_number("SIGRTMAX-30"), SIGRTMIN);
  EXPECT_EQ(signal_number("0"), 0);
}

TEST(SignalNumber, RefusesTheRest) {
  for (const char* bad : {"", "SIG", "FOO", "-9", "+9", "9x", "65", "99999999999999999999", "RTMIN-1", "RTMIN+",
                          "RTMIN+31", "RTMAX+1", "RTMAX-31", "RTMIN+-1", "RTMINX", "KILL "})
    EXPECT_EQ(signal_number(bad), std::nullopt) << bad;
}

TEST(SignalCode, AgreesWithTheCLibrary) {
  const struct {
    int signal, code;
    const char* name;
  } known[] = {{SIGSEGV, SEGV_MAPERR, "SEGV_MAPERR"},
               {SIGSEGV, SEGV_PKUERR, "SEGV_PKUERR"},
               {SIGBUS, BUS_MCEERR_AO, "BUS_MCEERR_AO"},
               {SIGFPE, FPE_INTDIV, "FPE_INTDIV"},
               {SIGFPE, FPE_CONDTRAP, "FPE_CONDTRAP"},
               {SIGILL, ILL_BADSTK, "ILL_BADSTK"},
               {SIGTRAP, TRAP_UNK, "TRAP_UNK"},
               {SIGCHLD, CLD_CONTINUED, "CLD_CONTINUED"},
               {SIGIO, POLL_HUP, "POLL_HUP"},
               {SIGRTMIN, POLL_IN, "POLL_IN"},
               {SIGSYS, 1, "SYS_SECCOMP"},
               {SIGTERM, SI_USER, "SI_USER"},
               {SIGTERM, SI_QUEUE, "SI_QUEUE"},
               {SIGTERM, SI_TIMER, "SI_TIMER"},
               {SIGTERM, SI_MESGQ, "SI_MESGQ"},
               {SIGTERM, SI_ASYNCIO, "SI_ASYNCIO"},
               {SIGTERM, SI_SIGIO, "SI_SIGIO"},
               {SIGTERM, SI_TKILL, "SI_TKILL"},
               {SIGTERM, SI_ASYNCNL, "SI_ASYNCNL"},
               {SIGTERM, SI_KERNEL, "SI_KERNEL"}};
  for (const auto& one : known) EXPECT_EQ(signal_code_name(one.signal, one.code), one.name);
}

TEST(SignalPayload, IsToldByNumberAndCode) {
  EXPECT_EQ(signal_payload(SIGRTMIN, SI_QUEUE), SignalPayload::value);
  EXPECT_EQ(signal_payload(SIGSEGV, SI_TIMER), SignalPayload::value);
  EXPECT_EQ(signal_payload(SIGSEGV, SEGV_MAPERR), SignalPayload::address);
  EXPECT_EQ(signal_payload(SIGCHLD, CLD_CONTINUED), SignalPayload::status);
  for (const int code : {SI_USER, SI_TKILL, SI_SIGIO, SI_KERNEL})
    for (const int signal : {SIGSEGV, SIGCHLD, SIGTERM, SIGRTMAX, 0})
      EXPECT_EQ(signal_payload(signal, code), SignalPayload::none) << signal << " " << code;
  EXPECT_EQ(signal_payload(SIGTERM, 1), SignalPayload::none);
  EXPECT_EQ(signal_payload(SIGCHLD, CLD_CONTINUED + 1), SignalPayload::none);
  EXPECT_EQ(signal_payload(SIGRTMIN, POLL_IN), SignalPayload::none);
}

TEST(SignalCode, WithoutAName) {
  for (const int code : {-7, -1000, 7, 11, 129}) EXPECT_EQ(signal_code_name(SIGCHLD, code), "");
  EXPECT_EQ(signal_code_name(SIGFPE, 9), "");
}

}  // namespace
}  // namespace sonde
