// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/probes.h"

#include <dirent.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "core/text.h"
#include "kernel/binaries.h"
#include "kernel/capabilities.h"
#include "kernel/object.h"

namespace sonde::kernel {
namespace {

constexpr std::string_view raw_prefix = "btf_trace_";

struct SoftwareEvent {
  std::string_view name;
  std::uint64_t number;
};
// Not bpf-output and dummy: nothing happens there by itself.
constexpr std::array software_events{
    SoftwareEvent{"alignment-faults", PERF_COUNT_SW_ALIGNMENT_FAULTS},
    SoftwareEvent{"cgroup-switches", PERF_COUNT_SW_CGROUP_SWITCHES},
    SoftwareEvent{"context-switches", PERF_COUNT_SW_CONTEXT_SWITCHES},
    SoftwareEvent{"cpu-clock", PERF_COUNT_SW_CPU_CLOCK},
    SoftwareEvent{"cpu-migrations", PERF_COUNT_SW_CPU_MIGRATIONS},
    SoftwareEvent{"emulation-faults", PERF_COUNT_SW_EMULATION_FAULTS},
    SoftwareEvent{"major-faults", PERF_COUNT_SW_PAGE_FAULTS_MAJ},
    SoftwareEvent{"minor-faults", PERF_COUNT_SW_PAGE_FAULTS_MIN},
    SoftwareEvent{"page-faults", PERF_COUNT_SW_PAGE_FAULTS},
    SoftwareEvent{"task-clock", PERF_COUNT_SW_TASK_CLOCK},
};

// 0, or why it cannot be opened.
int try_event(const SoftwareEvent& event) {
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.size = sizeof(attributes);
  attributes.config = event.number;
  attributes.disabled = attributes.exclude_kernel = attributes.exclude_hv = 1;
  const Fd fd(static_cast<int>(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC)));
  return fd ? 0 : errno;
}

// What perf can attach a program to is listed there. Without sysfs nobody knows, and it is taken to be there.
bool kernel_lacks(const std::string& event_source) {
  const std::string sources = "/sys/bus/event_source/devices/";
  return access((sources + "software").c_str(), F_OK) == 0 && access((sources + event_source).c_str(), F_OK) != 0;
}

// Who has all that can be given and is refused all the same meets a kernel that does not have it.
Exit closed_to_us() { return missing_capabilities().empty() ? Exit::not_supported : Exit::not_permitted; }

Exit exit_for(int error) { return error == EACCES || error == EPERM ? Exit::not_permitted : Exit::not_supported; }

}  // namespace

std::string Probe::text() const {
  std::string whole(name_of(kind));
  for (const auto& word : {binary, group, name})
    if (!word.empty()) whole.append(":").append(word);
  return whole;
}

void Probes::say(ProbeKind kind, std::string sentence, bool whole, Exit code) {
  const auto same = [&](const ClosedSource& known) { return known.kind == kind && known.sentence == sentence; };
  if (std::none_of(closed_.begin(), closed_.end(), same)) closed_.push_back({kind, std::move(sentence), whole, code});
}

void Probes::no_types(ProbeKind kind) {
  say(kind, "No " + std::string(name_of(kind)) + " is listed: " + why_no_types() + ".", true, exit_for(types_error_));
}

std::string Probes::why_no_types() const {
  return std::string("the kernel's types cannot be read (") + kernel_btf + ": " +
         (types_error_ ? std::strerror(types_error_) : "not understood") + ")";
}

Tracefs& Probes::tracefs() {
  if (!tracefs_) tracefs_.emplace();
  return *tracefs_;
}

KernelFunctions& Probes::functions() {
  if (!functions_) functions_.emplace(tracefs());
  return *functions_;
}

