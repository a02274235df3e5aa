// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/symbol_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <exception>

#include "core/bytes.h"
#include "core/kernel_text.h"
#include "kernel/symbol_protocol.h"

namespace sonde::kernel {
namespace {

constexpr std::int64_t millisecond = 1'000'000;
constexpr std::int64_t patience = 2000 * millisecond;  // the largest files take a second
constexpr std::int64_t pace = 50 * millisecond;
constexpr unsigned most_ends = 5;
constexpr std::size_t most_mappings = 1 << 17;
constexpr rlim_t most_memory = rlim_t{4} << 30;

std::int64_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return std::int64_t{time.tv_sec} * 1000 * millisecond + time.tv_nsec;
}

template <class T>
void append(std::string& bytes, const T& value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

std::string question_about(SymbolQuestion::Kind kind, std::uint32_t pid, const Mapping& mapping,
                           std::span<const WantedName> wanted) {
  SymbolQuestion question;
  question.kind = kind;
  question.pid = pid;
  question.start = mapping.start;
  question.end = mapping.end;
  question.file_offset = mapping.file_offset;
  question.since = mapping.since;
  question.major = mapping.file.major;
  question.minor = mapping.file.minor;
  question.inode = mapping.file.inode;
  question.path_size = static_cast<std::uint32_t>(mapping.path.size());
  question.count = static_cast<std::uint32_t>(wanted.size());
  std::string packet;
  append(packet, question);
  packet.append(mapping.path);
  for (const auto& one : wanted) append(packet, one);
  return packet;
}

// It keeps nothing of its parent's: not the output, whose reader would wait for it, nor BPF.
[[noreturn]] void become_server(int socket, int nothing, int parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_NAME, "sonde-symbols");
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (getppid() != parent) _exit(0);
  // Ctrl-C is for its parent, who wants the rest of the names.
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) signal(number, SIG_IGN);
  constexpr int kept = STDERR_FILENO + 1;
  for (int fd = 0; fd < kept; ++fd) dup2(nothing, fd);
  if (socket != kept) dup2(socket, kept);
  syscall(SYS_close_range, kept + 1, ~0U, 0);  // 5.9
  const rlimit none{0, 0}, memory{most_memory, most_memory};
  setrlimit(RLIMIT_CORE, &none);
  setrlimit(RLIMIT_AS, &memory);
  try {
    serve_symbols(kept);
  } catch (const std::exception&) {
  }
  _exit(0);
}

}  // namespace

SymbolProcess::SymbolProcess(std::function<void(int)> began) : began_(std::move(began)) { start(); }

SymbolProcess::~SymbolProcess() { end(); }

void SymbolProcess::start() {
  std::array<int, 2> ends{-1, -1};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) return;
  Fd ours(ends[0]), theirs(ends[1]);
  constexpr int room = 2 * static_cast<int>(longest_packet);
  for (const int fd : ends) setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
  // Opened here: what it opened by itself might be seen before it is known whose that is.
  const Fd nothing(open("/dev/null", O_RDWR | O_CLOEXEC));
  const int parent = getpid();
  pid_ = fork();
  if (pid_ < 0) return;
  if (pid_ == 0) become_server(theirs.get(), nothing.get(), parent);
  socket_ = std::move(ours);
  if (began_) began_(pid_);
}

void SymbolProcess::end() {
  socket_ = {};
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  // One that hangs in the kernel ends when it can: nobody waits for it.
  for (int i = 0; i < 10 && waitpid(pid_, nullptr, WNOHANG) == 0; ++i) poll(nullptr, 0, 1);
  pid_ = -1;
}

bool SymbolProcess::send(std::string_view question) {
  return socket_ && ::send(socket_.get(), question.data(), question.size(), MSG_NOSIGNAL | MSG_DONTWAIT) ==
                        static_cast<ssize_t>(question.size());
}

