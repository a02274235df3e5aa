// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/hooks.h"

#include <array>
#include <cerrno>
#include <string>

#include "kernel/capabilities.h"
#include "kernel/hook_trials.h"
#include "kernel/reason.h"

namespace sonde::kernel {
namespace {

constexpr const char* types_remedy = "Boot a kernel built with CONFIG_DEBUG_INFO_BTF and CONFIG_BPF_EVENTS.";

/// What is said of a hook.
struct Kind {
  const char* name;
  Outcome (HookTrials::*attempt)();
  const char* absent;  ///< where this kernel does not have it
  const char* remedy;
  const char* silent = "Attached, but an event of its own was not seen.";
};

constexpr std::array kinds{
    Kind{"kprobe", &HookTrials::kprobe, "This kernel has no kprobes.",
         "Boot a kernel built with CONFIG_KPROBE_EVENTS."},
    Kind{"kprobe.multi", &HookTrials::kprobe_multi, "This kernel cannot attach to many functions at once.",
         "Linux 5.18 and later have it, if built with CONFIG_FPROBE."},
    Kind{"fentry", &HookTrials::fentry, "This kernel has no fentry programs.",
         "Boot a kernel built with CONFIG_DEBUG_INFO_BTF and CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS."},
    Kind{tracepoint_hook, &HookTrials::tracepoint, "This kernel has no tracepoints for perf.",
         "Boot a kernel built with CONFIG_BPF_EVENTS."},
    Kind{"raw_tp", &HookTrials::raw_tracepoint, "This kernel has no raw tracepoints.",
         "Boot a kernel built with CONFIG_BPF_EVENTS."},
    Kind{"tp_btf", &HookTrials::typed_tracepoint, "This kernel has no typed tracepoints.", types_remedy},
    Kind{"uprobe", &HookTrials::uprobe, "This kernel has no uprobes.",
         "Boot a kernel built with CONFIG_UPROBE_EVENTS."},
    Kind{"uprobe.multi", &HookTrials::uprobe_multi, "This kernel cannot attach many uprobes at once.",
         "Linux 6.6 and later have it."},
    Kind{"perf sampling", &HookTrials::clock_sampling, "This kernel has no clock to sample by.",
         "Boot a kernel built with CONFIG_PERF_EVENTS."},
    Kind{"hardware PMU", &HookTrials::hardware_sampling, "None here; sampling goes by the clock.",
         "In a virtual machine: let the hypervisor pass on performance counters."},
    Kind{"ring buffer", &HookTrials::ring, "This kernel has no BPF ring buffer.", "Linux 5.8 and later have it."},
    Kind{"task storage", &HookTrials::task_storage, "This kernel has no task storage for tracing.",
         "Linux 5.12 and later have it.", "There, but nothing can be stored; tools use a hash instead."},
    Kind{"iterator", &HookTrials::iterator, "This kernel cannot iterate over its tasks.", types_remedy}};

// E2BIG: an attribute of bpf(2) that is longer than this kernel knows it.
bool is_absence(int error) {
  return error == ENOENT || error == EINVAL || error == ENOTSUP || error == 524 || error == ENODEV || error == ENOSYS ||
         error == E2BIG;
}

Finding finding(const Kind& kind, const Outcome& outcome) {
  if (outcome.reached == Step::done) return {kind.name, State::ok, "Attached, and it fired."};
  if (outcome.reached == Step::fire) return {kind.name, State::limited, kind.silent};
  if (!outcome.trouble.empty())
    return {kind.name, is_refusal(outcome.error) ? State::refused : State::missing, sentence(outcome.trouble),
            outcome.remedy};
  if (is_refusal(outcome.error)) {
    const auto who = refuser(missing_capabilities());
    return {kind.name, State::refused, sentence(who.phrase), who.remedy};
  }
  if (is_absence(outcome.error)) return {kind.name, State::missing, kind.absent, kind.remedy};
  return {kind.name, State::unknown, "The trial did not work: " + phrase(outcome.error) + ".", "Run it again."};
}

}  // namespace

std::vector<Finding> try_hooks() {
  raise_memory_limit();
  HookTrials trials;
  std::vector<Finding> findings;
  for (const Kind& kind : kinds) findings.push_back(finding(kind, (trials.*kind.attempt)()));
  return findings;
}

}  // namespace sonde::kernel
