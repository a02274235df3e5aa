// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

struct bpf_program;

namespace sonde::kernel {

/// How a program gets to its hook.
enum class Hook {
  tracing,     ///< fentry, fexit, tp_btf: the target is in the program's section name
  tracepoint,  ///< "category/name", by perf
  kprobe,      ///< a function's name
  kretprobe,
};

struct Attachment {
  bpf_program* program = nullptr;
  Hook hook = Hook::tracing;
  std::string target{};   ///< unused for tracing
  bool optional = false;  ///< not every architecture or kernel has this target, and that is no loss
};

/// One way to watch something.
struct Rung {
  std::string name;  ///< what --backend takes and the summary shows
  std::vector<Attachment> attachments;
  bool on_request = false;           ///< never taken unless named by --backend
  bool remembers_calls = false;      ///< an entry program remembers the start of calls (bpf/lib/calls.bpf.h)
  bool blind_to_compat = false;      ///< calls of 32-bit tasks are not seen
  std::string scope{};               ///< what of the whole it sees, if not all: "64-bit calls"; shown beside its name
  std::vector<std::string> notes{};  ///< the same in sentences, for -v
};

/// The ways to watch one thing, the cheapest first.
struct Ladder {
  std::string hook;  ///< what is watched: "open"
  std::vector<Rung> rungs;
};

}  // namespace sonde::kernel
