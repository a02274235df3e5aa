// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/perf_tracepoint.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "kernel/fd.h"
#include "kernel/instructions.h"

namespace sonde::kernel {
namespace {

Fd open_event(std::uint64_t id) {
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_TRACEPOINT;
  attributes.size = sizeof(attributes);
  attributes.config = id;
  // CPU 0 only in name: the programs of a tracepoint event run on every CPU.
  return Fd(static_cast<int>(syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC)));
}

bool takes_a_program_that_reads_nothing(const Fd& event) {
  const auto code = Instructions().finish();
  const Fd program(bpf_prog_load(BPF_PROG_TYPE_TRACEPOINT, "probe", "GPL", code.data(), code.size(), nullptr));
  return program && ioctl(event.get(), PERF_EVENT_IOC_SET_BPF, program.get()) == 0;
}

}  // namespace

PerfAttached attach_by_perf(const bpf_program* program, std::uint64_t id) {
  Fd event = open_event(id);
  if (!event) return {nullptr, errno};
  bpf_link* link = bpf_program__attach_perf_event(program, event.get());
  if (link) {
    static_cast<void>(event.release());
    return {link};
  }
  // EACCES is also a policy's word (perf_event_set_bpf_prog(), and its security hook): then no program is taken.
  const int error = errno;
  return {nullptr, error, error == EACCES && takes_a_program_that_reads_nothing(event)};
}

}  // namespace sonde::kernel
