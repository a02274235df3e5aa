// SPDX-License-Identifier: GPL-2.0-or-later
// The law: every exec is shown once or counted as lost.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "execsnoop.h"

namespace sonde::test {
namespace {

constexpr int shells = 4, rounds = 20;

// As shells do: the parent waits until the program runs.
void run_program(const std::string& program, int number) {
  const std::string text = std::to_string(number);
  const char* const argv[] = {"short", text.c_str(), nullptr};
  const pid_t pid = vfork();
  if (pid == 0) {
    execve(program.c_str(), const_cast<char**>(argv), nullptr);
    _exit(1);
  }
  waitpid(pid, nullptr, 0);
}

// Processes that start short programs one after the other; each program is told its own number.
class Shells {
 public:
  Shells(const std::string& program, int programs) : each_(programs / shells / rounds) {
    for (int i = 0; i < shells; ++i)
      children_.push_back(std::make_unique<Child>([this, i, program] {
        for (int round = 0; round < rounds; ++round) {
          go_.pass();
          for (int n = 0; n < each_; ++n) run_program(program, (i * rounds + round) * each_ + n);
          done_.open();
        }
        return 0;
      }));
  }

  [[nodiscard]] std::string pids() const {
    std::string list;
    for (const auto& child : children_) list += (list.empty() ? "" : ",") + std::to_string(child->pid());
    return list;
  }
  [[nodiscard]] int made() const { return shells * rounds * each_; }
  void run() {
    for (int round = 0; round < rounds; ++round) {
      go_.open(shells);
      for (int i = 0; i < shells; ++i) done_.pass();
    }
    for (const auto& child : children_) child->wait();
  }

 private:
  int each_;
  Gate go_, done_;
  std::vector<std::unique_ptr<Child>> children_;
};

class ExecsnoopLaw : public Execsnoop {
 protected:
  void expect_each_once(const Words& more, int programs, bool stopped) {
    Shells load(tiny_, programs);
    Words words{"execsnoop", "--format", "json", "--backend", GetParam(), "--ppid", load.pids()};
    words.insert(words.end(), more.begin(), more.end());
    Sonde sonde(words);
    ASSERT_TRUE(sonde.ready());
    if (stopped) sonde.signal(SIGSTOP);
    load.run();
    if (stopped) sonde.signal(SIGCONT);
    const auto report = sonde.end(SIGINT);
    expect_law(report, load.made());
    std::set<std::string> numbers;
    for (const auto& row : report.events) {
      const auto argv = strings(row["argv"]);
      ASSERT_EQ(argv.size(), 2U);
      EXPECT_TRUE(numbers.insert(argv[1]).second) << "shown twice: " << argv[1];
    }
    if (stopped) {
      EXPECT_GT(report.lost(), 0);
    }
  }
};

TEST_P(ExecsnoopLaw, HoldsForManyShortProcesses) {
  const bool all = GetParam() == "raw_tp";
  expect_each_once({"-C", "argv"}, all ? (in_guest() ? 2'000 : 20'000) : (in_guest() ? 400 : 4'000), false);
}

TEST_P(ExecsnoopLaw, HoldsWithAReaderThatStopped) {
  expect_each_once({"-C", "argv", "--buffer-size", "16k"}, 400, true);
}

INSTANTIATE_TEST_SUITE_P(Backends, ExecsnoopLaw, testing::Values("fexit", "tracepoint", "raw_tp"),
                         [](const auto& backend) { return backend.param; });

// What does not depend on the backend.
class ExecsnoopOutput : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto& reason = refusal("execsnoop", "")) GTEST_SKIP() << *reason;
  }
  const Folder folder_;
  const std::string tiny_ = folder_.file("tiny", tiny_program("/", false), 0755);
  const std::string ppid_ = std::to_string(getpid());
};

TEST_F(ExecsnoopOutput, NeedsNoSystemCallsForWhatSucceeded) {
  const auto report = trace("execsnoop", {"--succeeded", "--ppid", ppid_}, [&] {
    EXPECT_EQ(start_in_child({folder_ / "none", {"a"}}), 1);
    EXPECT_EQ(start_in_child({tiny_, {"a"}}), tiny_code);
  });
  EXPECT_EQ(report.events.size(), 1U);
  EXPECT_EQ(report.rung(), "raw_tp");
  EXPECT_EQ(run({"execsnoop", "--succeeded", "-x"}).code, 2);
}

TEST_F(ExecsnoopOutput, ReadsWellAsATable) {
  Sonde sonde({"execsnoop", "--ppid", ppid_});
  ASSERT_TRUE(sonde.ready());
  EXPECT_EQ(start_in_child({tiny_, {"a", "two words", "\x1B[2J"}}), tiny_code);
  EXPECT_EQ(start_in_child({folder_ / "none", {"a", ""}}), 1);
  const auto report = sonde.end(SIGINT);
  EXPECT_EQ(report.out.find("TIME                 PID     PPID  PARENT           ERRNO    COMMAND\n"), 0U)
      << report.out;
  EXPECT_NE(report.out.find("  -        " + tiny_ + " \"two words\" \\x1b[2J\n"), std::string::npos) << report.out;
  EXPECT_NE(report.out.find("  ENOENT   " + (folder_ / "none") + " \"\"\n"), std::string::npos) << report.out;
}

TEST_F(ExecsnoopOutput, HasFileAndArgumentsApartInJson) {
  const auto report = trace("execsnoop", {"--ppid", ppid_}, [&] { start_in_child({tiny_, {"a"}}); });
  ASSERT_EQ(report.events.size(), 1U);
  Words keys;
  for (const auto& member : report.events[0].members()) keys.push_back(member.first);
  EXPECT_EQ(keys, (Words{"type", "time", "pid", "ppid", "parent", "errno", "errno_raw", "file", "argv"}));
  const Json schema = Json::parse(run({"execsnoop", "--schema"}).out);
  EXPECT_TRUE(schema["properties"].has("argv"));
  EXPECT_FALSE(schema["properties"].has("command"));
}

}  // namespace
}  // namespace sonde::test
