// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/sink.h"
#include "kernel/finding.h"
#include "kernel/ladder.h"
#include "kernel/sampling.h"
#include "kernel/tracefs.h"

struct bpf_link;
struct bpf_map;
struct bpf_object;
struct bpf_object_open_opts;

namespace sonde::kernel {

/// A generated skeleton without its type.
struct Skeleton {
  void* address = nullptr;
  bpf_object* object = nullptr;
  int (*load)(void*) = nullptr;
  void (*destroy)(void*) = nullptr;
};

/// Opens a skeleton of type S (`bpftool gen skeleton`) without loading it.
template <class S>
Skeleton open_skeleton(const bpf_object_open_opts* options) {
  S* skeleton = S::open(options);
  return {skeleton, skeleton ? skeleton->obj : nullptr, [](void* s) { return S::load(static_cast<S*>(s)); },
          [](void* s) { S::destroy(static_cast<S*>(s)); }};
}

/// What is loaded and attached beside a rung's own programs.
struct Extras {
  std::vector<Attachment> attachments;
  std::vector<bpf_program*> iterators;  ///< loaded, run by hand
  std::vector<bpf_map*> unused_maps;    ///< not created
};

/// What one opened skeleton can do.
struct Plan {
  Ladder ladder;
  std::function<Extras(const Rung&)> extras;
};

/// Why a rung was not taken.
struct Refusal {
  std::string rung;
  std::string reason;  ///< a phrase
  bool permission = false;
  std::string remedy{};  ///< a sentence
};

/// All of them as one phrase: "fexit: a policy; tracepoint, kprobe: not supported".
std::string reasons(const std::vector<Refusal>& refusals);

/// What the start of a tool would come to here.
struct Prospect {
  std::string rung;   ///< the one that would be taken; empty: none
  std::string scope;  ///< what of the whole it sees, if not all
  std::vector<Refusal> refusals;
};

/// A tool's BPF programs: opened, configured, loaded and attached by the first rung that really attaches.
class Object {
 public:
  using Open = Skeleton (*)(const bpf_object_open_opts*);
  /// Fills rodata of an opened skeleton and says what to attach. Called again for each rung that is tried, since a
  /// program that was loaded cannot be changed.
  using Configure = std::function<Plan(void* skeleton)>;

  struct Options {
    std::string backend;   ///< --backend; empty: the cheapest
    std::string btf_file;  ///< --btf; empty: the kernel's own
  };

  /// Throws Error when no rung can be had.
  Object(Open open, const Configure& configure, const Options& options);

  /// Climbs the same ladder and leaves at once. Programs are really loaded and attached, but for tracepoints by perf,
  /// which take the kernel up to 115 ms each to detach: of these it is only seen whether they exist, and the caller
  /// has found out whether one can be attached.
  static Prospect prospect(Open open, const Configure& configure, const Finding& tracepoints);

  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  ~Object();

  [[nodiscard]] void* skeleton() const { return skeleton_.address; }
  [[nodiscard]] const Rung& rung() const { return rung_; }
  [[nodiscard]] const std::string& hook() const { return hook_; }
  [[nodiscard]] const std::vector<Refusal>& refusals() const { return refusals_; }
  /// Of the ladder, if it is wanted; and why it was not to be had, if so.
  [[nodiscard]] const Addition& addition() const { return addition_; }
  [[nodiscard]] const std::optional<Refusal>& addition_refusal() const { return addition_refusal_; }
  /// Attaches more while everything runs, of the programs that are loaded; false if that failed, see left_out().
  bool attach_late(const Attachment& attachment);
  /// Of a tool that samples; null otherwise.
  [[nodiscard]] Sampler* sampler() const { return sampler_.get(); }
  /// Targets of optional attachments that could not be had, where that is a loss: `rung` is what is shown of each.
  [[nodiscard]] const std::vector<Refusal>& left_out() const { return left_out_; }
  /// Times that attached programs were skipped because one was already running on the CPU, as far as this kernel counts
  /// them (5.12 for tracing programs, f01a7dbe98ae and later for others).
  [[nodiscard]] std::uint64_t skipped() const;
  /// Of one program; 0 if it is not loaded.
  [[nodiscard]] static std::uint64_t skipped(const bpf_program* program);
  [[nodiscard]] std::vector<ProgramCost> costs() const;

 private:
  Object() = default;
  bool climb(Open open, const Configure& configure, const Options& options);
  bool try_rung(const Plan& plan, const Rung& rung, bool with_addition, Refusal& refusal);
  bool addition_is_possible(const Addition& addition);
  void look_for_the_impossible(const std::vector<Attachment>& attachments, Refusal& refusal);
  static void look_for_a_crash(const std::vector<Attachment>& attachments, Refusal& refusal);
  bool attach(const Attachment& attachment, Refusal& refusal);
  bool attach_sampler(const Attachment& attachment, Refusal& refusal);
  void close();
  [[noreturn]] void fail(const Options& options, const std::string& log) const;

  std::optional<Finding> tracepoints_;  // set: this is only a trial
  Skeleton skeleton_;
  std::vector<bpf_link*> links_;
  std::unique_ptr<Sampler> sampler_;
  std::vector<bpf_program*> attached_;
  std::vector<Refusal> refusals_, left_out_;
  Rung rung_;
  Addition addition_;
  std::optional<Refusal> addition_refusal_;
  std::string hook_;
  std::optional<Tracefs> tracefs_;  // looked for when a rung needs it
};

/// Runs an iterator program once over everything it iterates. Throws Error.
void run_iterator(bpf_program* program);

/// Puts `value` under `key`, both of the sizes the map has. Throws Error.
void put_in_map(bpf_map* map, const void* key, const void* value);

/// The same, if there is room.
bool put_if_possible(bpf_map* map, const void* key, const void* value);

void resize_map(bpf_map* map, std::uint32_t entries);

/// How many calls a map like `calls_by_tid` (bpf/lib/calls.bpf.h) holds that began and were not seen to end.
std::uint64_t unfinished_calls(bpf_map* map);

/// An empty map of that kind, for one int a task; none, and errno, if this kernel refuses it.
Fd make_task_storage();

/// Whether a policy of this system refuses fentry programs. It refuses them to everybody who lacks the capabilities.
bool fentry_is_forbidden();

/// Whether calls can be remembered in task storage here.
bool has_task_storage();

unsigned possible_cpus();

/// Whether the running kernel knows a struct of this name.
bool has_struct(std::string_view name);

/// Whether threads that sleep may lie in run queues, and even be moved to others there, which is where kernels since
/// 6.12 (152e11f6df29) take note of a wait that is none (bpf/lib/sched.bpf.h).
bool dequeues_later();

/// Switches the kernel's accounting of BPF programs on while the object lives (--stats).
class RunStats {
 public:
  RunStats();  ///< throws Error

 private:
  Fd fd_;
};

}  // namespace sonde::kernel
