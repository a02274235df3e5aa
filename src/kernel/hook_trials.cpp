// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/hook_trials.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <link.h>
#include <linux/btf.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <string>

#include "kernel/file.h"
#include "kernel/kernel_types.h"
#include "kernel/object.h"
#include "kernel/tracefs.h"

namespace sonde::kernel {
namespace {

// A function that each kernel from 5.6 on has, and that open(2) calls; the tools attach to it as well.
constexpr const char* function = "do_sys_openat2";
// A tracepoint that exists everywhere and fires when a thread is named: attached, it costs nobody else anything, as
// those of system calls would.
constexpr const char* event = "task_rename";

// Of newer kernels than the headers are.
constexpr std::uint32_t trace_uprobe_multi = 48;  // BPF_TRACE_UPROBE_MULTI, 6.6

void call_function(int) { const Fd opened(open("/", O_PATH | O_CLOEXEC)); }

void rename_thread(int) {
  std::array<char, 16> name{};
  prctl(PR_GET_NAME, name.data());
  prctl(PR_SET_NAME, name.data());
}

// The first instruction of this one is where the uprobes go.
[[gnu::noinline]] void land_here(int) { asm volatile("" ::: "memory"); }

// Where in the file of this program `address` comes from.
std::uint64_t file_offset(std::uintptr_t address) {
  struct Search {
    std::uintptr_t address;
    std::uint64_t offset;
  } search{address, 0};
  dl_iterate_phdr(
      [](dl_phdr_info* object, std::size_t, void* data) {
        auto& wanted = *static_cast<Search*>(data);
        for (unsigned i = 0; i < object->dlpi_phnum; ++i) {
          const auto& part = object->dlpi_phdr[i];
          const auto start = object->dlpi_addr + part.p_vaddr;
          if (part.p_type == PT_LOAD && wanted.address >= start && wanted.address < start + part.p_filesz)
            wanted.offset = wanted.address - start + part.p_offset;
        }
        return 1;  // the program itself comes first
      },
      &search);
  return search.offset;
}

std::uint64_t landing() { return file_offset(reinterpret_cast<std::uintptr_t>(&land_here)); }

Fd open_event(perf_event_attr attributes, pid_t pid, int cpu) {
  attributes.size = sizeof(attributes);
  return Fd(static_cast<int>(syscall(SYS_perf_event_open, &attributes, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC)));
}

// A perf event with the program on it. The older way of ioctls works on every kernel.
Fd with_program(Fd opened, int program) {
  if (!opened) return opened;
  if (ioctl(opened.get(), PERF_EVENT_IOC_SET_BPF, program) != 0 || ioctl(opened.get(), PERF_EVENT_IOC_ENABLE, 0) != 0) {
    const int error = errno;
    opened = Fd();
    errno = error;
  }
  return opened;
}

std::optional<std::uint32_t> event_source(const char* name) {
  const auto text = read_file("/sys/bus/event_source/devices/" + std::string(name) + "/type");
  std::uint32_t type = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), type).ec != std::errc{}) return std::nullopt;
  return type;
}

Fd nothing(int error) {
  errno = error;
  return {};
}

constexpr const char* own_program = "/proc/self/exe";

// The types that programs name as their target, and their places in the list.
constexpr std::array wanted{TypeName{function, BTF_KIND_FUNC}, TypeName{"btf_trace_task_rename", BTF_KIND_TYPEDEF},
                            TypeName{"bpf_iter_task", BTF_KIND_FUNC}};
enum Target { the_function, the_tracepoint, the_iterator };

Fd attach_raw(int program) { return Fd(bpf_raw_tracepoint_open(event, program)); }

// The target was named at the load.
Fd attach_typed(int program) { return Fd(bpf_raw_tracepoint_open(nullptr, program)); }

}  // namespace

HookTrials::HookTrials() : types_(kernel_type_numbers(wanted)) {}

