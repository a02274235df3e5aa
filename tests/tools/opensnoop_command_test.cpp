// SPDX-License-Identifier: GPL-2.0-or-later
// sonde opensnoop -- COMMAND
#include <elf.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "opensnoop.h"

namespace sonde::test {
namespace {

// Runs a command to its end; sonde must do well whatever becomes of it.
Report run_command(const Words& options, const Words& command) {
  Words words = opensnoop(options);
  words.push_back("--");
  words.insert(words.end(), command.begin(), command.end());
  const auto report = run(words);
  EXPECT_EQ(report.code, 0) << report.err;
  EXPECT_EQ(report.lost(), report.skipped()) << report.summary;
  tell_rung(report);
  return report;
}

// This program with another duty.
Words act(const std::string& what, const std::string& with = "") {
  return {std::filesystem::read_symlink("/proc/self/exe"), "--act", what, with};
}

// The program that the kernel starts in place of this one to load its libraries; "" if it has none.
bool needs_loader(const std::string& program) {
  const std::string bytes = contents(program);
  Elf64_Ehdr header{};
  if (bytes.size() < sizeof(header)) return false;
  std::memcpy(&header, bytes.data(), sizeof(header));
  for (int i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment{};
    std::memcpy(&segment, bytes.data() + header.e_phoff + static_cast<std::size_t>(i) * sizeof(segment),
                sizeof(segment));
    if (segment.p_type == PT_INTERP) return true;
  }
  return false;
}

#if defined(__x86_64__)
TEST_P(Opensnoop, SeesACommandFromItsFirstInstruction) {
  const Folder folder;
  const auto program = folder.file("first", tiny_program("/first/instruction", false), 0755);
  const auto report = run_command(forced({"-C", "path,comm,errno,pid"}), {program});
  ASSERT_EQ(paths(report.events), Words{"/first/instruction"});
  EXPECT_EQ(report.events[0]["comm"].text(), "first");
  EXPECT_EQ(report.events[0]["errno"].text(), "ENOENT");
  EXPECT_EQ(report.summary["command_status"].text(), "exit 7");
}
#endif

TEST_F(OpensnoopOnce, SeesTheLoaderOfACommand) {
  if (!needs_loader("/bin/true")) GTEST_SKIP() << "there is no dynamically linked /bin/true";
  const auto report = run_command({}, {"/bin/true"});
  ASSERT_FALSE(report.events.empty());
  EXPECT_EQ(report.events[0]["path"].text().find("/etc/ld.so"), 0U) << report.events[0];
  EXPECT_EQ(report.summary["command_status"].text(), "exit 0");
}

TEST_P(Opensnoop, FollowsTheChildrenOfACommand) {
  const auto report = run_command(forced({"-x"}), act("children", "/command"));
  const auto child = report.where("path", "/command/child"), grandchild = report.where("path", "/command/grandchild");
  ASSERT_EQ(child.size(), 1U);
  ASSERT_EQ(grandchild.size(), 1U);
  EXPECT_NE(child[0]["pid"].number(), grandchild[0]["pid"].number());
}

// The other filters narrow what is seen of the command.
TEST_F(OpensnoopOnce, FiltersACommand) {
  EXPECT_TRUE(run_command({"-c", "^*"}, act("open", "/command")).events.empty());
  EXPECT_EQ(run_command({"-u", "root"}, act("open", "/command")).where("path", "/command").size(), 1U);
}

TEST_F(OpensnoopOnce, SeesNobodyButTheCommand) {
  const Folder folder;
  const Gate go;
  Shared<bool> enough;
  Child other([&] {
    go.open();
    while (!*enough) make_load("/somebody/else", 100);
    return 0;
  });
  go.pass();
  const auto report = run_command({"-C", "path"}, act("children", "/command"));
  *enough = true;
  EXPECT_EQ(report.where("path", "/somebody/else").size(), 0U);
  EXPECT_EQ(report.where("path", "/command/child").size(), 1U);
}

TEST_F(OpensnoopOnce, TellsHowTheCommandEnded) {
  EXPECT_EQ(run_command({}, act("nothing")).summary["command_status"].text(), "exit 3");
  EXPECT_EQ(run_command({}, act("signal", std::to_string(SIGTERM))).summary["command_status"].text(),
            "killed by SIGTERM");
}

TEST_F(OpensnoopOnce, LeavesACommandRunning) {
  Pipe pipe;
  Sonde sonde(
      opensnoop({"-n", "1", "--", std::filesystem::read_symlink("/proc/self/exe"), "--act", "forever", "/forever"}));
  const auto report = sonde.end();
  EXPECT_EQ(report.code, 0) << report.err;
  const auto& status = report.summary["command_status"].text();
  const std::string running = "still running as PID ";
  ASSERT_EQ(status.compare(0, running.size(), running), 0) << status;
  kill(std::stoi(status.substr(running.size())), SIGKILL);
}

TEST_F(OpensnoopOnce, HandsNoDescriptorToTheCommand) {
  const auto report = run_command({}, act("descriptors"));
  EXPECT_EQ(report.err.find("bpf"), std::string::npos) << report.err;
  EXPECT_EQ(report.err, "");
}

TEST_F(OpensnoopOnce, RunsACommandAsAnotherUser) {
  const auto user = ordinary_user();
  const Folder folder;
  const auto secret = folder.file("secret", "", 0600);
  // The test program itself may lie where that user cannot reach it.
  const auto program = folder / "act";
  std::filesystem::copy_file(std::filesystem::read_symlink("/proc/self/exe"), program);
  const auto report = run_command({"--as", user.name, "-C", "uid,user,errno,path"}, {program, "--act", "open", secret});
  const auto opens = report.where("path", secret);
  ASSERT_EQ(opens.size(), 1U);
  EXPECT_EQ(opens[0]["uid"].number(), user.uid);
  EXPECT_EQ(opens[0]["user"].text(), user.name);
  EXPECT_EQ(opens[0]["errno"].text(), "EACCES");
}

TEST_F(OpensnoopOnce, RefusesACommandThatCannotRun) {
  const Folder folder;
  const auto text = folder.file("text");
  const struct {
    Words words;
    const char* says;
  } cases[] = {
      {{"--", "no-such-command"}, "no command 'no-such-command'"},
      {{"--", text}, "could not be started"},
      {{"--as", "no-such-user", "--", "true"}, "no user 'no-such-user'"},
  };
  for (const auto& c : cases) {
    const auto report = run(opensnoop(c.words));
    EXPECT_EQ(report.code, 1) << c.says;
    EXPECT_NE(report.err.find(c.says), std::string::npos) << report.err;
    EXPECT_EQ(std::count(report.err.begin(), report.err.end(), '\n'), 1) << report.err;
  }
}

}  // namespace
}  // namespace sonde::test
