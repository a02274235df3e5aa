// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/syscall_facts.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sonde {
namespace {

// In alphabetical order.
// clang-format off
constexpr std::string_view of_descriptors[] = {
    "_llseek", "accept", "accept4", "bind", "cachestat", "close", "connect", "copy_file_range", "dup", "dup2", "dup3",
    "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "fadvise64", "fadvise64_64", "fallocate", "fchdir",
    "fchmod", "fchown", "fchown32", "fcntl", "fcntl64", "fdatasync", "fgetxattr", "finit_module", "flistxattr",
    "flock", "fremovexattr", "fsetxattr", "fstat", "fstat64", "fstatfs", "fstatfs64", "fsync", "ftruncate",
    "ftruncate64", "getdents", "getdents64", "getpeername", "getsockname", "getsockopt", "inotify_add_watch",
    "inotify_rm_watch", "io_uring_enter", "io_uring_register", "ioctl", "listen", "lseek", "mq_getsetattr",
    "mq_notify", "mq_timedreceive", "mq_timedreceive_time64", "mq_timedsend", "mq_timedsend_time64", "pidfd_getfd",
    "pidfd_send_signal", "pread64", "preadv", "preadv2", "pwrite64", "pwritev", "pwritev2", "read", "readahead",
    "readv", "recv", "recvfrom", "recvmmsg", "recvmmsg_time64", "recvmsg", "send", "sendfile", "sendfile64",
    "sendmmsg", "sendmsg", "sendto", "setns", "setsockopt", "shutdown", "signalfd", "signalfd4", "splice",
    "sync_file_range", "syncfs", "tee", "timerfd_gettime", "timerfd_gettime64", "timerfd_settime",
    "timerfd_settime64", "vmsplice", "write", "writev",
};
constexpr std::string_view of_sizes[] = {
    "copy_file_range", "fgetxattr", "flistxattr", "getcwd", "getdents", "getdents64", "getrandom", "getxattr",
    "lgetxattr", "listxattr", "llistxattr", "mq_timedreceive", "mq_timedreceive_time64", "msgrcv", "pread64",
    "preadv", "preadv2", "process_vm_readv", "process_vm_writev", "pwrite64", "pwritev", "pwritev2", "read",
    "readlink", "readlinkat", "readv", "recv", "recvfrom", "recvmsg", "send", "sendfile", "sendfile64", "sendmsg",
    "sendto", "splice", "tee", "vmsplice", "write", "writev",
};
constexpr std::string_view of_restarts[] = {
    "clock_nanosleep", "clock_nanosleep_time64", "futex", "futex_time64", "nanosleep", "poll",
};
// clang-format on
static_assert(std::is_sorted(std::begin(of_descriptors), std::end(of_descriptors)));
static_assert(std::is_sorted(std::begin(of_sizes), std::end(of_sizes)));
static_assert(std::is_sorted(std::begin(of_restarts), std::end(of_restarts)));

}  // namespace

bool takes_descriptor(std::string_view name) {
  return std::binary_search(std::begin(of_descriptors), std::end(of_descriptors), name);
}

bool returns_size(std::string_view name) { return std::binary_search(std::begin(of_sizes), std::end(of_sizes), name); }

bool goes_on_as_restart(std::string_view name) {
  return std::binary_search(std::begin(of_restarts), std::end(of_restarts), name);
}

std::string_view tracepoint_of_syscall(std::string_view name) {
  constexpr std::pair<std::string_view, std::string_view> others[] = {
      {"fstat", "newfstat"}, {"lstat", "newlstat"}, {"sendfile", "sendfile64"},
      {"stat", "newstat"},   {"umount2", "umount"}, {"uname", "newuname"},
  };
  for (const auto& [call, function] : others)
    if (name == call) return function;
  return name;
}

}  // namespace sonde