const std::vector<std::unique_ptr<Probes::Types>>& Probes::types() {
  if (!types_.empty() || types_error_) return types_;
  const auto add = [this](const std::string& path, const std::string& module, const Btf* base) {
    auto types = std::make_unique<Types>();
    types->module = module;
    types->file = std::make_unique<BtfFile>(path);
    types->btf = Btf::read(types->file->bytes(), base);
    if (types->file->error() && !base) types_error_ = types->file->error();
    if (types->btf) types_.push_back(std::move(types));
  };
  add(kernel_btf, {}, nullptr);
  if (types_.empty()) return types_;
  const Btf* const base = &*types_.front()->btf;
  const std::string directory = "/sys/kernel/btf/";
  const std::unique_ptr<DIR, int (*)(DIR*)> open(opendir(directory.c_str()), closedir);
  while (const dirent* entry = open ? readdir(open.get()) : nullptr) {
    const std::string name = entry->d_name;
    if (name[0] != '.' && name != "vmlinux") add(directory + name, name, base);
  }
  return types_;
}

const std::vector<Probes::TypedFunction>& Probes::typed_functions() {
  if (typed_) return *typed_;
  auto& all = typed_.emplace();
  for (const auto& part : types())
    for (const auto& function : part->btf->functions())
      all.push_back({{function.name, part->module}, &*part->btf, function.id});
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.function < b.function; });
  const auto same = [](const auto& a, const auto& b) { return a.function == b.function; };
  all.erase(std::unique(all.begin(), all.end(), same), all.end());
  return all;
}

const Probes::TypedFunction* Probes::typed(const KernelFunction& function) {
  const auto& all = typed_functions();
  const auto before = [](const TypedFunction& typed, const KernelFunction& other) { return typed.function < other; };
  const auto at = std::lower_bound(all.begin(), all.end(), function, before);
  return at != all.end() && at->function == function ? &*at : nullptr;
}

std::vector<Probe> Probes::find(const ProbePattern& pattern) {
  Found found;
  if (pattern.wants(ProbeKind::kprobe)) find_kprobes(pattern, found);
  if (pattern.wants(ProbeKind::fentry)) find_fentries(pattern, found);
  if (pattern.wants(ProbeKind::tracepoint)) find_tracepoints(pattern, found);
  if (pattern.wants(ProbeKind::raw_tp)) find_raw_tracepoints(pattern, found);
  if (pattern.wants(ProbeKind::software)) find_software_events(pattern, found);
  if (!pattern.binary().empty()) find_in_binary(pattern, found);
  return found;
}

void Probes::find_kprobes(const ProbePattern& pattern, Found& found) {
  if (kernel_lacks("kprobe")) return say(ProbeKind::kprobe, "This kernel has no kprobes.", true, Exit::not_supported);
  const auto& all = functions().all();
  const std::string why = " (" + functions().trouble() + ")";
  if (!functions().closed().empty())
    return say(ProbeKind::kprobe, "No kprobe is listed: " + functions().closed() + ", as is ftrace's list" + why + ".",
               true, closed_to_us());
  if (!functions().traceable())
    say(ProbeKind::kprobe,
        "Which functions take kprobes is not told" + why +
            ": listed are all of /proc/kallsyms, also those that take none.",
        false);
  for (const auto& [name, module] : all)
    if (pattern.matches(module.empty() ? "vmlinux" : module, name))
      found.push_back({ProbeKind::kprobe, {}, {}, name, module});
}

void Probes::find_fentries(const ProbePattern& pattern, Found& found) {
  const auto& all = typed_functions();
  if (all.empty()) return no_types(ProbeKind::fentry);
  const bool exact = functions().traceable();
  if (!exact)
    say(ProbeKind::fentry,
        "Which functions take fentry programs is not told (" + functions().trouble() +
            "): listed are all with types, also those that take none.",
        false);
  if (missing_capabilities().empty() && fentry_is_forbidden())
    say(ProbeKind::fentry, "A policy of this system refuses fentry programs.", false);
  for (const auto& typed : all) {
    const auto& [name, module] = typed.function;
    if (pattern.matches(module.empty() ? "vmlinux" : module, name) && (!exact || functions().has(typed.function)))
      found.push_back({ProbeKind::fentry, {}, {}, name, module, {}, typed.types, typed.type});
  }
}

