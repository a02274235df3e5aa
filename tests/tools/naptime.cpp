// SPDX-License-Identifier: GPL-2.0-or-later
#include "naptime.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sonde::test {
namespace {

// Relative sleeps by CLOCK_REALTIME are measured by the clock that nobody can set.
clockid_t measured_by(const Slept& slept) {
  return slept.clock == CLOCK_REALTIME && !slept.absolute ? CLOCK_MONOTONIC : slept.clock;
}

std::string name_of(clockid_t clock) {
  switch (clock) {
    case CLOCK_REALTIME:
      return "real";
    case CLOCK_MONOTONIC:
      return "mono";
    case CLOCK_BOOTTIME:
      return "boot";
    case CLOCK_TAI:
      return "tai";
    default:
      return "?";
  }
}

}  // namespace

std::int64_t now(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::int64_t{time.tv_sec} * second + time.tv_nsec;
}

timespec to_timespec(std::int64_t ns) { return {ns / second, ns % second}; }

int Dreams::sleep(clockid_t clock, std::int64_t request, bool absolute, bool old_call) const {
  return sleep_by(clock, request, absolute, [&](timespec* left) {
    timespec time = to_timespec(request);
    const long result = old_call ? syscall(SYS_nanosleep, &time, left)
                                 : syscall(SYS_clock_nanosleep, clock, absolute ? TIMER_ABSTIME : 0, &time, left);
    return result ? -errno : 0;
  });
}

int Dreams::sleep_by(clockid_t clock, std::int64_t request, bool absolute,
                     const std::function<int(timespec*)>& call) const {
  Slept slept{static_cast<pid_t>(syscall(SYS_gettid)), clock, absolute, request, 0, 0, 0, 0};
  const clockid_t measure = measured_by(slept);
  timespec left{};
  slept.before = now(measure);
  slept.result = call(&left);
  slept.after = now(measure);
  slept.left = std::int64_t{left.tv_sec} * second + left.tv_nsec;
  const int place = __atomic_fetch_add(&book_->used, 1, __ATOMIC_SEQ_CST);
  if (place < most) book_->slept[place] = slept;
  return slept.result;
}

std::vector<Slept> Dreams::all() const { return {book_->slept, book_->slept + std::min(book_->used, most)}; }

void expect_same(const Json& row, const Slept& slept) {
  SCOPED_TRACE(testing::Message() << "row " << row);
  const auto requested = row["requested_ns"].number(), actual = row["actual_ns"].number();
  EXPECT_EQ(row["tid"].number(), slept.tid);
  EXPECT_EQ(row["clock"].text(), name_of(measured_by(slept)));
  EXPECT_EQ(row["clock_raw"].number(), measured_by(slept));
  EXPECT_EQ(row["mode"].text(), slept.absolute ? "absolute" : "relative");
  if (slept.absolute) {
    EXPECT_LE(requested, std::max<std::int64_t>(0, slept.request - slept.before));
    EXPECT_GE(requested, std::max<std::int64_t>(0, slept.request - slept.after));
  } else {
    EXPECT_EQ(requested, slept.request);
  }
  EXPECT_LE(actual, slept.after - slept.before);
  EXPECT_GT(actual, 0);
  EXPECT_EQ(row["result_raw"].number(), -slept.result);
  if (slept.result == 0) {
    EXPECT_EQ(row["result"].text(), "complete");
    EXPECT_GE(actual, requested);
    EXPECT_EQ(row["overshoot_ns"].number(), actual - requested);
    EXPECT_TRUE(row["remaining_ns"].null());
  } else {
    EXPECT_EQ(row["result"].text(), strerrorname_np(-slept.result));
    EXPECT_TRUE(row["overshoot_ns"].null());
    EXPECT_EQ(row["remaining_ns"].number(), std::max<std::int64_t>(0, requested - actual));
  }
  // What the kernel says is left has the slack of the timer in it, and was so a moment before.
  if (slept.left) {
    EXPECT_GE(slept.left, row["remaining_ns"].number());
  }
}

void expect_shown(const Report& report, const std::vector<Slept>& slept) {
  const auto missing = static_cast<long long>(slept.size()) - static_cast<long long>(report.events.size());
  EXPECT_GE(missing, 0) << "something is shown twice";
  EXPECT_LE(missing, report.skipped()) << "something is neither shown nor counted";
  if (missing) return;
  for (std::size_t i = 0; i < slept.size(); ++i) expect_same(report.events[i], slept[i]);
}

Report Naptime::watch(const Words& words, const std::function<int()>& body) const {
  return watch(words, body, [](const Child&) {});
}

Report Naptime::watch(const Words& words, const std::function<int()>& body,
                      const std::function<void(const Child&)>& meddle) const {
  const Gate go;
  Child child([&] {
    go.pass();
    return body();
  });
  Words all = forced(words);
  all.insert(all.end(), {"--pid", std::to_string(child.pid())});
  return trace("naptime", all, [&] {
    go.open();
    meddle(child);
    child.wait();
  });
}

}  // namespace sonde::test
