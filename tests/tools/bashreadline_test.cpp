// SPDX-License-Identifier: GPL-2.0-or-later
// Lines that shells read: of this program, which has a function of that name, of copies of it that are named bash, and
// of a real bash where there is one.
#include "bashreadline.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>

#include "support/calls.h"
#include "traced.h"

extern "C" {
[[gnu::noinline, gnu::used]] char* readline(const char* line) {
  asm volatile("" : "+r"(line));
  return const_cast<char*>(line);
}
}

namespace sonde::test {

void type_line(const char* line) {
  char* (*volatile function)(const char*) = readline;
  function(line);
}

namespace {

const char* const all_columns = "time,pid,tid,ppid,uid,user,comm,cgroup,command";

std::string own_program() { return std::filesystem::read_symlink("/proc/self/exe"); }

std::int64_t now() {
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// A process that takes lines from us.
class Shell {
 public:
  explicit Shell(
      const std::string& program, const std::function<void()>& prepare = [] {})
      : child_([&] {
          prepare();
          dup2(input_.out.get(), STDIN_FILENO);
          input_.in.reset();
          execl(program.c_str(), "bash", "--act", "lines", nullptr);
          return 127;
        }) {
    input_.out.reset();
    // It has begun to run when it waits for a line.
    const TaskView view(child_.pid());
    wait_until("a shell", [&] { return view.blocked_in() == SYS_read; });
  }
  void type(const std::string& line) const {
    const std::string text = line + "\n";
    if (write(input_.in.get(), text.data(), text.size()) < 0) fail("the shell is gone");
  }
  int end() {
    input_.in.reset();
    return child_.wait();
  }
  [[nodiscard]] pid_t pid() const { return child_.pid(); }

 private:
  Pipe input_;
  Child child_;
};

class Bashreadline : public testing::Test {
 protected:
  void SetUp() override {
    const auto report = run({"bashreadline", "--binary", own_program(), "-d", "1ms"});
    if (report.code == 3 || report.code == 4) GTEST_SKIP() << report.err.substr(0, report.err.find('\n'));
  }
  // Lines of the test's own program.
  static Report watch(Words words, const std::function<void()>& work) {
    words.insert(words.end(), {"--binary", own_program()});
    return trace("bashreadline", words, work);
  }
  static Report watch_own(Words words, const std::function<void()>& work) {
    words.insert(words.end(), {"-p", std::to_string(getpid())});
    return watch(words, work);
  }
};

TEST_F(Bashreadline, ShowsWhoTypedWhat) {
  const auto user = ordinary_user();
  const Cgroup cgroup("sonde-lines");
  if (!cgroup.trouble().empty()) GTEST_SKIP() << cgroup.trouble();
  const Gate go;
  Child child([&] {
    cgroup.enter();
    become(user.uid);
    set_comm("the shell");
    go.pass();
    type_line("echo hello");
    type_line(nullptr);  // the end of its input
    return 0;
  });
  const auto before = now();
  const auto report = watch({"-C", all_columns, "-p", std::to_string(child.pid())}, [&] {
    go.open();
    EXPECT_EQ(child.wait(), 0);
  });
  ASSERT_EQ(report.events.size(), 1U);
  const auto& row = report.events[0];
  SCOPED_TRACE(testing::Message() << row);
  EXPECT_GE(wall_ns(row["time"].text()), before - 100'000'000);
  EXPECT_LE(wall_ns(row["time"].text()), now() + 100'000'000);
  EXPECT_EQ(row["pid"].number(), child.pid());
  EXPECT_EQ(row["tid"].number(), child.pid());
  EXPECT_EQ(row["ppid"].number(), getpid());
  EXPECT_EQ(row["uid"].number(), user.uid);
  EXPECT_EQ(row["user"].text(), user.name);
  EXPECT_EQ(row["comm"].text(), "the shell");
  EXPECT_EQ(row["cgroup"].text(), cgroup.path());
  EXPECT_EQ(row["command"].text(), "echo hello");
  EXPECT_EQ(report.rung(), "uretprobe");
  EXPECT_EQ(report.scope(), own_program());
}

TEST_F(Bashreadline, ShowsEachLineAsItIs) {
  const Words lines{
      "ls", "", "for i in 1 2\ndo echo $i\ndone", "  spaces  ", "\xc3\xa4 \xe2\x82\xac", "tab\there \\ \x1b[31m"};
  const auto report = watch_own({"-C", "command"}, [&] {
    for (const auto& line : lines) type_line(line.c_str());
    type_line("\xff\xfe");
  });
  ASSERT_EQ(report.events.size(), lines.size() + 1);
  for (std::size_t i = 0; i < lines.size(); ++i) EXPECT_EQ(report.events[i]["command"].text(), lines[i]);
  EXPECT_EQ(report.events.back()["command_hex"].text(), "fffe");
}

TEST_F(Bashreadline, ShowsLongLinesWholeOrMarkedAsCut) {
  constexpr std::size_t most = 16383;
  std::vector<std::string> lines;
  for (const std::size_t length : {254U, 255U, 256U, 257U, 4094U, 4095U, 4096U, 4097U, 16382U, 16383U, 16384U, 20000U})
    lines.emplace_back(std::string(length - 1, 'x') + "y");
  const auto report = watch_own({"-C", "command"}, [&] {
    for (const auto& line : lines) type_line(line.c_str());
  });
  ASSERT_EQ(report.events.size(), lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto& row = report.events[i];
    EXPECT_EQ(row["command"].text(), lines[i].substr(0, most)) << lines[i].size();
    EXPECT_EQ(row["command_cut"].is_true(), lines[i].size() > most) << lines[i].size();
  }
}

TEST_F(Bashreadline, MarksWhatWasNotInMemory) {
  const auto size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  void* never_touched = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(never_touched, MAP_FAILED);
  const auto report = watch_own({"-C", "command,pid"}, [&] { type_line(static_cast<const char*>(never_touched)); });
  munmap(never_touched, size);
  ASSERT_EQ(report.events.size(), 1U);
  EXPECT_TRUE(report.events[0]["command"].null());
  EXPECT_EQ(report.events[0]["pid"].number(), getpid());
}

TEST_F(Bashreadline, FiltersByTask) {
  const std::string me = std::to_string(getpid());
  const auto count = [&](const Words& words) { return watch(words, [] { type_line("line"); }).events.size(); };
  EXPECT_EQ(count({"-p", me}), 1U);
  EXPECT_EQ(count({"-p", "^" + me}), 0U);
  EXPECT_EQ(count({"-u", std::to_string(getuid())}), 1U);
  EXPECT_EQ(count({"-c", "no such name"}), 0U);
}

void type_many(const Words& more, int count, bool stopped) {
  Words words{"bashreadline", "-f", "json", "-C", "command", "-p", std::to_string(getpid()), "--binary", own_program()};
  words.insert(words.end(), more.begin(), more.end());
  Sonde sonde(words);
  ASSERT_TRUE(sonde.ready());
  if (stopped) sonde.signal(SIGSTOP);
  for (int i = 0; i < count; ++i) type_line("echo once more");
  if (stopped) sonde.signal(SIGCONT);
  const auto report = sonde.end(SIGINT);
  expect_law(report, count);
  EXPECT_EQ(report.lost() - report.skipped() > 0, stopped);
}

TEST_F(Bashreadline, ShowsEachOfMany) { type_many({"--buffer-size", "16M"}, scaled(40'000), false); }

TEST_F(Bashreadline, CountsWhatItCouldNotShow) { type_many({"--buffer-size", "4k"}, 1'000, true); }

// Files of shells that it finds itself.
class Shells : public Bashreadline {
 protected:
  void SetUp() override {
    Bashreadline::SetUp();
    if (IsSkipped()) return;
    folder.file("bash", contents(own_program()), 0755);
  }
  static Words words(const Words& more) {
    Words all{"bashreadline", "-f", "json", "-C", "pid,command"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  [[nodiscard]] std::string bash() const { return folder / "bash"; }
  // Types until a line is there.
  static void type_until_shown(const Sonde& sonde, const Shell& shell, const std::string& line) {
    wait_until(line, [&] {
      shell.type(line);
      return sonde.output().find(line) != std::string::npos;
    });
  }

  Folder folder;
};

TEST_F(Shells, AreFoundWhereTheyRun) {
  const Shell shell(bash());
  Sonde sonde(words({}));
  ASSERT_TRUE(sonde.ready()) << sonde.errors();
  type_until_shown(sonde, shell, "found by itself");
  const auto report = sonde.end(SIGINT);
  EXPECT_EQ(report.code, 0) << report.err;
  EXPECT_NE(report.scope().find(bash()), std::string::npos) << report.scope();
  EXPECT_FALSE(report.where("pid", shell.pid()).empty());
}

TEST_F(Shells, AreFoundWhenTheyAreStarted) {
  const Folder other;
  const auto late = other.file("bash", contents(own_program()), 0755);
  const Shell first(bash());
  Sonde sonde(words({"--strict"}));
  ASSERT_TRUE(sonde.ready()) << sonde.errors();
  const Shell shell(late);
  type_until_shown(sonde, shell, "started meanwhile");
  const auto report = sonde.end(SIGINT);
  EXPECT_TRUE(report.noted("'" + late + "' is watched since")) << report.out;
  EXPECT_EQ(report.code, 5);
  EXPECT_FALSE(report.where("pid", shell.pid()).empty());
}

TEST_F(Shells, AreFoundInContainers) {
  const Shell shell("/bash", [&] {
    if (chroot((folder / "").c_str()) != 0 || chdir("/") != 0) _exit(126);
  });
  Sonde sonde(words({}));
  ASSERT_TRUE(sonde.ready()) << sonde.errors();
  type_until_shown(sonde, shell, "in a container");
  const auto report = sonde.end(SIGINT);
  EXPECT_NE(report.scope().find("of PID " + std::to_string(shell.pid())), std::string::npos) << report.scope();
}

// The file below is one, in however many containers it is seen: so is each line.
TEST_F(Shells, OfOneImageShowEachLineOnce) {
  const Folder places;
  for (const char* name : {"a", "b"})
    for (const char* part : {"", "/upper", "/work", "/root"})
      mkdir((places / (std::string(name) + part)).c_str(), 0755);
  const auto enter = [&](const std::string& name) {
    return [&, name] {
      const std::string place = places / name;
      const std::string options =
          "lowerdir=" + (folder / "") + ",upperdir=" + place + "/upper,workdir=" + place + "/work";
      const std::string root = place + "/root";
      if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
          mount("tmpfs", place.c_str(), "tmpfs", 0, nullptr) != 0)
        _exit(125);
      for (const char* part : {"/upper", "/work", "/root"}) mkdir((place + part).c_str(), 0755);
      if (mount("overlay", root.c_str(), "overlay", 0, options.c_str()) != 0 || chroot(root.c_str()) != 0 ||
          chdir("/") != 0)
        _exit(126);
    };
  };
  if (Child([&] { return enter("a")(), 0; }).wait() != 0) GTEST_SKIP() << "no overlay can be mounted here";
  const Shell one("/bash", enter("a")), other("/bash", enter("b"));
  Sonde sonde(words({}));
  ASSERT_TRUE(sonde.ready()) << sonde.errors();
  for (const auto* shell : {&one, &other}) {
    shell->type("first");
    shell->type("last of " + std::to_string(shell->pid()));
    wait_until("the line",
               [&] { return sonde.output().find("last of " + std::to_string(shell->pid())) != std::string::npos; });
  }
  const auto report = sonde.end(SIGINT);
  for (const auto* shell : {&one, &other}) EXPECT_EQ(report.where("pid", shell->pid()).size(), 2U) << report.out;
}

TEST_F(Bashreadline, SaysWhyAFileCannotBeWatched) {
  const Folder folder;
  const struct {
    std::string file;
    const char* why;
  } cases[] = {{folder / "absent", "No such file or directory"},
               {folder / "", "it is not a regular file"},
               {folder.file("text"), "it is no ELF file"},
               {sonde_binary(), "it has no function readline"},
               {"no-such-program-anywhere", "there is none in PATH"}};
  for (const auto& one : cases) {
    const auto report = run({"bashreadline", "--binary", one.file, "-d", "1ms"});
    EXPECT_EQ(report.code, 1) << one.file;
    EXPECT_NE(report.err.find("'" + one.file + "'"), std::string::npos) << report.err;
    EXPECT_NE(report.err.find(one.why), std::string::npos) << report.err;
  }
}

TEST_F(Bashreadline, SaysWhereThereIsNoShell) {
  if (!in_guest()) GTEST_SKIP() << "shells run here";
  const auto report = run({"bashreadline", "-d", "1ms"});
  EXPECT_EQ(report.code, 1);
  EXPECT_NE(report.err.find("There is no bash: none runs, and none is in PATH."), std::string::npos) << report.err;
}

// The bash of PATH: one without the function, and one whose file has another name.
TEST_F(Bashreadline, SaysThatTheShellOfPathCannotBeWatched) {
  const Folder stripped, renamed;
  stripped.file("bash", contents(sonde_binary()), 0755);
  renamed.file("other-shell", contents(own_program()), 0755);
  ASSERT_EQ(symlink("other-shell", (renamed / "bash").c_str()), 0);
  const struct {
    const Folder& folder;
    const char* why;
  } cases[] = {{stripped, "it has no function readline"}, {renamed, "its file has another name"}};
  for (const auto& one : cases) {
    const Sonde::Setup setup{.prepare = [&] { setenv("PATH", (one.folder / "").c_str(), 1); }};
    const auto report = run({"bashreadline", "-d", "1ms", "--strict"}, setup);
    EXPECT_NE(report.err.find(std::string("bash' is not watched: ") + one.why), std::string::npos) << report.err;
    // In a guest no other shell runs.
    EXPECT_TRUE(report.code == 1 || (report.code == 5 && !in_guest())) << report.err;
  }
}

TEST_F(Bashreadline, ReadsWellAsATable) {
  Sonde sonde({"bashreadline", "--binary", own_program(), "-p", std::to_string(getpid())});
  ASSERT_TRUE(sonde.ready());
  type_line("rm -rf \x1b[31m");
  const auto report = sonde.end(SIGINT);
  EXPECT_EQ(report.out.find("TIME                 PID  USER        COMMAND\n"), 0U) << report.out;
  EXPECT_NE(report.out.find("rm -rf \\x1b[31m\n"), std::string::npos) << report.out;
}

// A terminal with a bash at it.
class Terminal {
 public:
  Terminal() : master_(posix_openpt(O_RDWR | O_NOCTTY)) {
    if (grantpt(master_.get()) != 0 || unlockpt(master_.get()) != 0) fail("no pseudo-terminal");
    fcntl(master_.get(), F_SETFL, O_NONBLOCK);
    const std::string name = ptsname(master_.get());
    child_ = std::make_unique<Child>([name] {
      setsid();
      const int terminal = open(name.c_str(), O_RDWR);
      for (int fd = 0; fd < 3; ++fd) dup2(terminal, fd);
      setenv("HISTFILE", "/dev/null", 1);
      setenv("PS1", "ready> ", 1);
      setenv("TERM", "dumb", 1);
      execlp("bash", "bash", "--norc", "--noprofile", "-i", nullptr);
      return 127;
    });
  }
  // Waits until this has been written to it.
  void expect(const std::string& text) {
    wait_until(text, [&] {
      char bytes[4096];
      const auto n = read(master_.get(), bytes, sizeof(bytes));
      if (n > 0) seen_.append(bytes, static_cast<std::size_t>(n));
      const auto at = seen_.find(text);
      if (at == seen_.npos) return false;
      seen_.erase(0, at + text.size());
      return true;
    });
  }
  void type(const std::string& text) const {
    if (write(master_.get(), text.data(), text.size()) < 0) fail("the terminal is gone");
  }
  [[nodiscard]] pid_t pid() const { return child_->pid(); }
  int end() const { return child_->wait(); }

 private:
  Fd master_;
  std::unique_ptr<Child> child_;
  std::string seen_;
};

TEST_F(Bashreadline, ShowsWhatIsTypedIntoBash) {
  if (run({"bashreadline", "--binary", "bash", "-d", "1ms"}).code != 0) GTEST_SKIP() << "there is no bash here";
  Terminal terminal;
  terminal.expect("ready> ");
  Sonde sonde({"bashreadline", "-f", "json", "-C", "pid,command", "-p", std::to_string(terminal.pid())});
  ASSERT_TRUE(sonde.ready()) << sonde.errors();
  terminal.type("echo waited for\n");  // the function was entered before
  terminal.expect("waited for\r\n");
  terminal.expect("ready> ");
  for (const std::string line : {"echo one; echo two", "for i in 1 2; do", "echo \"$i\"", "done"}) {
    terminal.type(line + "\n");
    terminal.expect("> ");
  }
  terminal.type("exit\n");
  EXPECT_EQ(terminal.end(), 0);
  const auto report = sonde.end(SIGINT);
  std::string all;
  for (const auto& row : report.events) all += row["command"].text() + "|";
  EXPECT_EQ(all, "echo one; echo two|for i in 1 2; do|echo \"$i\"|done|exit|");
  EXPECT_TRUE(report.noted("may have been waiting for a line")) << report.out;
}

}  // namespace
}  // namespace sonde::test
