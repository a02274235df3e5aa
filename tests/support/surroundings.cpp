// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/surroundings.h"

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>

#include "support/process.h"

namespace sonde::test {
namespace {

void keep_mounts_private() {
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) fail("no private mounts");
}

}  // namespace

void hide_tracefs() {
  keep_mounts_private();
  for (const char* place : {"/sys/kernel/tracing", "/sys/kernel/debug"})
    while (umount2(place, MNT_DETACH) == 0) {
    }
}

void hide_types() {
  keep_mounts_private();
  if (mount("none", "/sys/kernel/btf", "tmpfs", 0, nullptr) != 0) fail("the kernel's types cannot be hidden");
}

void mount_own_proc() {
  keep_mounts_private();
  if (mount("proc", "/proc", "proc", 0, nullptr) != 0) fail("no private /proc");
}

void forbid_bpf(int error) {
  sock_filter code[] = {
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_bpf},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
  };
  const sock_fprog program{4, code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
    fail("no seccomp filter");
}

void become_with_capabilities(uid_t uid, const std::vector<int>& capabilities) {
  prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
  become(uid);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  for (const int capability : capabilities) {
    auto& word = data[capability / 32];
    word.effective |= 1U << (capability % 32);
    word.permitted = word.inheritable = word.effective;
  }
  if (syscall(SYS_capset, &header, data) != 0) fail("the capabilities cannot be set");
  for (const int capability : capabilities)
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) != 0) fail("no ambient capability");
}

}  // namespace sonde::test