void Probes::find_tracepoints(const ProbePattern& pattern, Found& found) {
  if (!events_) {
    auto text = tracefs().read("available_events");
    const int error = errno;
    if (!text) {
      const bool open = tracefs().trouble().empty();
      const std::string why = open ? std::strerror(error) : tracefs().trouble(), remedy = tracefs().remedy();
      return say(ProbeKind::tracepoint, "No tracepoint is listed: " + why + "." + (open ? "" : " " + remedy), true,
                 closed_to_us());
    }
    events_ = std::move(*text);
  }
  std::vector<TracepointName> names;
  each_line(*events_, [&](std::string_view line) {
    const auto name = tracepoint_name(line);
    if (name && pattern.matches(name->category, name->name)) names.push_back(*name);
  });
  std::sort(names.begin(), names.end());
  for (const auto& [category, name] : names) found.push_back({ProbeKind::tracepoint, {}, category, name});
}

void Probes::find_raw_tracepoints(const ProbePattern& pattern, Found& found) {
  if (types().empty()) return no_types(ProbeKind::raw_tp);
  const std::size_t before = found.size();
  for (const auto& part : types()) {
    for (const auto& [name, id] : part->btf->typedefs(raw_prefix)) {
      const std::string_view event = name.substr(raw_prefix.size());
      if (pattern.matches(part->module.empty() ? "vmlinux" : part->module, event))
        found.push_back({ProbeKind::raw_tp, {}, {}, event, part->module, {}, &*part->btf, id});
    }
  }
  std::sort(found.begin() + static_cast<std::ptrdiff_t>(before), found.end(),
            [](const Probe& a, const Probe& b) { return a.name < b.name; });
}

void Probes::find_software_events(const ProbePattern& pattern, Found& found) {
  for (const auto& event : software_events) {
    const int error = try_event(event);
    if (error == EACCES || error == EPERM)
      say(ProbeKind::software, "Which software events there are is not told (perf_event_open: not permitted).", false);
    else if (error)
      continue;
    if (pattern.matches("software", event.name)) found.push_back({ProbeKind::software, {}, {}, event.name});
  }
}

void Probes::find_in_binary(const ProbePattern& pattern, Found& found) {
  const ProbeKind kind = *pattern.kind();
  if (kernel_lacks("uprobe")) return say(kind, "This kernel has no uprobes.", true, Exit::not_supported);
  const std::string name = "'" + escaped(pattern.binary()) + "'";
  if (!elf_) {
    binary_ = find_binary(pattern.binary());
    if (binary_.empty()) throw Error(Exit::run_time, "There is no program or library " + name + ".", "Give its path.");
    std::string trouble;
    elf_ = open_elf(binary_, trouble);
    if (!elf_)
      throw Error(Exit::run_time, "The binary '" + escaped(binary_) + "' cannot be read: " + trouble + ".",
                  "Give a program or a shared library.");
  }
  if (kind == ProbeKind::uprobe) {
    for (const auto& function : elf_->functions())
      if (pattern.matches({}, function)) found.push_back({kind, binary_, {}, function});
  } else {
    std::string_view last_provider, last_name;  // a probe may be at several places
    for (const auto& probe : elf_->static_probes()) {
      if (probe.provider == last_provider && probe.name == last_name) continue;
      last_provider = probe.provider, last_name = probe.name;
      if (pattern.matches(probe.provider, probe.name))
        found.push_back({kind, binary_, probe.provider, probe.name, {}, probe.arguments});
    }
  }
  if (elf_->cut()) say(kind, "Not all of '" + binary_ + "' was there to read: there may be more.", false);
}

}  // namespace sonde::kernel
