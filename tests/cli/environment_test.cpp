// SPDX-License-Identifier: GPL-2.0-or-later
// Outputs, permissions and limits that are not as they should be.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "expect.h"

namespace sonde::test {
namespace {

const Words briefly{"opensnoop", "-d", "1ms"};

Words briefly_into(const std::string& output) { return {"opensnoop", "-d", "1ms", "-o", output}; }

// Why sonde does not run here; nothing if it does.
std::string trouble() {
  const auto report = run(briefly);
  return report.code == 0 ? "" : report.err.substr(0, report.err.find('\n'));
}

TEST(Environment, NamesTheMissingCapabilities) {
  if (geteuid() != 0) {
    expect_refusal(run(briefly), 3, "CAP_BPF and CAP_PERFMON");
    return;
  }
  const auto user = ordinary_user();
  expect_refusal(run(briefly, {.out = -1, .prepare = [&] { become(user.uid); }}), 3, "CAP_BPF and CAP_PERFMON");
}

// What needs no permission works without any.
TEST(Environment, ShowsHelpAndSchemaToAnybody) {
  const auto user = ordinary_user();
  const auto prepare = [&] {
    if (geteuid() == 0) become(user.uid);
  };
  for (const char* flag : {"--help", "--schema", "--version"})
    EXPECT_EQ(run({"opensnoop", flag}, {.out = -1, .prepare = prepare}).code, 0) << flag;
  EXPECT_EQ(run({"opensnoop", "--pdi"}, {.out = -1, .prepare = prepare}).code, 2);
}

TEST(Environment, RefusesAnOutputThatCannotBeWritten) {
  if (geteuid() != 0) GTEST_SKIP() << "looked at only after the permissions: this wants root";
  const Folder folder;
  const auto target = folder.file("target", "precious");
  const auto link = folder / "link";
  ASSERT_EQ(symlink(target.c_str(), link.c_str()), 0);
  expect_refusal(run(briefly_into(folder / "none/file")), 1, "/none/file' cannot be written");
  expect_refusal(run(briefly_into(folder / "")), 1, "cannot be written");
  expect_refusal(run(briefly_into(link)), 1, "is a symbolic link");
  EXPECT_EQ(contents(target), "precious");
}

TEST(Environment, SaysThatTheDiskIsFull) {
  const Fd full(open("/dev/full", O_WRONLY | O_CLOEXEC));
  const Sonde::Setup into_full{.out = full.get(), .prepare = {}};
  for (const Words& words : {Words{}, Words{"opensnoop", "--help"}, Words{"opensnoop", "--schema"}})
    expect_refusal(run(words, into_full), 1, "No space left");
  if (const auto why = trouble(); !why.empty()) GTEST_SKIP() << why;
  for (const char* format : {"table", "json"})
    expect_refusal(run({"opensnoop", "-d", "1ms", "-f", format}, into_full), 1, "No space left");
  expect_refusal(run(briefly_into("/dev/full")), 1, "No space left");
}

TEST(Environment, TakesAReaderThatLeftAsTheEnd) {
  Pipe pipe;
  pipe.out.reset();
  for (const Words& words : {Words{"--help"}, Words{"opensnoop", "--help"}, Words{"opensnoop", "--schema"}}) {
    const auto report = run(words, {.out = pipe.in.get(), .prepare = {}});
    EXPECT_EQ(report.code, 0);
    EXPECT_EQ(report.err, "");
  }
}

TEST(Environment, WorksWithStandardDescriptorsClosed) {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    const auto prepare = [&] { close(fd); };
    EXPECT_EQ(run({"--help"}, {.out = -1, .prepare = prepare}).code, 0) << fd;
    EXPECT_EQ(run({"--pdi"}, {.out = -1, .prepare = prepare}).code, 2) << fd;
  }
  if (const auto why = trouble(); !why.empty()) GTEST_SKIP() << why;
  const auto close_all = [] { close_range(STDIN_FILENO, STDERR_FILENO, 0); };
  EXPECT_EQ(run(briefly, {.out = -1, .prepare = close_all}).code, 0);
}

// Enough, or a word on the limit: no crash, and no blame on the kernel.
TEST(Environment, SurvivesFewDescriptors) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizers want descriptors of their own";
#endif
  if (const auto why = trouble(); !why.empty()) GTEST_SKIP() << why;
  for (rlim_t most = 4; most <= 20; ++most) {
    if (in_guest() && most % 4) continue;
    SCOPED_TRACE(testing::Message() << "ulimit -n " << most);
    const auto report = run({"opensnoop", "-f", "json", "-d", "1ms"}, {.out = -1, .prepare = [&] {
                                                                         const rlimit limit{most, most};
                                                                         setrlimit(RLIMIT_NOFILE, &limit);
                                                                       }});
    if (report.code != 0) expect_refusal(report, 1, "ulimit -n");
  }
}

TEST(Environment, SurvivesLittleLockedMemory) {
  if (const auto why = trouble(); !why.empty()) GTEST_SKIP() << why;
  const auto report = run(briefly, {.out = -1, .prepare = [] {
                                      const rlimit none{0, 0};
                                      setrlimit(RLIMIT_MEMLOCK, &none);
                                    }});
  EXPECT_EQ(report.code, 0) << report.err;
}

TEST(Environment, TellsNoInternalsUnlessAsked) {
  if (const auto why = trouble(); !why.empty()) GTEST_SKIP() << why;
  for (const char* backend : {"fexit", "tracepoint", "tp_btf", "kprobe"}) {
    const auto report = run({"opensnoop", "-d", "1ms", "--backend", backend});
    if (report.code != 0) expect_refusal(report, report.code == 3 ? 3 : 4, backend);
  }
}

}  // namespace
}  // namespace sonde::test
