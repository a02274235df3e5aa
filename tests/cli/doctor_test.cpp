// SPDX-License-Identifier: GPL-2.0-or-later
// sonde doctor for those who may do little, and on a terminal.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <sstream>

#include "expect.h"

namespace sonde::test {
namespace {

// As an ordinary user, whoever runs the tests.
Report as_user(const Words& words) {
  const auto user = ordinary_user();
  return run(words, {.out = -1, .prepare = [&] {
                       if (geteuid() == 0) become(user.uid);
                     }});
}

TEST(Doctor, NamesTheMissingCapabilitiesOfEachHook) {
  const auto report = as_user({"doctor", "-f", "json"});
  EXPECT_EQ(report.code, 3);
  EXPECT_EQ(report.err, "");
  int hooks = 0, refused_tools = 0;
  for (const auto& row : report.rows) {
    SCOPED_TRACE(testing::Message() << row);
    EXPECT_EQ(row.members().size(), 5U);
    const auto& detail = row["detail"].text();
    const bool names = detail.find("CAP_BPF and CAP_PERFMON are missing. ") != detail.npos;
    if (row["area"].text() == "hook") {
      ++hooks;
      // A kernel that lacks the hook's own map says that first.
      EXPECT_TRUE(row["state"].text() == "missing" || names);
    }
    if (row["area"].text() == "tool" && row["state"].text() == "refused") {
      ++refused_tools;
      EXPECT_TRUE(names);
    }
  }
  EXPECT_EQ(hooks, 13);
  EXPECT_GE(refused_tools, 1);
  EXPECT_TRUE(report.noted("opensnoop"));
}

TEST(Doctor, SaysWhatWouldHelpOnStderrUnlessQuiet) {
  const auto told = as_user({"doctor"});
  EXPECT_EQ(told.code, 3);
  EXPECT_NE(told.err.find(": Cannot run: CAP_BPF and CAP_PERFMON are missing. Run it as root"), std::string::npos)
      << told.err;
  EXPECT_EQ(as_user({"doctor", "-q"}).err, "");
}

TEST(Doctor, TakesNoCommandAndNoFilter) {
  expect_refusal(run({"doctor", "--", "true"}), 2, "The tool doctor runs no command");
  expect_refusal(run({"doctor", "-p", "1"}), 2, "'-p'");
}

TEST(Doctor, FitsATerminal) {
  const Fd master(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (master.get() < 0 || grantpt(master.get()) != 0 || unlockpt(master.get()) != 0)
    GTEST_SKIP() << "no pseudo-terminals here";
  const winsize size{24, 80, 0, 0};
  ASSERT_EQ(ioctl(master.get(), TIOCSWINSZ, &size), 0);
  Fd terminal(open(ptsname(master.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
  run({"doctor"}, {.out = terminal.get(), .prepare = {}});
  // The kernel passes on what was written piece by piece, and an end only when nobody has the terminal open.
  terminal.reset();
  std::string shown;
  char piece[4096];
  for (ssize_t length; (length = read(master.get(), piece, sizeof(piece))) > 0;)
    shown.append(piece, static_cast<std::size_t>(length));
  std::istringstream in(shown);
  int lines = 0;
  for (std::string line; std::getline(in, line); ++lines) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    // Only the mark of a cut is more than a byte a cell.
    const auto cells = std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; });
    EXPECT_LE(cells, 80) << line;
    const auto area = line.substr(0, line.find(' '));
    EXPECT_TRUE(lines == 0 || area == "system" || area == "hook" || area == "tool") << line;
  }
  EXPECT_GT(lines, 20);
}

}  // namespace
}  // namespace sonde::test
