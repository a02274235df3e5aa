/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SONDE_USER_TEXT_BPF_H
#define SONDE_USER_TEXT_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

/* As bpf_probe_read_user_str(), which for an empty string returns 0 on older kernels (6.12 is one), not 1. */
static __always_inline long read_user_text(char* to, __u32 size, const void* from) {
  long length = bpf_probe_read_user_str(to, size, from);

  if (length) return length;
  *to = 0;
  return 1;
}

#endif