Outcome HookTrials::kprobe() {
  return bench_.attempt(
      {BPF_PROG_TYPE_KPROBE},
      [](int program) {
        const auto type = event_source("kprobe");
        if (!type) return nothing(ENOENT);
        perf_event_attr attributes{};
        attributes.type = *type;
        attributes.kprobe_func = reinterpret_cast<std::uintptr_t>(function);
        return with_program(open_event(attributes, -1, 0), program);
      },
      call_function);
}

Outcome HookTrials::kprobe_multi() {
  return bench_.attempt(
      {BPF_PROG_TYPE_KPROBE, BPF_TRACE_KPROBE_MULTI},
      [](int program) {
        const char* symbol = function;
        bpf_link_create_opts options{};
        options.sz = sizeof(options);
        options.kprobe_multi.cnt = 1;
        options.kprobe_multi.syms = &symbol;
        return Fd(bpf_link_create(program, 0, BPF_TRACE_KPROBE_MULTI, &options));
      },
      call_function);
}

Outcome HookTrials::fentry() {
  return with_type(types_[the_function], {BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY}, call_function);
}

Outcome HookTrials::tracepoint() {
  const Tracefs tracefs;
  const auto id = tracefs.tracepoint_id("task", event);
  auto outcome = bench_.attempt(
      {BPF_PROG_TYPE_TRACEPOINT},
      [&](int program) {
        if (!id) return nothing(tracefs.trouble().empty() ? ENOENT : EACCES);
        perf_event_attr attributes{};
        attributes.type = PERF_TYPE_TRACEPOINT;
        attributes.config = *id;
        return with_program(open_event(attributes, -1, 0), program);
      },
      rename_thread);
  if (outcome.reached == Step::attach && !id) {
    outcome.trouble = tracefs.trouble();
    outcome.remedy = tracefs.remedy();
  }
  return outcome;
}

Outcome HookTrials::raw_tracepoint() {
  return bench_.attempt({BPF_PROG_TYPE_RAW_TRACEPOINT}, attach_raw, rename_thread);
}

Outcome HookTrials::typed_tracepoint() {
  return with_type(types_[the_tracepoint], {BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP}, rename_thread);
}

Outcome HookTrials::uprobe() {
  return bench_.attempt(
      {BPF_PROG_TYPE_KPROBE},
      [](int program) {
        const auto type = event_source("uprobe");
        if (!type) return nothing(ENOENT);
        perf_event_attr attributes{};
        attributes.type = *type;
        attributes.uprobe_path = reinterpret_cast<std::uintptr_t>(own_program);
        attributes.probe_offset = landing();
        return with_program(open_event(attributes, 0, -1), program);
      },
      land_here);
}

Outcome HookTrials::uprobe_multi() {
  return bench_.attempt(
      {BPF_PROG_TYPE_KPROBE, trace_uprobe_multi},
      [](int program) {
        // As the kernel takes it from 6.6 on (union bpf_attr, link_create.uprobe_multi); libbpf 1.1 has no room for
        // it in its options.
        struct {
          std::uint32_t program, target, attach_type, flags;
          std::uint64_t path, offsets, reference_counters, cookies;
          std::uint32_t count, probe_flags, pid, padding;
        } attributes{};
        const std::uint64_t offset = landing();
        attributes.program = static_cast<std::uint32_t>(program);
        attributes.attach_type = trace_uprobe_multi;
        attributes.path = reinterpret_cast<std::uintptr_t>(own_program);
        attributes.offsets = reinterpret_cast<std::uintptr_t>(&offset);
        attributes.count = 1;
        attributes.pid = static_cast<std::uint32_t>(getpid());
        return Fd(static_cast<int>(syscall(SYS_bpf, BPF_LINK_CREATE, &attributes, sizeof(attributes))));
      },
      land_here);
}

Outcome HookTrials::sampling(std::uint32_t type, std::uint64_t event) {
  return bench_.attempt(
      {BPF_PROG_TYPE_PERF_EVENT},
      [=](int program) {
        perf_event_attr attributes{};
        attributes.type = type;
        attributes.config = event;
        attributes.sample_period = 100'000;  // ns, or cycles
        return with_program(open_event(attributes, 0, -1), program);
      },
      [this](int) { stay_busy(); });
}

