// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/lifecycle.h"

#include <link.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <ctime>

#include "core/error.h"

namespace sonde {
namespace {

volatile sig_atomic_t stopping = 0;

void stop(int) {
  if (stopping) _exit(static_cast<int>(Exit::run_time));
  stopping = 1;
}

}  // namespace

void install_signal_handlers() {
  struct sigaction action {};
  action.sa_handler = stop;  // without SA_RESTART: a wait ends
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaction(number, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

bool stop_requested() { return stopping != 0; }

void release_start_memory() {
  malloc_trim(0);
  const auto release = [](dl_phdr_info* program, std::size_t, void*) {
    const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
    for (int i = 0; i < program->dlpi_phnum; ++i) {
      const auto& segment = program->dlpi_phdr[i];
      if (segment.p_type != PT_LOAD || segment.p_flags & PF_W) continue;
      const std::uintptr_t start = program->dlpi_addr + segment.p_vaddr, end = start + segment.p_memsz;
      const std::uintptr_t first = start / page * page;
      madvise(reinterpret_cast<void*>(first), end - first, MADV_DONTNEED);
    }
    return 1;  // the first is the program, others are libraries
  };
  dl_iterate_phdr(release, nullptr);
}

bool hung_up(int fd) {
  pollfd ready{fd, 0, 0};
  return poll(&ready, 1, 0) == 1 && (ready.revents & POLLERR) != 0;
}

Waiter::Waiter() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) throw Error(Exit::run_time, "No more files can be opened.", "Raise ulimit -n.", std::strerror(errno));
}

Waiter::~Waiter() { close(epoll_); }

void Waiter::watch_edges(int fd) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
}

void Waiter::watch(int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
}

void Waiter::watch_hangup(int fd) {
  epoll_event event{};  // errors are always told
  epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
}

void Waiter::wait(long long timeout_ns) {
  sigset_t stops, before;
  sigemptyset(&stops);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&stops, number);
  sigprocmask(SIG_BLOCK, &stops, &before);
  if (!stopping) {
    pollfd ready{epoll_, POLLIN, 0};
    const timespec timeout{static_cast<time_t>(timeout_ns / 1'000'000'000),
                           static_cast<long>(timeout_ns % 1'000'000'000)};
    ppoll(&ready, 1, timeout_ns < 0 ? nullptr : &timeout, &before);
    std::array<epoll_event, 4> events{};  // takes the edges, so that the next wait is for new ones
    if (ready.revents) epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 0);
  }
  sigprocmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace sonde
