// SPDX-License-Identifier: GPL-2.0-or-later
// Stacks beneath events: --kstack and --ustack, by way of opensnoop.
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "opensnoop.h"

namespace sonde::test {
namespace {

constexpr const char* target = "/nonexistent/at the end of a chain";

int run_program(const std::string& file, int depth = 0, int how = 0) {
  return Child([&] {
           const std::string depths = std::to_string(depth), hows = std::to_string(how);
           execl(file.c_str(), "chain", target, depths.c_str(), hows.c_str(), nullptr);
           return 1;
         })
      .wait();
}

// Its only event in the report.
Json stack_of(const Report& report, const std::string& key = "ustack") {
  const auto events = report.where("path", std::string_view(target));
  EXPECT_EQ(events.size(), 1U) << report.out;
  return events.empty() ? Json() : events[0][key];
}

const Words options{"--path", target, "--ustack"};

class Stacks : public OpensnoopOnce {
 protected:
  void SetUp() override {
    OpensnoopOnce::SetUp();
#ifndef __x86_64__
    if (!IsSkipped()) GTEST_SKIP() << "these chains of calls are for x86-64";
#endif
  }
};

TEST_P(Opensnoop, ShowsTheStackOfTheKernel) {
  const auto report = watch(own({"--path", target, "--kstack"}), [] { make_load(target, 1); });
  const Json stack = stack_of(report, "kstack");
  const Words frames = names(stack);
  if (by("tracepoint") && frames.empty()) {  // before 6.12 or so
    EXPECT_TRUE(report.noted("1 event has no stack of the kernel")) << report.out;
    return;
  }
  if (by("kprobe") && frames.back() == "[broken]") return;  // 5.10 does not see behind its own trampoline
  ASSERT_GE(frames.size(), 2U) << stack;
  EXPECT_TRUE(std::none_of(frames.begin(), frames.end(), [](const auto& name) {
    return name.find("bpf") != std::string::npos || name == "?";
  })) << stack;
  for (const auto& frame : stack.items()) EXPECT_EQ(frame["module"].text(), "[kernel]") << stack;
#ifdef __x86_64__
  EXPECT_EQ(frames.back().find("entry_SYSCALL_64"), 0U) << stack;
#endif
  if (by("fexit")) {
    EXPECT_NE(frames.front().find("sys_openat"), std::string::npos) << stack;
  }
}

TEST_F(Stacks, OfAProgramIsKnownFrameByFrame) {
  const auto report = watch(options, [] { EXPECT_EQ(run_program(program("chain"), 2), 0); });
  const Json stack = stack_of(report);
  EXPECT_EQ(names(stack), (Words{"third", "second", "first", "first", "first", "begin", "_start"})) << stack;
  for (const auto& frame : stack.items()) {
    EXPECT_EQ(frame["module"].text(), program("chain"));
    EXPECT_GT(frame["offset"].number(), 0);
    EXPECT_LT(frame["offset"].number(), 400);
  }
}

// Each tool that shows events of a program has its stack.
TEST_F(Stacks, AreThereForEveryTool) {
  const std::vector<Words> tools{{"naptime"},
                                 {"syslat", "nanosleep", "--slower", "1us"},
                                 {"sigsnoop", "--signal", "CONT"},
                                 {"cswitch", "--events"}};
  for (const auto& tool : tools) {
    SCOPED_TRACE(tool.front());
    Words words(tool.begin() + 1, tool.end());
    words.insert(words.end(), {"--ustack", "-c", "chain"});
    const auto report = trace(tool.front(), words, [] { EXPECT_EQ(run_program(program("chain")), 0); });
    const auto slept = [](const Json& event) { return event["state"].null() || event["state"].text() == "S"; };
    const auto event = std::find_if(report.events.begin(), report.events.end(), [&](const Json& one) {
      return tool.front() != "cswitch" || (one["prev_comm"].text() == "chain" && slept(one));
    });
    ASSERT_NE(event, report.events.end()) << report.out;
    const Json stack = (*event)["ustack"];
    EXPECT_EQ(names(stack), (Words{"third", "second", "first", "begin", "_start"})) << stack;
  }
}

TEST_F(Stacks, AreCutWhereTheKernelCutsThem) {
  const auto report = watch(options, [] { EXPECT_EQ(run_program(program("chain"), 200), 0); });
  const Words frames = names(stack_of(report));
  ASSERT_EQ(frames.size(), 128U);
  EXPECT_EQ(frames[0], "third");
  EXPECT_EQ(frames[126], "first");
  EXPECT_EQ(frames[127], "[cut]");
}

TEST_F(Stacks, SayWhereTheChainHasAGap) {
  const auto report = watch(options, [] { EXPECT_EQ(run_program(program("chain"), 0, 1), 0); });
  const Json stack = stack_of(report);
  EXPECT_EQ(names(stack), (Words{"third", "frameless", "[gap]", "first", "begin", "_start"})) << stack;
  EXPECT_TRUE(stack.items().at(2)["module"].null() && stack.items().at(2)["offset"].null());
}

TEST_F(Stacks, SayWhereTheChainBreaks) {
  const auto report = watch(options, [] { EXPECT_EQ(run_program(program("chain"), 0, 2), 0); });
  EXPECT_EQ(names(stack_of(report)), (Words{"third", "misused", "[broken]"}));
}

TEST_F(Stacks, FindNamesInASeparateDebugFile) {
  const Folder folder;
  const std::string file = folder / "chain.stripped";
  std::filesystem::copy_file(program("chain.stripped"), file);
  const auto without = watch(options, [&] { EXPECT_EQ(run_program(file), 0); });
  const Json bare = stack_of(without);
  for (const auto& frame : bare.items())
    EXPECT_TRUE(frame["symbol"].null() && frame["module"].text() == file && frame["offset"].number() > 0) << bare;
  std::filesystem::copy_file(program("chain.debug"), folder / "chain.debug");
  const auto with = watch(options, [&] { EXPECT_EQ(run_program(file), 0); });
  EXPECT_EQ(names(stack_of(with)), (Words{"third", "second", "first", "begin", "_start"}));
}

// What sonde knows of a process that is gone when its names are looked up: `meanwhile` happens between the two.
Json stack_of_the_gone(const std::string& file, const std::function<void()>& meanwhile) {
  Sonde sonde(opensnoop(options));
  EXPECT_TRUE(sonde.ready());
  sonde.signal(SIGSTOP);
  EXPECT_EQ(run_program(file), 0);
  meanwhile();
  sonde.signal(SIGCONT);
  return stack_of(sonde.end(SIGINT));
}

TEST_F(Stacks, KeepTheNamesOfAProcessThatIsGone) {
  const Json stack = stack_of_the_gone(program("chain"), [] {});
  EXPECT_EQ(names(stack), (Words{"third", "second", "first", "begin", "_start"})) << stack;
}

TEST_F(Stacks, NameTheModuleWhereItsFileIsGone) {
  const Folder folder;
  const std::string file = folder / "chain";
  std::filesystem::copy_file(program("chain"), file);
  const Json stack = stack_of_the_gone(file, [&] { std::filesystem::remove(file); });
  ASSERT_EQ(stack.items().size(), 6U) << stack;  // and whether it is whole is not known any more
  for (std::size_t i = 0; i < 5; ++i)
    EXPECT_TRUE(stack.items()[i]["symbol"].null() && stack.items()[i]["module"].text() == file) << stack;
  EXPECT_EQ(names(stack).back(), "[broken]");
}

TEST_F(Stacks, TakeNoNamesFromAnotherFileInItsPlace) {
  const Folder folder;
  const std::string file = folder / "chain";
  std::filesystem::copy_file(program("chain"), file);
  const Json stack = stack_of_the_gone(file, [&] {
    std::filesystem::remove(file);
    std::filesystem::copy_file(program("chain"), file);
  });
  EXPECT_EQ(names(stack), (Words{"?", "?", "?", "?", "?", "[broken]"})) << stack;
}

// The new file may well get the number of the old one.
TEST_F(Stacks, TakeNoNamesFromTheFileThatWasThereBefore) {
  const Folder folder;
  const std::string file = folder / "program";
  const Words whole{"third", "second", "first", "begin", "_start"};
  Sonde sonde(opensnoop(options));
  ASSERT_TRUE(sonde.ready());
  for (const char* name : {"chain", "chain.stripped", "chain"}) {
    std::filesystem::remove(file);
    std::filesystem::copy_file(program(name), file);
    const auto before = sonde.output().size();
    EXPECT_EQ(run_program(file), 0);
    wait_until("a row", [&] { return sonde.output().size() > before; });
  }
  for (const auto& event : sonde.end(SIGINT).where("path", std::string_view(target))) {
    const Words frames = names(event["ustack"]);  // just built, and gone at once: it may not be sure of it
    EXPECT_TRUE(frames == whole || frames.front() == "?") << event;
  }
}

TEST_F(Stacks, LeaveOutTheProcessThatLooksUpNames) {
  Sonde sonde(opensnoop({"--ustack", "--kstack"}));
  ASSERT_TRUE(sonde.ready());
  EXPECT_EQ(run_program(program("chain")), 0);
  const auto report = sonde.end(SIGINT);
  EXPECT_EQ(report.where("path", std::string_view(target)).size(), 1U);
  EXPECT_TRUE(report.where("comm", std::string_view("sonde-symbols")).empty());
  EXPECT_TRUE(report.where("pid", sonde.pid()).empty());
}

pid_t child_of(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) + "/children";
  return std::atoi(contents(path).c_str());
}

// As with a mount that hangs.
TEST_F(Stacks, GoOnWhereNamesCannotBeLookedUp) {
  Sonde sonde(opensnoop(options));
  ASSERT_TRUE(sonde.ready());
  const pid_t looker = child_of(sonde.pid());
  ASSERT_GT(looker, 0);
  kill(looker, SIGSTOP);
  EXPECT_EQ(run_program(program("chain")), 0);
  wait_until("another process looks up names", [&] {
    const pid_t other = child_of(sonde.pid());
    return other > 0 && other != looker;
  });
  EXPECT_EQ(run_program(program("chain.stripped")), 0);
  const auto report = sonde.end(SIGINT);
  EXPECT_EQ(report.code, 0);
  const auto events = report.where("path", std::string_view(target));
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(names(events[0]["ustack"]), (Words{"?", "?", "?", "?", "?", "[broken]"}));
  EXPECT_EQ(names(events[1]["ustack"]), (Words{"third", "second", "first", "begin", "_start"}));
  EXPECT_TRUE(report.noted("1 file was not read for names")) << report.out;
}

#ifdef __x86_64__
// Compiled at run time: open(path), with a frame.
Json stack_of_the_compiled(const std::function<void(const std::string& map, const void* code)>& prepare) {
  const unsigned char code[] = {0x55, 0x48, 0x89, 0xe5, 0x31, 0xf6, 0xb8, 2, 0, 0, 0, 0x0f, 0x05, 0x5d, 0xc3};
  Sonde sonde(opensnoop(options));
  EXPECT_TRUE(sonde.ready());
  const Gate shown;
  Child child([&] {
    const int rights = PROT_READ | PROT_WRITE | PROT_EXEC;
    void* at = mmap(nullptr, 4096, rights, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) return 1;
    std::memcpy(at, code, sizeof(code));
    const std::string map = "/tmp/perf-" + std::to_string(getpid()) + ".map";
    prepare(map, at);
    reinterpret_cast<void (*)(const char*)>(at)(target);
    shown.pass();  // it is there while its names are looked up
    unlink(map.c_str());
    return 0;
  });
  wait_until("the row is shown", [&] { return sonde.output().find(target) != std::string::npos; });
  shown.open();
  EXPECT_EQ(child.wait(), 0);
  return stack_of(sonde.end(SIGINT));
}

TEST_F(Stacks, NameWhatWasCompiledAtRunTime) {
  const Json stack = stack_of_the_compiled([](const std::string& map, const void* code) {
    std::ofstream(map) << std::hex << reinterpret_cast<std::uintptr_t>(code) << " 10 Interpreter::loop (of a script)\n";
  });
  ASSERT_FALSE(stack.items().empty());
  EXPECT_EQ(names(stack).front(), "Interpreter::loop (of a script)") << stack;
  EXPECT_EQ(stack.items()[0]["module"].text(), "[anon]");
  EXPECT_EQ(stack.items()[0]["offset"].number(), 13);
}

TEST_F(Stacks, AreNotStoppedByAMapThatIsNoFile) {
  const Json stack = stack_of_the_compiled([](const std::string& map, const void*) { mkfifo(map.c_str(), 0600); });
  ASSERT_FALSE(stack.items().empty());
  EXPECT_EQ(names(stack).front(), "?") << stack;
  EXPECT_EQ(stack.items()[0]["module"].text(), "[anon]");
}

TEST_F(Stacks, TakeNoMapOfAnotherUser) {
  const Json stack = stack_of_the_compiled([](const std::string& map, const void* code) {
    std::ofstream(map) << std::hex << reinterpret_cast<std::uintptr_t>(code) << " 10 forged\n";
    if (chown(map.c_str(), 12345, 12345) != 0) std::abort();
  });
  ASSERT_FALSE(stack.items().empty());
  EXPECT_EQ(names(stack).front(), "?") << stack;
}
#endif

TEST_F(Stacks, HonourThatTheKernelHidesItsAddresses) {
  const char* setting = "/proc/sys/kernel/kptr_restrict";
  if (!in_guest()) GTEST_SKIP() << "a setting of the whole machine: only in a guest";
  const std::string before = contents(setting);
  std::ofstream(setting) << "2";
  const auto report = watch(own({"--path", target, "--kstack"}), [] { make_load(target, 1); });
  std::ofstream(setting) << before;
  EXPECT_EQ(names(stack_of(report, "kstack")), Words{"[hidden]"});
  EXPECT_TRUE(report.noted("kptr_restrict = 2")) << report.out;
}

TEST_F(Stacks, StandBeneathTheRow) {
  Sonde sonde({"opensnoop", "--path", target, "--ustack", "-C", "comm"});
  ASSERT_TRUE(sonde.ready());
  EXPECT_EQ(run_program(program("chain"), 0, 1), 0);
  const auto report = sonde.end(SIGINT);
  EXPECT_NE(report.out.find("chain\n    ustack: third+0x"), std::string::npos) << report.out;
  EXPECT_NE(report.out.find("\n            [gap]\n            first+0x"), std::string::npos) << report.out;
}

TEST_F(Stacks, AreNotOfferedWhereTheyMeanNothing) {
  for (const char* tool : {"execsnoop", "exitsnoop"}) {
    EXPECT_EQ(run({tool, "--ustack", "-d", "1ms"}).code, 2) << tool;
    EXPECT_EQ(run({tool, "--kstack", "-d", "1ms"}).code, 0) << tool;
  }
}

}  // namespace
}  // namespace sonde::test
