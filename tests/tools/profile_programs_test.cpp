// SPDX-License-Identifier: GPL-2.0-or-later
// Programs of many kinds, met where they compute and found where they wait.
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "support/sonde.h"
#include "traced.h"

namespace sonde::test {
namespace {

constexpr const char* rust_name = "<example::Terminal>::call";
constexpr const char* cpp_name = "mill::Wheel<int>::turn(char const*)";

bool in_order(const Words& frames, const Words& wanted) {
  return std::search(frames.begin(), frames.end(), wanted.begin(), wanted.end()) != frames.end();
}

/// The same of both tools: one meets it where it computes (@), the other finds it where it sleeps (~).
class Programs : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (const auto& why = refusal(GetParam(), "")) GTEST_SKIP() << *why;
#ifndef __x86_64__
    GTEST_SKIP() << "these chains of calls are for x86-64";
#endif
  }
  [[nodiscard]] const char* how() const { return GetParam() == "profile" ? "@" : "~"; }

  /// Whether the report has these frames one behind the other, in a row of that process.
  [[nodiscard]] static bool has(const Report& report, pid_t pid, const Words& wanted) {
    return std::any_of(report.rows.begin(), report.rows.end(), [&](const Json& row) {
      return row["pid"].number() == pid && in_order(names(row["stack"]), wanted);
    });
  }
  /// Runs the tool until the child, which waits at the gate, is where it is to be found; `gone`: and has ended.
  Report watch(Child& child, const Gate& go, bool gone) {
    Sonde sonde({GetParam(), "-f", "json", "-p", std::to_string(child.pid())});
    if (!sonde.ready()) fail("sonde ended at once: " + sonde.end().err);
    go.open();
    const std::string state = "/proc/" + std::to_string(child.pid()) + "/stat";
    const TaskView view(child.pid());
    wait_until("it is there", [&] {
      if (GetParam() == "profile") return cpu_ticks(state) > 20;
      return view.blocked_in() == SYS_pause || view.blocked_in() == SYS_nanosleep;
    });
    if (gone) {
      child.signal(SIGKILL);
      child.wait();
    }
    const auto report = sonde.end(SIGINT);
    EXPECT_EQ(report.code, 0) << report.err;
    return report;
  }

 private:
  // utime and stime, in hundredths of a second.
  static long cpu_ticks(const std::string& file) {
    const std::string text = contents(file);
    std::istringstream rest(text.substr(std::min(text.size(), text.rfind(')') + 1)));
    std::string word;
    long ticks = 0;
    for (int i = 3; i <= 15 && rest >> word; ++i)
      if (i >= 14) ticks += std::stol(word);
    return ticks;
  }
};

TEST_P(Programs, HaveTheirNamesAsTheyWereWritten) {
  const Gate go;
  Child child([&] {
    go.pass();
    execl(program("names").c_str(), "names", how(), nullptr);
    return 1;
  });
  const auto report = watch(child, go, true);
  EXPECT_TRUE(has(report, child.pid(), {rust_name, cpp_name, "main"})) << report.out;
}

TEST_P(Programs, HaveTheNamesOfASeparateDebugFile) {
  const Gate go;
  Child child([&] {
    go.pass();
    execl(program("chain.stripped").c_str(), "chain", how(), "0", "0", nullptr);
    return 1;
  });
  const auto report = watch(child, go, true);
  EXPECT_TRUE(has(report, child.pid(), {"third", "second", "first", "begin", "_start"})) << report.out;
}

// With a frame of its own: goes round for ever, or calls pause() again and again.
constexpr unsigned char compiled_loop[] = {0x55, 0x48, 0x89, 0xe5, 0xeb, 0xfe};
constexpr unsigned char compiled_pause[] = {0x55, 0x48, 0x89, 0xe5, 0xb8, 34, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7};

TEST_P(Programs, HaveTheNamesThatACompilerWritesDown) {
  const Gate go;
  Child child([&] {
    go.pass();
    const int rights = PROT_READ | PROT_WRITE | PROT_EXEC;
    void* at = mmap(nullptr, 4096, rights, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) return 1;
    const bool loops = GetParam() == "profile";
    std::memcpy(at, loops ? compiled_loop : compiled_pause, loops ? sizeof(compiled_loop) : sizeof(compiled_pause));
    std::ofstream("/tmp/perf-" + std::to_string(getpid()) + ".map")
        << std::hex << reinterpret_cast<std::uintptr_t>(at) << " 10 Interpreter::loop (of a script)\n";
    reinterpret_cast<void (*)()>(at)();
    return 0;
  });
  const auto report = watch(child, go, false);
  unlink(("/tmp/perf-" + std::to_string(child.pid()) + ".map").c_str());
  EXPECT_TRUE(has(report, child.pid(), {"Interpreter::loop (of a script)"})) << report.out;
}

// Where it runs nobody else sees its file, and it has another number.
TEST_P(Programs, AreFoundInOtherNamespaces) {
  const Folder folder;
  const Gate go;
  Child child(
      [&] {
        go.pass();
        if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return 2;
        const std::string own = program("names"), there = folder / "hidden";
        std::ifstream in(own, std::ios::binary);
        const std::string bytes((std::istreambuf_iterator<char>(in)), {});
        if (mount("tmpfs", (folder / "").c_str(), "tmpfs", 0, nullptr) != 0) return 3;
        std::ofstream(there, std::ios::binary) << bytes;
        std::filesystem::permissions(there, std::filesystem::perms::owner_all);
        execl(there.c_str(), "names", how(), nullptr);
        return 1;
      },
      CLONE_NEWNS | CLONE_NEWPID);
  // Of a file that is gone with its namespace there is nothing to be read.
  const auto report = watch(child, go, false);
  EXPECT_TRUE(has(report, child.pid(), {rust_name, cpp_name, "main"})) << report.out;
  for (const auto& row : report.rows)
    for (const auto& frame : row["stack"].items())
      if (frame["symbol"].text() == cpp_name) {
        EXPECT_EQ(frame["module"].text(), folder / "hidden");
      }
}

INSTANTIATE_TEST_SUITE_P(Tools, Programs, testing::Values("profile", "offcputime"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace sonde::test
