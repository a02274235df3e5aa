// SPDX-License-Identifier: GPL-2.0-or-later
// Processes that a test makes, and how it waits for them: always for a condition, and never for ever.
#pragma once

#include <sys/mman.h>
#include <sys/types.h>

#include <functional>
#include <string>
#include <type_traits>
#include <utility>

namespace sonde::test {

/// True inside the guests of the kernel matrix, where everything is some twenty times slower.
bool in_guest();
/// Whether this kernel tells its types.
bool has_types();
/// How many of something to make: fewer in a guest.
int scaled(int count);

/// Ends the test with this message.
[[noreturn]] void fail(const std::string& message);

/// Returns when `condition` holds; after a generous time the test fails, saying what it waited for.
void wait_until(const std::string& what, const std::function<bool()>& condition);

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd();

  [[nodiscard]] int get() const { return fd_; }
  void reset() { *this = Fd(); }

 private:
  int fd_ = -1;
};

struct Pipe {
  explicit Pipe(int capacity = 0);
  Fd out, in;  ///< what is written to `in` is read from `out`
};

/// All bytes of a file or memfd from its beginning.
std::string contents(int fd);
std::string contents(const std::string& path);
/// A file in memory.
Fd memory_file(const char* name);

/// An object that this process and the children it forks from now on have in common.
template <class T>
class Shared {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  Shared() : at_(new (page()) T{}) {}
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  ~Shared() { munmap(at_, sizeof(T)); }

  T& operator*() const { return *at_; }
  T* operator->() const { return at_; }

 private:
  static void* page() {
    void* at = mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) fail("no shared memory");
    return at;
  }
  T* at_;
};

/// Where one process waits for another: each open() lets one pass() through.
class Gate {
 public:
  Gate();
  void open(int passes = 1) const;
  void pass() const;

 private:
  Fd event_;
};

/// A forked child that runs `body` and exits with what that returns. It makes no assertions. It does not outlive the
/// test.
class Child {
 public:
  explicit Child(const std::function<int()>& body, unsigned long clone_flags = 0);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  [[nodiscard]] pid_t pid() const { return pid_; }
  void signal(int number) const;
  /// Waits for its end: the exit code, or 128 and the number of the signal.
  int wait();

 private:
  pid_t pid_ = -1;
  int code_ = -1;
  Fd pidfd_;
};

/// Looks at a task through files opened beforehand, so that looking opens nothing.
class TaskView {
 public:
  explicit TaskView(pid_t tid);
  /// Number of the system call that it waits in, -1 if it is not waiting in one or has not left its CPU yet.
  [[nodiscard]] long blocked_in() const;
  /// 'R', 'S', 'T', ...
  [[nodiscard]] char state() const;

 private:
  Fd syscall_, stat_;
};

/// A folder of the test's own, gone with it; with a trailing slash.
class Folder {
 public:
  Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder();

  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + name; }
  /// Makes a file there.
  std::string file(const std::string& name, const std::string& text = "text", mode_t mode = 0644) const;

 private:
  std::string path_;
};

/// A cgroup (version 2) of the test's own; `skip` in its place where none can be made.
class Cgroup {
 public:
  explicit Cgroup(const std::string& name, const Cgroup* parent = nullptr);
  Cgroup(const Cgroup&) = delete;
  Cgroup& operator=(const Cgroup&) = delete;
  ~Cgroup();

  /// Why there is none; empty if there is one.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }
  [[nodiscard]] std::string directory() const { return root_ + path_; }
  /// As sonde shows it: from the root of the hierarchy.
  [[nodiscard]] const std::string& path() const { return path_; }
  void enter() const;  ///< the calling process

 private:
  std::string root_, path_, trouble_;
};

/// A user other than root that /etc/passwd has.
struct User {
  std::string name;
  uid_t uid = 0;
};
User ordinary_user();
/// The name in /etc/passwd, "" if it has none.
std::string user_name(uid_t uid);
/// Takes on all of a user's IDs, for ever.
void become(uid_t uid);
void set_comm(const char* name);

}  // namespace sonde::test
