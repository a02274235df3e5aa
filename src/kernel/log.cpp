// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/log.h"

#include <bpf/libbpf.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace sonde::kernel {
namespace {

constexpr std::size_t kept_bytes = 64 * 1024;
std::string said;

// A verifier's log comes as one message of up to megabytes, of which the end tells the cause.
int keep(libbpf_print_level level, const char* format, va_list args) {
  if (level == LIBBPF_DEBUG) return 0;
  char* text = nullptr;
  const int length = vasprintf(&text, format, args);
  if (length < 0) return 0;
  said.append(text, static_cast<std::size_t>(length));
  std::free(text);
  if (said.size() > kept_bytes) said.erase(0, said.size() - kept_bytes);
  return length;
}

}  // namespace

void keep_log() { libbpf_set_print(keep); }

std::string take_log() { return std::exchange(said, {}); }

}  // namespace sonde::kernel