Outcome HookTrials::clock_sampling() { return sampling(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK); }

Outcome HookTrials::hardware_sampling() { return sampling(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES); }

Outcome HookTrials::ring() {
  const Fd ring(bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ring", 0, 0, static_cast<std::uint32_t>(getpagesize()), nullptr));
  if (!ring) return {Step::prepare, errno};
  int records = 0;
  const auto read = [&](int) {
    rename_thread(0);
    ring_buffer* reader = ring_buffer__new(
        ring.get(), [](void* count, void*, std::size_t) { return ++*static_cast<int*>(count), 0; }, &records, nullptr);
    if (reader) ring_buffer__consume(reader);
    ring_buffer__free(reader);
  };
  const auto outcome = bench_.attempt({BPF_PROG_TYPE_RAW_TRACEPOINT}, attach_raw, read, [&](Instructions& body) {
    constexpr std::int16_t record = -16;
    body.store_double(BPF_REG_10, record, 1);
    body.map(BPF_REG_1, ring.get());
    body.copy(BPF_REG_2, BPF_REG_10);
    body.add(BPF_REG_2, record);
    body.set(BPF_REG_3, 8);
    body.set(BPF_REG_4, 0);
    body.call(BPF_FUNC_ringbuf_output);
  });
  return outcome.reached == Step::done && records == 0 ? Outcome{Step::fire, 0} : outcome;
}

Outcome HookTrials::task_storage() {
  const Fd storage = make_task_storage();
  if (!storage) return {Step::prepare, errno};
  return with_type(types_[the_tracepoint], {BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP}, rename_thread,
                   [&](Instructions& body) {
                     body.call(BPF_FUNC_get_current_task_btf);
                     body.map(BPF_REG_1, storage.get());
                     body.copy(BPF_REG_2, BPF_REG_0);
                     body.set(BPF_REG_3, 0);
                     body.set(BPF_REG_4, BPF_LOCAL_STORAGE_GET_F_CREATE);
                     body.call(BPF_FUNC_task_storage_get);
                     body.leave_if_zero(BPF_REG_0);
                   });
}

Outcome HookTrials::iterator() {
  if (!types_[the_iterator]) return no_type();
  Instructions instructions;
  constexpr std::int16_t task = 8;  // struct bpf_iter__task; null when it is over
  instructions.load_double(BPF_REG_1, BPF_REG_1, task);
  instructions.leave_if_zero(BPF_REG_1);
  instructions.count_in(bench_.counter());
  return bench_.attempt(
      {BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, types_[the_iterator]}, instructions,
      [](int program) { return Fd(bpf_link_create(program, 0, BPF_TRACE_ITER, nullptr)); },
      [](int link) {
        const Fd iterator(bpf_iter_create(link));
        std::array<char, 64> none{};
        while (iterator && read(iterator.get(), none.data(), none.size()) > 0) {
        }
      });
}

// Of a kernel that shows its types, this one has not the hook.
Outcome HookTrials::no_type() const {
  for (const auto type : types_)
    if (type) return {Step::prepare, ENOENT};
  return {Step::prepare, ENOENT, "it cannot be had without BTF", "Boot a kernel built with CONFIG_DEBUG_INFO_BTF."};
}

Outcome HookTrials::with_type(std::uint32_t type, const ProgramKind& kind, const std::function<void(int)>& make_event,
                              const std::function<void(Instructions&)>& body) {
  if (!type) return no_type();
  return bench_.attempt({kind.type, kind.attach_type, type}, attach_typed, make_event, body);
}

// Until a sample was taken; a clock that ticks at all does so within a few milliseconds.
void HookTrials::stay_busy() const {
  constexpr std::int64_t patience = 100'000'000;
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1'000'000'000 + time.tv_nsec;
  };
  const auto before = bench_.count();
  for (const auto start = now(); bench_.count() == before && now() - start < patience;) {
  }
}

}  // namespace sonde::kernel
