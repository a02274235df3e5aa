// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/files.h"

#include <array>
#include <cstring>
#include <utility>

#include "core/names.h"

namespace sonde {
namespace {

// Of nameless files, as far as the kernel side has their names.
constexpr std::pair<std::string_view, const char*> nameless[] = {
    {"[eventf", "eventfd"},     {"[eventp", "epoll"},      {"[timerf", "timerfd"},  {"[signal", "signalfd"},
    {"inotify", "inotify"},     {"[perf_e", "perf_event"}, {"[io_uri", "io_uring"}, {"[pidfd]", "pidfd"},
    {"[userfa", "userfaultfd"}, {"[fanoti", "fanotify"},   {"bpf-map", "bpf_map"},  {"bpf-pro", "bpf_prog"},
    {"bpf_lin", "bpf_link"},    {"bpf_ite", "bpf_iter"},   {"kvm-vm", "kvm_vm"},    {"kvm-vcp", "kvm_vcpu"},
};

}  // namespace

std::string file_kind_name(std::uint64_t kind) {
  constexpr std::array<const char*, FILE_KINDS> names{"",          "regular", "directory", "pipe",  "socket", "tty",
                                                      "character", "block",   "link",      "pidfd", "other"};
  if (kind < FILE_KINDS) return names[kind];
  std::array<char, sizeof(kind) + 1> bytes{};
  std::memcpy(bytes.data(), &kind, sizeof(kind));
  const std::string_view name(bytes.data());
  for (const auto& [beginning, meaning] : nameless)
    if (name == beginning) return meaning;
  return std::string(name);
}

FileName file_name(std::uint64_t kind, std::uint64_t inode, std::string_view names, unsigned bits) {
  const auto numbered = [inode](const char* what) { return std::string(what) + ":[" + std::to_string(inode) + "]"; };
  if (kind == FILE_NONE) return {};
  if (kind == FILE_SOCKET) return {numbered("socket")};
  if (kind == FILE_PIPE && bits & FILE_NAMES_DETACHED) return {numbered("pipe")};
  if (kind >= FILE_KINDS) return {"anon_inode:[" + file_kind_name(kind) + "]"};
  if (kind == FILE_PIDFD) return {"anon_inode:[pidfd]"};
  const bool cut = bits & FILE_NAMES_CUT;
  if (cut) names = names.substr(0, names.rfind('\0') + 1);
  return {path_from_names(names) + (bits & FILE_NAMES_DELETED ? " (deleted)" : ""), cut};
}

}  // namespace sonde
