// SPDX-License-Identifier: GPL-2.0-or-later
//
// Attaches the programs of floor.bpf.c and reads their records every 10 ms, until SIGINT.
//
//   sonde_bench_floor [--record] HOOK...     tracepoint:syscalls/sys_exit_openat, tp_btf:sched_switch, raw_tp:sys_enter

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/prctl.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "floor.skel.h"

namespace {

volatile std::sig_atomic_t ended = 0;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "sonde_bench_floor: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

struct Hook {
  std::string kind;
  std::string name;
  bpf_program* program = nullptr;
};

Hook hook_of(const std::string& text) {
  const auto colon = text.find(':');
  if (colon == std::string::npos) {
    errno = EINVAL;
    fail(text);
  }
  return {text.substr(0, colon), text.substr(colon + 1)};
}

// Before the load: what is attached by tp_btf is named in the program, so each of its hooks takes one of the three.
void choose_programs(floor_bpf* object, std::vector<Hook>& hooks) {
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object->obj) { bpf_program__set_autoload(program, false); }
  bpf_program* const slots[] = {object->progs.at_tp_btf_1, object->progs.at_tp_btf_2, object->progs.at_tp_btf_3};
  std::size_t taken = 0;
  for (Hook& hook : hooks) {
    if (hook.kind == "tp_btf" && taken < std::size(slots)) {
      hook.program = slots[taken++];
      bpf_program__set_attach_target(hook.program, 0, hook.name.c_str());
    } else if (hook.kind == "raw_tp") {
      hook.program = object->progs.at_raw_tp;
    } else if (hook.kind == "tracepoint") {
      hook.program = object->progs.at_tracepoint;
    } else {
      errno = EINVAL;
      fail(hook.kind + ":" + hook.name);
    }
    bpf_program__set_autoload(hook.program, true);
  }
}

bpf_link* attach(const Hook& hook) {
  if (hook.kind == "tp_btf") {
    return bpf_program__attach(hook.program);
  }
  if (hook.kind == "raw_tp") {
    return bpf_program__attach_raw_tracepoint(hook.program, hook.name.c_str());
  }
  const auto slash = hook.name.find('/');
  return bpf_program__attach_tracepoint(hook.program, hook.name.substr(0, slash).c_str(),
                                        hook.name.substr(slash + 1).c_str());
}

int ignore(void*, void*, std::size_t) { return 0; }

void read_records(int map) {
  ring_buffer* const ring = ring_buffer__new(map, ignore, nullptr, nullptr);
  if (ring == nullptr) {
    fail("the ring buffer");
  }
  while (ended == 0) {
    ring_buffer__consume(ring);
    const timespec pause{0, 10'000'000};
    nanosleep(&pause, nullptr);
  }
  ring_buffer__free(ring);
}

}  // namespace

int main(int argc, char** argv) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::signal(SIGINT, [](int) { ended = 1; });
  bool with_record = false;
  std::vector<Hook> hooks;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--record") {
      with_record = true;
    } else {
      hooks.push_back(hook_of(argv[i]));
    }
  }
  floor_bpf* const object = floor_bpf::open();
  if (object == nullptr) {
    fail("the object");
  }
  object->rodata->with_record = with_record ? 1 : 0;
  choose_programs(object, hooks);
  if (floor_bpf::load(object) != 0) {
    fail("load");
  }
  std::vector<bpf_link*> links;
  for (const Hook& hook : hooks) {
    bpf_link* const link = attach(hook);
    if (link == nullptr) {
      fail(hook.name);
    }
    links.push_back(link);
  }
  read_records(bpf_map__fd(object->maps.records));
  for (bpf_link* const link : links) {
    bpf_link__destroy(link);
  }
  floor_bpf::destroy(object);
  return 0;
}
