// SPDX-License-Identifier: GPL-2.0-or-later
// Every exec, and every column of it.
#include "execsnoop.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstring>
#include <thread>

namespace sonde::test {
namespace {

constexpr const char* all_exec_columns =
    "time,pid,tid,ppid,uid,user,parent,comm,errno,cgroup,cwd,exe,file,argv,command";

std::int64_t wall_now() {
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::string own_comm() {
  char comm[16] = {};
  prctl(PR_GET_NAME, comm);
  return comm;
}

TEST_P(Execsnoop, ShowsWhoStartedWhat) {
  const auto user = ordinary_user();
  const Cgroup cgroup("sonde-exec");
  if (!cgroup.trouble().empty()) GTEST_SKIP() << cgroup.trouble();
  const Words argv{"name", "two words", ""};
  const auto before = wall_now();
  const auto prepare = [&] {
    cgroup.enter();
    if (chdir("/proc") != 0) fail("no /proc");
    become(user.uid);
    set_comm("caller");
  };
  pid_t pids[2] = {};
  const auto report = watch({"-C", all_exec_columns}, [&] {
    for (const bool there : {true, false}) {
      Child child([&] {
        prepare();
        start({there ? tiny_ : folder_ / "none", argv});
        return 1;
      });
      pids[there ? 0 : 1] = child.pid();
      EXPECT_EQ(child.wait(), there ? tiny_code : 1);
    }
  });
  const auto after = wall_now();
  ASSERT_EQ(report.events.size(), 2U);
  for (int i = 0; i < 2; ++i) {
    const auto& row = report.events[static_cast<std::size_t>(i)];
    SCOPED_TRACE(testing::Message() << row);
    const std::string file = i == 0 ? tiny_ : folder_ / "none";
    EXPECT_GE(wall_ns(row["time"].text()), before - 100'000'000);
    EXPECT_LE(wall_ns(row["time"].text()), after + 100'000'000);
    EXPECT_EQ(row["pid"].number(), pids[i]);
    EXPECT_EQ(row["tid"].number(), pids[i]);
    EXPECT_EQ(row["ppid"].number(), getpid());
    EXPECT_EQ(row["uid"].number(), user.uid);
    EXPECT_EQ(row["user"].text(), user.name);
    EXPECT_EQ(row["parent"].text(), own_comm());
    EXPECT_EQ(row["comm"].text(), i == 0 ? "tiny" : "caller");
    EXPECT_EQ(row["errno"].null(), i == 0);
    EXPECT_EQ(row["errno_raw"].number(), i == 0 ? 0 : ENOENT);
    EXPECT_EQ(row["cgroup"].text(), cgroup.path());
    EXPECT_EQ(row["cwd"].text(), "/proc");
    EXPECT_EQ(row["exe"].text(), i == 0 ? tiny_ : "");
    EXPECT_EQ(row["exe"].null(), i != 0);
    EXPECT_EQ(row["file"].text(), file);
    EXPECT_EQ(strings(row["argv"]), argv);
    EXPECT_EQ(strings(row["command"]), (Words{file, "two words", ""}));
    EXPECT_FALSE(row.has("argv_cut"));
  }
}

TEST_P(Execsnoop, ShowsEveryFailure) {
  const auto plain = folder_.file("plain", "text", 0644), text = folder_.file("text", "no program", 0755);
  const Fd directory(open((folder_ / "").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const int fd = directory.get();
  const std::string from_fd = "/dev/fd/" + std::to_string(fd);
  struct Case {
    Start start;
    const char* error;
    std::string file;
  };
  const std::vector<Case> cases = {{{folder_ / "none", {"a", "b"}}, "ENOENT", folder_ / "none"},
                                   {{plain, {"plain"}}, "EACCES", plain},
                                   {{text, {"text"}}, "ENOEXEC", text},
                                   {{plain + "/x", {"x"}}, "ENOTDIR", plain + "/x"},
                                   {{"", {"nothing"}}, "ENOENT", ""},
                                   {{"none", {"a"}, fd}, "ENOENT", from_fd + "/none"},
                                   {{"", {"a"}, fd, AT_EMPTY_PATH}, "EACCES", from_fd},
                                   {{"none", {"a"}, AT_FDCWD}, "ENOENT", "none"},
                                   {{tiny_, {"a"}, fd, 0x40}, "EINVAL", tiny_},
                                   {{"x", {"a"}, 4000}, "EBADF", "/dev/fd/4000/x"},
                                   {{folder_ / "none", {}}, "ENOENT", folder_ / "none"}};
  const auto report = watch({"-C", "errno,file,argv,pid,tid"}, [&] {
    Child child([&] {
      for (const auto& each : cases) start(each.start);
      return 0;
    });
    EXPECT_EQ(child.wait(), 0);
  });
  ASSERT_EQ(report.events.size(), cases.size());
  for (std::size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE(testing::Message() << report.events[i]);
    EXPECT_EQ(report.events[i]["errno"].text(), cases[i].error);
    EXPECT_EQ(report.events[i]["file"].text(), cases[i].file);
    EXPECT_EQ(strings(report.events[i]["argv"]), cases[i].start.argv);
    EXPECT_FALSE(report.events[i].has("argv_cut"));
  }
}

TEST_P(Execsnoop, SaysWhatCouldNotBeRead) {
  const std::string none = folder_ / "none", first = "first";  // in memory that is there, unlike a literal's
  const char* const half[] = {first.c_str(), reinterpret_cast<const char*>(8), nullptr};
  const auto report = watch({"-C", "errno,file,argv"}, [&] {
    Child child([&] {
      start_at(reinterpret_cast<const void*>(8), half);
      start_at(none.c_str(), reinterpret_cast<const void*>(8));
      start_at(tiny_.c_str(), reinterpret_cast<const void*>(8));
      start_at(none.c_str(), nullptr);
      return 0;
    });
    EXPECT_EQ(child.wait(), 0);
  });
  ASSERT_EQ(report.events.size(), 4U);
  EXPECT_EQ(report.events[0]["errno"].text(), "EFAULT");
  EXPECT_TRUE(report.events[0]["file"].null());
  EXPECT_EQ(strings(report.events[0]["argv"]), Words{"first"});
  EXPECT_TRUE(report.events[0]["argv_cut"].is_true());
  EXPECT_TRUE(report.events[1]["argv"].null());
  EXPECT_EQ(report.events[2]["errno"].text(), "EFAULT");
  EXPECT_EQ(report.events[2]["file"].text(), tiny_);
  EXPECT_FALSE(report.events[3]["argv"].null());
  EXPECT_TRUE(strings(report.events[3]["argv"]).empty());
}

// Too late to fail: the old program is gone, and its arguments with it.
TEST_P(Execsnoop, ShowsAnExecThatKilledTheProcess) {
  std::string program = tiny_program("/", false);
  const std::uint64_t no_user_address = 0xffff'8000'0000'0000;
  constexpr std::size_t address_at = 64 + 16;
  std::memcpy(program.data() + address_at, &no_user_address, sizeof(no_user_address));
  const auto deadly = folder_.file("deadly", program, 0755);
  const auto report = watch({"-C", "errno,file,argv"}, [&] { EXPECT_GT(start_in_child({deadly, {"a"}}), 128); });
  ASSERT_EQ(report.events.size(), 1U);
  EXPECT_FALSE(report.events[0]["errno"].null());
  EXPECT_TRUE(report.events[0]["file"].null());
  EXPECT_TRUE(report.events[0]["argv"].null());
}

TEST_P(Execsnoop, ShowsScriptsOnce) {
  const auto script = folder_.file("script", "#!" + tiny_ + " one argument\n", 0755);
  const auto nested = folder_.file("nested", "#!" + script + "\n", 0755);
  const auto lost = folder_.file("lost", "#!" + (folder_ / "none") + "\n", 0755);
  const auto report = watch({"-C", "errno,exe,file,argv,command,comm"}, [&] {
    EXPECT_EQ(start_in_child({script, {"unused", "x"}}), tiny_code);
    EXPECT_EQ(start_in_child({nested, {"unused"}}), tiny_code);
    EXPECT_EQ(start_in_child({lost, {"lost", "x"}}), 1);
  });
  ASSERT_EQ(report.events.size(), 3U);
  const Words expected[] = {{tiny_, "one argument", script, "x"}, {tiny_, "one argument", script, nested}};
  for (std::size_t i = 0; i < 2; ++i) {
    const auto& row = report.events[i];
    EXPECT_TRUE(row["errno"].null());
    EXPECT_EQ(row["file"].text(), i == 0 ? script : nested);
    EXPECT_EQ(row["exe"].text(), tiny_);
    EXPECT_EQ(row["comm"].text(), i == 0 ? "script" : "nested");
    EXPECT_EQ(strings(row["argv"]), expected[i]);
    EXPECT_EQ(strings(row["command"]), expected[i]);
  }
  EXPECT_EQ(report.events[2]["errno"].text(), "ENOENT");
  EXPECT_EQ(report.events[2]["file"].text(), lost);
}

TEST_P(Execsnoop, ShowsFilesGivenByDescriptor) {
  const Fd directory(open((folder_ / "").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const Fd file(open(tiny_.c_str(), O_PATH | O_CLOEXEC)), memory = memory_file("in-memory");
  const auto program = tiny_program("/", false);
  ASSERT_EQ(write(memory.get(), program.data(), program.size()), static_cast<ssize_t>(program.size()));
  const auto report = watch({"-C", "errno,exe,file,argv"}, [&] {
    EXPECT_EQ(start_in_child({"tiny", {"a"}, directory.get()}), tiny_code);
    EXPECT_EQ(start_in_child({"", {"b"}, file.get(), AT_EMPTY_PATH}), tiny_code);
    Child child([&] {
      char name[] = "c", *argv[] = {name, nullptr}, *environment[] = {nullptr};
      return fexecve(memory.get(), argv, environment);
    });
    EXPECT_EQ(child.wait(), tiny_code);
  });
  ASSERT_EQ(report.events.size(), 3U);
  const auto descriptor = [](const Fd& fd) { return "/dev/fd/" + std::to_string(fd.get()); };
  EXPECT_EQ(report.events[0]["file"].text(), descriptor(directory) + "/tiny");
  EXPECT_EQ(report.events[0]["exe"].text(), tiny_);
  EXPECT_EQ(report.events[1]["file"].text(), descriptor(file));
  EXPECT_EQ(report.events[1]["exe"].text(), tiny_);
  EXPECT_EQ(report.events[2]["file"].text(), descriptor(memory));
  EXPECT_NE(report.events[2]["exe"].text().find("memfd:in-memory"), std::string::npos);
  EXPECT_EQ(strings(report.events[2]["argv"]), Words{"c"});
}

// The caller takes over the number of the leader.
TEST_P(Execsnoop, ShowsAnExecOfAnotherThread) {
  Shared<pid_t> caller;
  pid_t pid = 0;
  const auto report = watch({"-C", "pid,tid,errno,argv"}, [&] {
    Child child([&] {
      std::thread([&] {
        *caller = static_cast<pid_t>(syscall(SYS_gettid));
        start({folder_ / "none", {"failed"}});
        start({tiny_, {"done"}});
      }).join();
      return 1;
    });
    pid = child.pid();
    EXPECT_EQ(child.wait(), tiny_code);
  });
  ASSERT_EQ(report.events.size(), 2U);
  EXPECT_NE(*caller, pid);
  for (const auto& row : report.events) {
    EXPECT_EQ(row["pid"].number(), pid);
    EXPECT_EQ(row["tid"].number(), *caller);
  }
  EXPECT_EQ(strings(report.events[1]["argv"]), Words{"done"});
}

TEST_P(Execsnoop, ShowsBothAbis) {
  if (!has_compat()) GTEST_SKIP() << "this kernel makes no 32-bit calls";
  const auto narrow = folder_.file("narrow", tiny_program("/", true), 0755);
  const Fd directory(open((folder_ / "").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const Words argv{"a", "", "c"};
  const std::string none = folder_ / "none", from_fd = "/dev/fd/" + std::to_string(directory.get());
  const auto report = watch(by("tracepoint") ? Words{"--compat"} : Words{}, [&] {
    EXPECT_EQ(start_in_child({narrow, argv}), tiny_code);
    EXPECT_EQ(start_in_child({tiny_, argv, {}, 0, true}), tiny_code);
    EXPECT_EQ(start_in_child({"narrow", argv, directory.get(), 0, true}), tiny_code);
    EXPECT_EQ(start_in_child({none, argv, {}, 0, true}), 1);
    EXPECT_EQ(start_in_child({"none", argv, directory.get(), 0, true}), 1);
  });
  const Words files{narrow, tiny_, from_fd + "/narrow", none, from_fd + "/none"};
  ASSERT_EQ(report.events.size(), files.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    EXPECT_EQ(report.events[i]["file"].text(), files[i]);
    EXPECT_EQ(strings(report.events[i]["argv"]), argv) << report.events[i];
    EXPECT_EQ(report.events[i]["errno"].null(), i < 3);
  }
  EXPECT_EQ(report.scope(), "");
}

TEST_P(Execsnoop, SaysWhatItDoesNotSee) {
  const auto report = watch({}, [&] { EXPECT_EQ(start_in_child({tiny_, {"a"}}), tiny_code); });
  EXPECT_EQ(report.scope(), by("tracepoint") ? "not 32-bit calls that fail" : "");
}

TEST_P(Execsnoop, ShowsOnlyTheResultsAskedFor) {
  const auto plain = folder_.file("plain");
  const auto errors = [&](const Words& words) {
    Words found;
    const auto report = watch(words, [&] {
      start_in_child({tiny_, {"a"}});
      start_in_child({plain, {"a"}});
      start_in_child({folder_ / "none", {"a"}});
    });
    for (const auto& row : report.events) found.push_back(row["errno"].null() ? "" : row["errno"].text());
    return found;
  };
  EXPECT_EQ(errors({}), (Words{"", "EACCES", "ENOENT"}));
  EXPECT_EQ(errors({"-x"}), (Words{"EACCES", "ENOENT"}));
  EXPECT_EQ(errors({"--errno", "ENOENT"}), Words{"ENOENT"});
}

}  // namespace
}  // namespace sonde::test
