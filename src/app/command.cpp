// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/command.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "core/error.h"
#include "core/signal_names.h"
#include "core/text.h"

namespace sonde {
namespace {

constexpr int exit_not_started = 127;

std::array<kernel::Fd, 2> make_pipe() {
  std::array<int, 2> ends{-1, -1};
  if (pipe2(ends.data(), O_CLOEXEC) != 0)
    throw Error(Exit::run_time, "The command could not be started: no more files can be opened.", "Raise ulimit -n.");
  return {kernel::Fd(ends[0]), kernel::Fd(ends[1])};
}

bool become(const Account& user, const std::vector<std::uint32_t>& groups) {
  return setgroups(groups.size(), groups.data()) == 0 && setresgid(user.gid, user.gid, user.gid) == 0 &&
         setresuid(user.uid, user.uid, user.uid) == 0;
}

}  // namespace

Command::Command(std::vector<std::string> words, const std::string& as_user, const kernel::Users& users)
    : words_(std::move(words)) {
  const Account* user = as_user.empty() ? nullptr : users.find(as_user);
  if (!as_user.empty() && !user)
    throw Error(Exit::run_time, "There is no user '" + escaped(as_user) + "' in /etc/passwd.",
                "--as takes a user of this machine.");
  auto go = make_pipe();
  auto failed = make_pipe();
  if (user) groups_ = kernel::Users::groups(*user);  // now, since what the child opens is the command's
  pid_ = fork();
  if (pid_ < 0)
    throw Error(Exit::run_time, "The command could not be started: no process can be made.", "Raise ulimit -u.",
                std::strerror(errno));
  if (pid_ == 0) {
    go[1] = {};  // else the parent's death would not be noticed
    go_ = std::move(go[0]);
    failed_ = std::move(failed[1]);
    child(user);
  }
  go_ = std::move(go[1]);
  failed_ = std::move(failed[0]);
  pidfd_ = kernel::Fd(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));  // 5.3
}

void Command::child(const Account* user) {
  char word = 0;
  if (read(go_.get(), &word, 1) != 1) _exit(exit_not_started);  // sonde ended before it began
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) signal(number, SIG_DFL);
  std::vector<char*> arguments;
  for (auto& argument : words_) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  if (!user || become(*user, groups_)) execvp(arguments[0], arguments.data());
  const int error = errno;
  if (write(failed_.get(), &error, sizeof(error)) < 0) _exit(exit_not_started);
  _exit(exit_not_started);
}

Command::~Command() {
  go_ = {};  // an unreleased child reads the end and leaves
  if (pid_ > 0 && !reaped_) waitpid(pid_, nullptr, WNOHANG);
}

void Command::release() {
  if (write(go_.get(), "", 1) != 1)
    throw Error(Exit::run_time, "The command was gone before it was started.", "Try again.");
  int error = 0;
  ssize_t n = 0;
  do n = read(failed_.get(), &error, sizeof(error));
  while (n < 0 && errno == EINTR);
  if (n <= 0) return;
  const std::string name = "'" + escaped(words_.front()) + "'";
  if (error == ENOENT) throw Error(Exit::run_time, "There is no command " + name + ".", "Check its name and the PATH.");
  throw Error(Exit::run_time, "The command " + name + " could not be started: " + std::strerror(error) + ".",
              "Check that it is executable, and by that user.");
}

bool Command::ended() {
  if (!reaped_) reaped_ = waitpid(pid_, &wait_status_, WNOHANG) == pid_;
  return reaped_;
}

std::string Command::status() {
  if (!ended()) return "still running as PID " + std::to_string(pid_);
  if (WIFSIGNALED(wait_status_)) {
    const int number = WTERMSIG(wait_status_);
    const std::string name(signal_name(number));
    return "killed by " + (name.empty() ? "signal " + std::to_string(number) : name);
  }
  return "exit " + std::to_string(WEXITSTATUS(wait_status_));
}

}  // namespace sonde