// False: not in time.
bool SymbolProcess::wait_for_answer(std::int64_t deadline) {
  for (;;) {
    const std::int64_t left = deadline - now();
    if (left <= 0) return false;
    pollfd ready{socket_.get(), POLLIN, 0};
    const int n = poll(&ready, 1, static_cast<int>(std::min(left, pace) / millisecond) + 1);
    if (n > 0) return true;
    if (n < 0 && errno != EINTR) return false;
    if (meanwhile_) meanwhile_();
  }
}

std::optional<std::string_view> SymbolProcess::receive(std::int64_t deadline) {
  if (!wait_for_answer(deadline)) return std::nullopt;
  packet_.resize(longest_packet);
  const ssize_t size = recv(socket_.get(), packet_.data(), packet_.size(), MSG_DONTWAIT);
  if (size < 0) return std::nullopt;
  pollfd still{socket_.get(), 0, 0};
  if (size == 0 && poll(&still, 1, 0) == 1 && still.revents & POLLHUP) return std::nullopt;
  return std::string_view(packet_).substr(0, static_cast<std::size_t>(size));
}

std::optional<std::string_view> SymbolProcess::ask(std::string_view question) {
  if (given_up()) return std::nullopt;
  if (send(question))
    if (const auto answer = receive(now() + patience)) return answer;
  end();
  if (++ended_ < most_ends) start();
  return std::nullopt;
}

SymbolProcess::Answer SymbolProcess::unwind_row(std::uint32_t pid, const Mapping& mapping, std::uint64_t at,
                                                UnwindRow& row, std::int64_t* changed) {
  const WantedName wanted{at, 0};
  const auto answer = ask(question_about(SymbolQuestion::unwind, pid, mapping, {&wanted, 1}));
  if (!answer) return Answer::none;
  const auto head = read_at<SymbolAnswer>(*answer, 0);
  if (!head || !head->has_file) return Answer::no_file;
  if (changed) *changed = head->changed;
  row = row_of(part(*answer, sizeof(*head), answer->size())).value_or(UnwindRow{});
  return Answer::names;
}

SymbolProcess::Answer SymbolProcess::name(std::uint32_t pid, const Mapping& mapping, std::span<const WantedName> wanted,
                                          std::vector<NamedAddress>& names, std::int64_t* changed) {
  const std::string packet = question_about(SymbolQuestion::names, pid, mapping, wanted);
  names.assign(wanted.size(), {});
  const auto answer = ask(packet);
  if (!answer) return Answer::none;
  std::uint64_t at = sizeof(SymbolAnswer);
  for (auto& name : names) {
    const auto head = read_at<SymbolName>(*answer, at);
    if (!head) break;
    name.name = part(*answer, at + sizeof(*head), head->size);
    name.offset = head->offset;
    name.has_frame = head->has_frame;
    name.starts = head->starts;
    name.from = head->from;
    name.to = head->to;
    at += sizeof(*head) + name.name.size();
  }
  const auto head = read_at<SymbolAnswer>(*answer, 0);
  if (head && changed) *changed = head->changed;
  return head && head->has_file ? Answer::names : Answer::no_file;
}

std::optional<std::vector<Mapping>> SymbolProcess::mappings(std::uint32_t pid) {
  SymbolQuestion question;
  question.kind = SymbolQuestion::mappings;
  question.pid = pid;
  std::string packet;
  append(packet, question);
  auto answer = ask(packet);
  std::vector<Mapping> all;
  const std::int64_t deadline = now() + patience;
  while (answer && !answer->empty()) {
    each_line(*answer, [&](std::string_view line) {
      if (auto mapping = mapping_of_line(line); mapping && all.size() < most_mappings)
        all.push_back(std::move(*mapping));
    });
    answer = receive(deadline);
    if (answer) continue;
    end();
    if (++ended_ < most_ends) start();
  }
  if (!answer) return std::nullopt;
  return all;
}

std::uint64_t SymbolProcess::cpu_time() const {
  clockid_t clock = 0;
  timespec time{};
  if (pid_ <= 0 || clock_getcpuclockid(pid_, &clock) != 0 || clock_gettime(clock, &time) != 0) return 0;
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
}

}  // namespace sonde::kernel
