// SPDX-License-Identifier: GPL-2.0-or-later
// Sums.
#include "syslat.h"

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#define COUNT_KEY struct count_key
#define COUNT_ROW struct syslat_row
#define COUNT_USERS 7
#define SCRATCH_EVENT __u64 /* nothing but paths is put together */
#define SCRATCH_USERS 7

#include "lib/buckets.bpf.h"
#include "lib/counts.bpf.h"
#include "lib/sums.bpf.h"
#include "syslat_call.bpf.h"
_Static_assert(COUNT_USERS == USER_COUNT && SCRATCH_USERS == USER_COUNT, "each program has its own");

/* Beside each row, with --by file: the path. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, COUNT_CHUNK);
  __type(key, __u32);
  __type(value, struct file_path);
} beside SEC(".maps");

static __always_inline void make_key(struct count_key* key, struct task_struct* task, const struct open_call* call) {
  __u32 pid = conf.by.who == COUNT_OF_PROCESS ? task_pid(task, &filter) : 0;

  key_of(key, &conf.by, task, pid, call->word);
  if (conf.by.what == SYSLAT_KIND) key->who = call->kind;
  if (conf.by.what == SYSLAT_FILE && call->inode) {
    key->who = call->inode;
    key->what = (__u64)call->device << SYSLAT_PACKED_DEVICE | (is_compat(call) ? SYSLAT_PACKED_COMPAT : 0) |
                (call->word & 0xffff);
  }
}

static __always_inline void note_path(struct task_struct* task, const struct open_call* call, __u32 at, __u32 user) {
  struct file_path* path = bpf_map_lookup_elem(&beside, &at);
  struct file* file;
  struct scratch* s;
  __u32 length;

  if (!path || path->known || !call->inode) return;
  file = same_file(task, call);
  s = file ? bpf_map_lookup_elem(&scratch, &user) : 0;
  if (!s) return;
  length = put_file_path(s, user, file, &path->bits);
  if (length > FILE_NAMES) path->bits |= FILE_NAMES_CUT;
  path->length = length > FILE_NAMES ? FILE_NAMES : length;
  path->kind = call->kind;
  bpf_probe_read_kernel(path->names, FILE_NAMES, s->tail);
  path->known = 1;
}

/* Once a file is closed its path cannot be had any more. */
static __always_inline void call_noted(struct task_struct* task, const struct open_call* call) {
  __u32 user = is_compat(call) ? USER_COMPAT_ENTER : USER_ENTER, at;
  struct count_key key;

  if (conf.by.what != SYSLAT_FILE || call->word != (is_compat(call) ? NR32_CLOSE | COMPAT_CALL : NR_CLOSE)) return;
  make_key(&key, task, call);
  if (count_row(&key, user, &at)) note_path(task, call, at, user);
}

static __always_inline void call_ended(void* ctx, struct task_struct* task, const struct open_call* call, int error,
                                       long result, __u64 now, __u32 user) {
  __u64 latency = now - call->start;
  struct syslat_row* row;
  struct count_key key;
  __u32 at;

  make_key(&key, task, call);
  row = count_row(&key, user, &at);
  if (!row) return;
  note_name(&row->value.name, &conf.by, task);
  add_to_sums(&row->value.times, latency);
  count_in_buckets(at, 0, latency);
  if (error) row->value.failed++;
  if (conf.sizes && !error && result >= 0 && syscall_wanted(&conf.with_size, call->word, is_compat(call))) {
    add_to_sums(&row->value.sizes, result);
    count_in_buckets(at, 1, result);
  }
  if (conf.by.what == SYSLAT_FILE) note_path(task, call, at, user);
}

static __always_inline void call_runs(struct task_struct* task, const struct open_call* call, __u64 now) {
  __u64 interval = run.interval + 1, latency = now - call->start;
  struct syslat_running* running;
  struct syslat_row* row;
  struct count_key key;
  __u32 at;

  make_key(&key, task, call);
  row = count_row(&key, USER_RUNNING, &at);
  if (!row) return;
  note_name(&row->value.name, &conf.by, task);
  running = &row->value.running;
  if (running->interval != interval) {
    running->number = running->longest = 0;
    running->interval = interval;
  }
  running->number++;
  if (latency > running->longest) running->longest = latency;
}

char LICENSE[] SEC("license") = "GPL";
