// SPDX-License-Identifier: GPL-2.0-or-later
// All BPF objects of all tools, opened but not loaded.
#pragma once

#include <bpf/libbpf.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "lib/abi.h"
#include "objects.inc"

namespace sonde::test {

/// An opened object, and where the tool-independent parts of its rodata are.
struct OpenObject {
  std::shared_ptr<void> skeleton;
  bpf_object* object = nullptr;
  filter_conf* filter = nullptr;
  lib_conf* lib = nullptr;
  std::string_view conf;           // the tool's own choices, as bytes
  glob_conf* tail_glob = nullptr;  // null where the tool has no such texts
  __u32* walks_paths = nullptr;
  stack_conf* stacks = nullptr;
};

template <class S>
OpenObject open_object() {
  S* skeleton = S::open();
  OpenObject open;
  open.skeleton = {skeleton, [](void* s) { S::destroy(static_cast<S*>(s)); }};
  if (!skeleton) return open;
  open.object = skeleton->obj;
  open.filter = &skeleton->rodata->filter;
  open.lib = &skeleton->rodata->lib;
  if constexpr (requires { skeleton->rodata->conf; })
    open.conf = {reinterpret_cast<const char*>(&skeleton->rodata->conf), sizeof(skeleton->rodata->conf)};
  if constexpr (requires { skeleton->rodata->tail_glob; }) open.tail_glob = &skeleton->rodata->tail_glob;
  if constexpr (requires { skeleton->rodata->walks_paths; }) open.walks_paths = &skeleton->rodata->walks_paths;
  if constexpr (requires { skeleton->rodata->stacks; }) open.stacks = &skeleton->rodata->stacks;
  return open;
}

struct NamedObject {
  std::string tool;
  OpenObject (*open)();

  // gtest prints the parameter of a test that failed, by its bytes if it knows no better.
  friend std::ostream& operator<<(std::ostream& out, const NamedObject& object) { return out << object.tool; }
};

inline bool has_types() { return access("/sys/kernel/btf/vmlinux", R_OK) == 0; }

inline std::vector<NamedObject> all_objects() {
  return {
#define OBJECT(name) {#name, &open_object<name##_bpf>},
#include "objects.inc"
#undef OBJECT
  };
}

}  // namespace sonde::test
