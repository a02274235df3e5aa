// SPDX-License-Identifier: GPL-2.0-or-later
// Opens made by the bare system call, each remembered with all that a tool could tell of it.
#pragma once

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "support/json.h"
#include "support/process.h"
#include "support/sonde.h"

namespace sonde::test {

enum class Via { open, openat, openat2, creat };
inline constexpr Via all_calls[] = {Via::open, Via::openat, Via::openat2, Via::creat};
const char* name_of(Via via);

struct Request {
  Via via = Via::openat;
  std::string path;
  std::uint64_t flags = O_RDONLY;
  mode_t mode = 0;
  int dirfd = AT_FDCWD;
  bool compat = false;  ///< by the 32-bit ABI
};

/// One call as the caller knows it. Plain, as it lies in shared memory.
struct Made {
  pid_t pid, tid, ppid;
  uid_t uid;
  char comm[16];
  char cwd[128];
  char path[128];  ///< a longer path is not remembered
  std::uint64_t flags;
  mode_t mode;
  int dirfd;
  long result;                           ///< descriptor or -errno
  std::int64_t wall_before, wall_after;  ///< ns since 1970
  std::int64_t before, after;            ///< ns, monotonic
};

/// What some processes and threads made, in the order of each.
class Diary {
 public:
  /// Makes the call, closes what it opened. Opens nothing else.
  long make(const Request& request) const;
  /// The same, where the call is made by `call`.
  long make(const Request& request, const std::function<long()>& call) const;
  [[nodiscard]] std::vector<Made> entries() const;
  [[nodiscard]] std::vector<Made> of_thread(pid_t tid) const;

 private:
  static constexpr int most = 512;
  struct Book {
    int used;
    Made made[most];
  };
  Shared<Book> book_;
};

/// Makes the call and returns the descriptor, which stays open, or -errno.
long call(const Request& request);
/// The same with a path given by its address.
long call_at(Via via, const void* path, std::uint64_t flags = O_RDONLY, mode_t mode = 0);
/// openat2 with an argument of any size.
long call_openat2(const char* path, const void* how, std::size_t size);

/// Opens a path that is not there, `count` times.
void make_load(const std::string& path, int count);

/// A call by the 32-bit ABI: its result, or -errno. Pointers must be below 4 GiB.
long compat_syscall(long number, long b = 0, long c = 0, long d = 0, long si = 0, long di = 0);
/// Whether this kernel runs 32-bit calls at all.
bool has_compat();
/// A program of a few machine instructions: it opens `path` and exits with 7. 32-bit by `int $0x80`, or 64-bit.
std::string tiny_program(const std::string& path, bool compat);

/// "2024-01-02T03:04:05.000000006Z" in ns since 1970.
std::int64_t wall_ns(const std::string& text);

}  // namespace sonde::test
