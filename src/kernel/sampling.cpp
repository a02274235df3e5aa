// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/sampling.h"

#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

#include "core/error.h"
#include "core/kernel_text.h"
#include "kernel/file.h"
#include "kernel/reason.h"

namespace sonde::kernel {
namespace {

constexpr std::uint64_t second = 1'000'000'000;

std::uint64_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * second + static_cast<std::uint64_t>(time.tv_nsec);
}

// Idle CPUs are sampled too: by what comes in all it is seen what did not come.
Fd open_event(const Sampling& sampling, unsigned cpu) {
  perf_event_attr attributes{};
  attributes.size = sizeof(attributes);
  attributes.disabled = 1;
  if (sampling.clock == Sampling::Clock::cycles) {
    attributes.type = PERF_TYPE_HARDWARE;
    attributes.config = PERF_COUNT_HW_CPU_CYCLES;
    attributes.freq = 1;
    attributes.sample_freq = sampling.hertz;
  } else {
    // Not by `freq`, which the kernel limits by a sysctl that it lowers by itself; of a clock that is the same.
    attributes.type = PERF_TYPE_SOFTWARE;
    attributes.config = PERF_COUNT_SW_CPU_CLOCK;
    attributes.sample_period = second / sampling.hertz;
  }
  attributes.read_format = PERF_FORMAT_TOTAL_TIME_RUNNING;
  return Fd(
      static_cast<int>(syscall(SYS_perf_event_open, &attributes, -1, static_cast<int>(cpu), -1, PERF_FLAG_FD_CLOEXEC)));
}

std::vector<unsigned> listed_cpus() {
  const auto text = read_file("/sys/devices/system/cpu/online");
  return text ? cpu_list(*text) : std::vector<unsigned>();
}

}  // namespace

std::vector<unsigned> online_cpus() {
  auto cpus = listed_cpus();
  if (cpus.empty())
    throw Error(Exit::run_time, "The kernel does not tell which CPUs are online.",
                "Mount sysfs on /sys, which has it in devices/system/cpu/online.");
  return cpus;
}

std::string Sampler::trouble(const Sampling& sampling) {
  if (open_event(sampling, online_cpus().front())) return {};
  const bool by_cycles = sampling.clock == Sampling::Clock::cycles;
  const bool absent = errno == ENOENT || errno == EOPNOTSUPP || errno == ENODEV;
  if (by_cycles && absent) return "this machine has no counter of cycles that can be sampled";
  if (by_cycles && errno == EINVAL)
    return "kernel.perf_event_max_sample_rate allows no " + std::to_string(sampling.hertz) + " samples a second";
  return phrase(errno);
}

Sampler::~Sampler() {
  for (auto& [cpu, event] : events_) bpf_link__destroy(event.link);
}

int Sampler::attach() {
  for (const unsigned cpu : online_cpus())
    if (const int error = attach(cpu); error && error != ENODEV) return error;  // ENODEV: it has just gone
  return events_.empty() ? ENODEV : 0;
}

int Sampler::attach(unsigned cpu) {
  Event event{open_event(sampling_, cpu)};
  if (!event.fd) return errno;
  Fd own(fcntl(event.fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!own) return errno;
  event.link = bpf_program__attach_perf_event(program_, own.get());
  if (!event.link) return errno;
  static_cast<void>(own.release());
  event.began = now();
  events_.emplace(cpu, std::move(event));
  return 0;
}

void Sampler::follow() {
  const auto online = listed_cpus();
  if (online.empty()) return;
  for (auto event = events_.begin(); event != events_.end();) {
    if (std::binary_search(online.begin(), online.end(), event->first)) {
      ++event;
      continue;
    }
    end(event->second);
    event = events_.erase(event);
  }
  for (const unsigned cpu : online)
    if (!events_.contains(cpu)) attach(cpu);
}

// What a CPU that went offline had has stopped by then, and knows how long it ran.
void Sampler::end(Event& event) {
  std::array<std::uint64_t, 2> value_and_running{};
  const auto size = static_cast<ssize_t>(sizeof(value_and_running));
  if (read(event.fd.get(), value_and_running.data(), sizeof(value_and_running)) == size)
    ended_ns_ += value_and_running[1];
  bpf_link__destroy(event.link);
}

std::uint64_t Sampler::due(std::uint64_t time) const {
  std::uint64_t ns = ended_ns_;
  for (const auto& [cpu, event] : events_) ns += time - std::min(time, event.began);
  return ns / (second / sampling_.hertz);
}

Sampler::Times Sampler::times() const {
  const auto stat = read_file("/proc/stat");
  const auto ticks = stat ? cpu_ticks(*stat).value_or(CpuTicks()) : CpuTicks();
  const auto ticks_a_second = static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
  return {ticks.busy * sampling_.hertz / ticks_a_second, ticks.stolen * sampling_.hertz / ticks_a_second};
}

}  // namespace sonde::kernel
