// SPDX-License-Identifier: GPL-2.0-or-later
#include "execsnoop.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sonde::test {
namespace {

// Everything below 4 GiB, and pointers of 32 bits.
long start_compat(const Start& start) {
  constexpr long execve32 = 11, execveat32 = 358;
  constexpr std::size_t size = 1 << 20;
  auto* const low =
      static_cast<char*>(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0));
  auto* pointers = reinterpret_cast<std::uint32_t*>(low);
  char* text = low + size / 2;
  const auto put = [&](const std::string& string) {
    std::memcpy(text, string.c_str(), string.size() + 1);
    text += string.size() + 1;
    return reinterpret_cast<long>(text - string.size() - 1);
  };
  for (const auto& word : start.argv) *pointers++ = static_cast<std::uint32_t>(put(word));
  const long file = put(start.file), argv = reinterpret_cast<long>(low);
  if (start.dirfd) return compat_syscall(execveat32, *start.dirfd, file, argv, 0, start.flags);
  return compat_syscall(execve32, file, argv);
}

}  // namespace

long start(const Start& start) {
  if (start.compat) return start_compat(start);
  std::vector<const char*> argv;
  for (const auto& word : start.argv) argv.push_back(word.c_str());
  argv.push_back(nullptr);
  if (!start.dirfd) return start_at(start.file.c_str(), argv.data());
  syscall(SYS_execveat, *start.dirfd, start.file.c_str(), argv.data(), nullptr, start.flags);
  return -errno;
}

long start_at(const void* file, const void* argv) {
  syscall(SYS_execve, file, argv, nullptr);
  return -errno;
}

int start_in_child(const Start& what, const std::function<void()>& body) {
  Child child([&] {
    body();
    start(what);
    return 1;
  });
  return child.wait();
}

Words strings(const Json& list) {
  Words words;
  for (const auto& item : list.items()) words.push_back(item.text());
  return words;
}

Words Execsnoop::forced(const Words& words) const {
  Words all{"--backend", GetParam(), "--ppid", std::to_string(getpid())};
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

INSTANTIATE_TEST_SUITE_P(Backends, Execsnoop, testing::Values("fexit", "tracepoint", "raw_tp"),
                         [](const auto& backend) { return backend.param; });

}  // namespace sonde::test
