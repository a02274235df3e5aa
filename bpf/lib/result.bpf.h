/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -x and --errno: which results of a call are wanted. */
#ifndef SONDE_RESULT_BPF_H
#define SONDE_RESULT_BPF_H

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "lib/abi.h"

static __always_inline bool result_wanted(const volatile struct result_conf* conf, int result) {
  __u32 number = result < 0 ? -result : 0;

  if (conf->failed && result >= 0) return false;
  if (!conf->errnos) return true;
  if (!number || number >= ERRNO_WORDS * 64) return false;
  return (conf->errno_set[number / 64] >> (number % 64) & 1) != !!conf->errnos_negated;
}

#endif
