// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/process.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace sonde::test {
namespace {

constexpr long cgroup2_magic = 0x63677270;
constexpr int gave_up = 99;

int patience_ms() { return in_guest() ? 60'000 : 20'000; }

bool readable_in_time(int fd) {
  pollfd wanted{fd, POLLIN, 0};
  int found = 0;
  do found = poll(&wanted, 1, patience_ms());
  while (found < 0 && errno == EINTR);
  return found > 0;
}

// name:x:uid:gid:…
std::vector<User> users() {
  std::vector<User> all;
  std::ifstream file("/etc/passwd");
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string name, password, uid;
    std::getline(fields, name, ':');
    std::getline(fields, password, ':');
    if (std::getline(fields, uid, ':'))
      all.push_back({name, static_cast<uid_t>(std::strtoul(uid.c_str(), nullptr, 10))});
  }
  return all;
}

}  // namespace

bool in_guest() { return std::getenv("SONDE_GUEST") != nullptr; }

bool has_types() { return access("/sys/kernel/btf/vmlinux", R_OK) == 0; }
int scaled(int count) { return in_guest() ? count / 20 : count; }

void fail(const std::string& message) { throw std::runtime_error(message); }

void wait_until(const std::string& what, const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience_ms());
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) fail("waited in vain for " + what);
    poll(nullptr, 0, 1);  // between two looks
  }
}

Fd::~Fd() {
  if (fd_ >= 0) close(fd_);
}

Pipe::Pipe(int capacity) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) fail("no pipe");
  out = Fd(ends[0]);
  in = Fd(ends[1]);
  if (capacity) fcntl(ends[0], F_SETPIPE_SZ, capacity);
}

std::string contents(int fd) {
  std::string text;
  std::array<char, 65536> part;
  while (true) {
    const ssize_t n = pread(fd, part.data(), part.size(), static_cast<off_t>(text.size()));
    if (n <= 0) return text;
    text.append(part.data(), static_cast<std::size_t>(n));
  }
}

std::string contents(const std::string& path) {
  const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return contents(file.get());
}

Fd memory_file(const char* name) {
  Fd file(memfd_create(name, MFD_CLOEXEC));
  if (file.get() < 0) fail("no memfd");
  return file;
}

Gate::Gate() : event_(eventfd(0, EFD_SEMAPHORE | EFD_CLOEXEC)) {}

void Gate::open(int passes) const {
  const auto count = static_cast<std::uint64_t>(passes);
  if (write(event_.get(), &count, sizeof(count)) != sizeof(count)) fail("a gate does not open");
}

void Gate::pass() const {
  std::uint64_t count = 0;
  if (!readable_in_time(event_.get())) fail("nobody opened the gate");
  while (read(event_.get(), &count, sizeof(count)) < 0 && errno == EINTR) {
  }
}

namespace {

// What a child calls on its way to its body is not what it was made for: whoever traces from now on must not see it. A
// word that both can see, since a system call to tell of it would be one more.
class Threshold {
 public:
  Threshold()
      : passed_(static_cast<std::atomic<int>*>(
            mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    if (passed_ == MAP_FAILED) fail("no memory for a child");
  }
  Threshold(const Threshold&) = delete;
  Threshold& operator=(const Threshold&) = delete;
  ~Threshold() { munmap(passed_, sizeof(*passed_)); }

  void pass() { passed_->store(1); }
  void await(pid_t child) const {
    siginfo_t ended{};
    while (!passed_->load() && !(waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
                                 ended.si_pid == child))
      sched_yield();
  }

 private:
  std::atomic<int>* passed_;
};

}  // namespace

Child::Child(const std::function<int()>& body, unsigned long clone_flags) {
  std::fflush(nullptr);
  clone_args how{};
  how.flags = clone_flags;
  how.exit_signal = SIGCHLD;
  const pid_t parent = getpid();
  Threshold threshold;
  // fork(), if no flags are given: the library's own keeps its locks in order.
  pid_ = clone_flags ? static_cast<pid_t>(syscall(SYS_clone3, &how, sizeof(how))) : fork();
  if (pid_ < 0) fail(std::string("no child process: ") + std::strerror(errno));
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!clone_flags && getppid() != parent) _exit(gave_up);
    threshold.pass();
    try {
      _exit(body());
    } catch (const std::exception& error) {
      dprintf(STDERR_FILENO, "child: %s\n", error.what());
      _exit(gave_up);
    }
  }
  threshold.await(pid_);
  pidfd_ = Fd(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
}

Child::~Child() {
  if (code_ >= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void Child::signal(int number) const { kill(pid_, number); }

int Child::wait() {
  if (code_ >= 0) return code_;
  if (!readable_in_time(pidfd_.get())) fail("process " + std::to_string(pid_) + " does not end");
  int status = 0;
  waitpid(pid_, &status, 0);
  code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return code_;
}

TaskView::TaskView(pid_t tid) {
  const std::string place = "/proc/" + std::to_string(tid);
  syscall_ = Fd(open((place + "/syscall").c_str(), O_RDONLY | O_CLOEXEC));
  stat_ = Fd(open((place + "/stat").c_str(), O_RDONLY | O_CLOEXEC));
}

long TaskView::blocked_in() const {
  const std::string text = contents(syscall_.get());
  return text.empty() || text[0] == 'r' ? -1 : std::strtol(text.c_str(), nullptr, 10);
}

char TaskView::state() const {
  const std::string text = contents(stat_.get());
  const auto name_end = text.rfind(") ");
  return name_end == text.npos ? '?' : text[name_end + 2];
}

Folder::Folder() {
  std::string name = "/tmp/sonde-test-XXXXXX";
  if (!mkdtemp(name.data())) fail("no folder in /tmp");
  chmod(name.c_str(), 0755);
  path_ = name + "/";
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string Folder::file(const std::string& name, const std::string& text, mode_t mode) const {
  const std::string path = path_ + name;
  const Fd file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) fail("cannot write " + path);
  fchmod(file.get(), mode);
  return path;
}

Cgroup::Cgroup(const std::string& name, const Cgroup* parent) {
  for (const char* place : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
    struct statfs status {};
    if (statfs(place, &status) == 0 && status.f_type == cgroup2_magic) root_ = place;
  }
  path_ = (parent ? parent->path_ : "") + "/" + name + "-" + std::to_string(getpid());
  if (root_.empty())
    trouble_ = "cgroup2 is not mounted";
  else if (mkdir(directory().c_str(), 0755) != 0)
    trouble_ = "no cgroup can be made: " + std::string(std::strerror(errno));
}

Cgroup::~Cgroup() {
  // Its members may be dead and not yet gone.
  if (trouble_.empty()) wait_until("the cgroup to be empty", [&] { return rmdir(directory().c_str()) == 0; });
}

void Cgroup::enter() const {
  const Fd members(open((directory() + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
  if (write(members.get(), "0", 1) != 1) fail("cannot enter " + path_);
}

User ordinary_user() {
  for (const auto& user : users())
    if (user.uid != 0) return user;
  fail("/etc/passwd has nobody but root");
}

std::string user_name(uid_t uid) {
  for (const auto& user : users())
    if (user.uid == uid) return user.name;
  return {};
}

void become(uid_t uid) {
  if (setgroups(0, nullptr) != 0 || setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0)
    fail("cannot become user " + std::to_string(uid));
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // forgotten with the old IDs
}

void set_comm(const char* name) { prctl(PR_SET_NAME, name); }

}  // namespace sonde::test
