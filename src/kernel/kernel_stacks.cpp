// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/kernel_stacks.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

#include "kernel/fd.h"
#include "kernel/file.h"

namespace sonde::kernel {
namespace {

constexpr std::uint64_t second = 1'000'000'000;
constexpr std::size_t farthest_probe_frame = 24;
constexpr std::size_t most_readings = 8;

std::uint64_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * second + static_cast<std::uint64_t>(time.tv_nsec);
}

}  // namespace

void KernelStacks::read() {
  KernelSymbols& symbols = read_.emplace_back();
  const Fd file(open("/proc/kallsyms", O_RDONLY | O_CLOEXEC));
  std::vector<char> part(std::size_t{256} << 10);
  for (;;) {
    const ssize_t n = file ? ::read(file.get(), part.data(), part.size()) : 0;
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    symbols.take({part.data(), static_cast<std::size_t>(n)});
  }
  symbols.finish();
  read_at_ = now();
}

bool KernelStacks::read_again(std::uint64_t time) {
  if (read_.back().empty() || time - read_at_ < second || read_.size() >= most_readings) return false;
  read();
  return true;
}

Frame KernelStacks::frame(std::uint64_t address, bool returns_there) {
  // What returns behind the last instruction of a function is still of that function.
  const std::uint64_t inside = address - (returns_there ? 1 : 0);
  auto found = read_.back().find(inside);
  if (!found && read_again(now())) found = read_.back().find(inside);
  if (!found) return {{}, {}, address};
  return {found->name, found->module, found->offset + (address - inside)};
}

void KernelStacks::name(std::span<const std::uint64_t> addresses, std::vector<Frame>& frames) {
  frames.clear();
  if (addresses.empty()) return;
  prepare();
  if (read_.back().empty()) {
    frames.push_back(marked(mark::hidden));
    return;
  }
  std::size_t first = 0;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    frames.push_back(frame(addresses[i], i > 0));
    if (!shows_probes_ && i < farthest_probe_frame && runs_probes(frames[i].symbol, frames[i].module)) first = i + 1;
  }
  // Where the kernel cannot see beyond them, they are all there is.
  if (first < frames.size())
    frames.erase(frames.begin(), frames.begin() + static_cast<std::ptrdiff_t>(first));
  else
    frames.push_back(marked(mark::broken));
  if (addresses.size() >= most_frames) frames.push_back(marked(mark::cut));
}

std::string KernelStacks::trouble() const {
  if (read_.empty() || !read_.back().empty()) return {};
  if (!read_.back().hidden()) return "Kernel frames have no names: /proc/kallsyms cannot be read.";
  const auto setting = read_file("/proc/sys/kernel/kptr_restrict");
  const std::string value = setting ? " = " + setting->substr(0, setting->find('\n')) : "";
  return "Kernel frames are hidden, as the kernel hides where its functions are (kernel.kptr_restrict" + value +
         "): with 1 those with CAP_SYSLOG see them, with 0 those who may read /proc/kallsyms.";
}

}  // namespace sonde::kernel
