// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct bpf_map;
struct bpf_program;

namespace sonde::kernel {

/// How a program gets to its hook.
enum class Hook {
  section,     ///< fentry, fexit, tp_btf, raw_tp: the target is in the program's section name
  tracepoint,  ///< "category/name", by perf
  kprobe,      ///< a function's name
  kretprobe,
  uretprobe,  ///< a path, where in that file the function begins
  sampling,   ///< so many times a second on each CPU
};

/// What Hook::sampling goes by.
struct Sampling {
  enum class Clock {
    cycles,     ///< a counter of the CPU's cycles, which stands still while it is idle; by NMI where there is one
    cpu_clock,  ///< a timer: an interrupt, so that what runs without interrupts is not seen
  };
  Clock clock = Clock::cpu_clock;
  unsigned hertz = 0;
  bool idle = false;  ///< what idle CPUs do is asked for, too
};

struct Attachment {
  /// A program whose target is in the name of its section.
  Attachment(bpf_program* where_its_section_says) : program(where_its_section_says) {}
  Attachment(bpf_program* what, Hook how, std::string where, bool may_fail = false)
      : program(what), hook(how), target(std::move(where)), optional(may_fail) {}

  bpf_program* program;
  Hook hook = Hook::section;
  std::string target{};      ///< unused for Hook::section
  bool optional = false;     ///< not every architecture or kernel has this target, and that is no loss
  std::uint64_t offset = 0;  ///< in the file, for Hook::uretprobe
  std::string shown{};       ///< of Hook::uretprobe, what people read: an optional one that fails is named by it
  Sampling sampling{};       ///< of Hook::sampling
};

inline Attachment if_possible(bpf_program* program) { return {program, Hook::section, {}, true}; }
inline Attachment kprobe(bpf_program* program, std::string function) {
  return {program, Hook::kprobe, std::move(function)};
}
inline Attachment kretprobe(bpf_program* program, std::string function) {
  return {program, Hook::kretprobe, std::move(function)};
}
/// At the return of the function that begins at `offset` in the file `path`, whoever runs it. If it is optional and
/// fails, that is noted with what is `shown`, and what it would have seen is not there.
inline Attachment uretprobe(bpf_program* program, std::string path, std::uint64_t offset, std::string shown,
                            bool optional) {
  Attachment attachment{program, Hook::uretprobe, std::move(path), optional};
  attachment.offset = offset;
  attachment.shown = std::move(shown);
  return attachment;
}
/// On all CPUs, and on those that come online.
inline Attachment sampling(bpf_program* program, Sampling::Clock clock, unsigned hertz, bool idle) {
  Attachment attachment{program, Hook::sampling, {}};
  attachment.sampling = {clock, hertz, idle};
  return attachment;
}
inline Attachment tracepoint(bpf_program* program, std::string target, bool optional = false) {
  return {program, Hook::tracepoint, std::move(target), optional};
}

/// One way to watch something.
struct Rung {
  std::string name;  ///< what --backend takes and the summary shows
  std::vector<Attachment> attachments;
  bool on_request = false;        ///< never taken unless named by --backend
  bool remembers_calls = false;   ///< an entry program remembers the start of calls (bpf/lib/calls.bpf.h)
  bool may_miss_returns = false;  ///< a kretprobe: calls that did not return are counted at the end
  bool blind_to_compat = false;   ///< calls of 32-bit tasks are not seen
  bool waits_inside = false;      ///< the function it is at may sleep: not every kernel survives a fexit there
  std::string scope{};            ///< what of the whole it sees, if not all; shown beside its name
  std::string scope_note{};       ///< the same in a sentence, for -v

  void attach(Attachment attachment) { attachments.push_back(std::move(attachment)); }
  void attach(std::initializer_list<bpf_program*> programs) {
    attachments.insert(attachments.end(), programs.begin(), programs.end());
  }
  /// One program, by perf, where each of these system calls enters ("enter") or ends ("exit").
  void attach_calls(bpf_program* program, std::string_view edge, const std::vector<std::string_view>& calls,
                    bool optional = false) {
    for (const auto call : calls)
      attach(tracepoint(program, std::string("syscalls/sys_").append(edge).append("_").append(call), optional));
  }
  void sees_only(std::string what, std::string sentence) {
    scope = std::move(what);
    scope_note = std::move(sentence);
  }
  [[nodiscard]] std::string scope_shown() const { return scope.empty() && blind_to_compat ? "64-bit calls" : scope; }
};

/// What no rung sees: watched beside the one that is taken, where this kernel lets it.
struct Addition {
  std::string hook;  ///< what is watched: "opens by io_uring"
  std::string name;  ///< how: "fexit"
  std::vector<Attachment> attachments;
  std::vector<bpf_map*> maps;  ///< its own, not created without it
  bool wanted = false;
};

/// The ways to watch one thing, the cheapest first.
struct Ladder {
  std::string hook;  ///< what is watched: "opens"
  std::vector<Rung> rungs;
  Addition addition{};
};

}  // namespace sonde::kernel
