// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/log.h"

#include <bpf/libbpf.h>

#include <array>
#include <cstdarg>
#include <cstdio>
#include <utility>

namespace sonde::kernel {
namespace {

constexpr std::size_t kept_bytes = 64 * 1024;
std::string said;

int keep(libbpf_print_level level, const char* format, va_list args) {
  if (level == LIBBPF_DEBUG) return 0;
  std::array<char, 4096> line{};
  int length = vsnprintf(line.data(), line.size(), format, args);
  said += line.data();
  if (said.size() > kept_bytes) said.erase(0, said.size() - kept_bytes);
  return length;
}

}  // namespace

void keep_log() { libbpf_set_print(keep); }

std::string take_log() { return std::exchange(said, {}); }

}  // namespace sonde::kernel
