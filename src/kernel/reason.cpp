// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/reason.h"

#include <sys/resource.h>

#include <cerrno>

#include "core/names.h"
#include "kernel/capabilities.h"
#include "kernel/policy.h"

namespace sonde::kernel {
namespace {

bool memory_is_unlimited() {
  rlimit limit{};
  return getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY;
}

}  // namespace

std::string phrase(int error) {
  switch (error) {
    case EPERM:
    case EACCES:
      return "refused by a policy of this system";
    case ENOENT:
      return "this kernel does not have the hook";
    case ESRCH:
      return "this kernel has no such function";
    case ENOTSUP:
    case 524:
      return "not supported by this kernel";  // ENOTSUPP has no strerror text
    case EINVAL:
      return "this kernel does not know a feature that it needs";
    case ENOSYS:
      return "this kernel was built without bpf(), or a seccomp filter hides it";
    case ENOMEM:
      return "no memory";
    case EMFILE:
      return "too few files may be open";
    case E2BIG:
      return "too large for this kernel's verifier";
    default:
      return "failed with " + std::string(errno_name(error));
  }
}

std::string remedy(int error) {
  if (is_refusal(error)) return refuser(missing_capabilities()).remedy;
  return error == ENOMEM ? "Give it more memory." : "Boot a kernel that has it; newer ones have more.";
}

std::string sentence(std::string phrase) {
  if (!phrase.empty() && phrase[0] >= 'a' && phrase[0] <= 'z') phrase[0] = static_cast<char>(phrase[0] - 'a' + 'A');
  return phrase + ".";
}

std::string phrase_of(std::string sentence) {
  if (sentence.ends_with('.')) sentence.pop_back();
  const bool word = sentence.size() > 1 && sentence[1] >= 'a' && sentence[1] <= 'z';  // and no "CAP_BPF"
  if (word && sentence[0] >= 'A' && sentence[0] <= 'Z') sentence[0] = static_cast<char>(sentence[0] - 'A' + 'a');
  return sentence;
}

bool is_locked_down() { return Policies().lockdown == "confidentiality"; }

bool is_refusal(int error) { return error == EPERM || error == EACCES; }

Refuser refuser(const std::vector<std::string>& missing_capabilities) {
  if (!missing_capabilities.empty()) return {lack_of(missing_capabilities), capability_remedy()};
  if (!memory_is_unlimited() && locked_memory_counts()) return {"too little memory may be locked", memory_remedy()};
  // Some kernels want it for uprobes by perf (6.18), and for tracing programs where a module was told so.
  if (!has_administration())
    return {"refused by a policy of this system, or for want of CAP_SYS_ADMIN", "Try it as root: sudo sonde ..."};
  const Policies policies;
  if (policies.lockdown == "confidentiality")
    return {"refused, as the kernel is locked down (confidentiality)",
            "Boot without lockdown=confidentiality; only a reboot lifts it."};
  if (policies.seccomp)
    return {"refused, probably by the seccomp filter that is in force here",
            "Run it outside the container or service that set the filter."};
  return {"refused by a policy of this system", "Ask who administers its security modules."};
}

}  // namespace sonde::kernel
