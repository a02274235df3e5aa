// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/object.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "core/error.h"
#include "core/text.h"
#include "kernel/btf_file.h"
#include "kernel/capabilities.h"
#include "kernel/kernel_types.h"
#include "kernel/log.h"
#include "kernel/perf_tracepoint.h"
#include "kernel/reason.h"

namespace sonde::kernel {
namespace {

const char* const report_it = "Report it, with what the tool says with -v.";

bool needs_trampoline(const Attachment& attachment) {
  if (attachment.hook != Hook::section) return false;
  const auto type = bpf_program__expected_attach_type(attachment.program);
  return type == BPF_TRACE_FENTRY || type == BPF_TRACE_FEXIT;
}

std::optional<bpf_prog_info> info_of(const bpf_program* program) {
  bpf_prog_info info{};
  std::uint32_t size = sizeof(info);
  if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) != 0) return std::nullopt;
  return info;
}

void require_types(const std::string& file) {
  if (file.empty()) {
    if (access(kernel_btf, R_OK) == 0) return;
    throw Error(
        Exit::not_supported, "This kernel does not describe its types: /sys/kernel/btf/vmlinux cannot be read.",
        "Give a BTF file of exactly this kernel with --btf FILE, or boot one built with CONFIG_DEBUG_INFO_BTF.");
  }
  btf* types = btf__parse(file.c_str(), nullptr);
  btf__free(types);
  if (types) return;
  throw Error(Exit::run_time, "The kernel's types cannot be read from '" + escaped(file) + "'.",
              "Give a file of BTF, such as a copy of this kernel's /sys/kernel/btf/vmlinux.", take_log());
}

}  // namespace

std::string reasons(const std::vector<Refusal>& refusals) {
  std::string text;
  for (std::size_t i = 0; i < refusals.size(); ++i) {
    // Neighbours that fail alike are named together.
    const bool end = i + 1 == refusals.size();
    const bool last = end || refusals[i + 1].reason != refusals[i].reason;
    const std::string colon = refusals[i].rung.empty() ? "" : ": ";
    text += refusals[i].rung + (last ? colon + refusals[i].reason + (end ? "" : "; ") : ", ");
  }
  return text;
}

// A return of the first two instructions any program needs, attached to BTF type 1, which is no function: a kernel that
// allows fentry programs refuses that target (EINVAL), one whose policy does not says EPERM. 5 us, against 12 ms for
// finding out by loading the real object.
bool fentry_is_forbidden() {
  const std::array<bpf_insn, 2> program{bpf_insn{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0},
                                        bpf_insn{BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
  bpf_prog_load_opts options{};
  options.sz = sizeof(options);
  options.expected_attach_type = BPF_TRACE_FENTRY;
  options.attach_btf_id = 1;
  const Fd fd(bpf_prog_load(BPF_PROG_TYPE_TRACING, "probe", "GPL", program.data(), program.size(), &options));
  return !fd && errno == EPERM;
}

Object::Object(Open open, const Configure& configure, const Options& options) {
  require_types(options.btf_file);
  if (climb(open, configure, options)) return;
  close();
  fail(options, take_log());
}

Prospect Object::prospect(Open open, const Configure& configure, const Finding& tracepoints) {
  if (access(kernel_btf, R_OK) != 0)
    return {{}, {}, {{"", "this kernel does not describe its types", false, "Give it a BTF file with --btf FILE."}}};
  Object object;
  object.tracepoints_ = tracepoints;
  const bool works = object.climb(open, configure, {});
  take_log();
  const Rung& rung = object.rung_;
  if (!works) return {{}, {}, object.refusals_};
  return {rung.name, rung.scope_shown(), object.refusals_};
}

bool Object::climb(Open open, const Configure& configure, const Options& options) {
  TypesFile types;
  bpf_object_open_opts open_options{};
  open_options.sz = sizeof(open_options);
  const std::string& path = options.btf_file.empty() ? types.path() : options.btf_file;
  bool fill_types = options.btf_file.empty() && !path.empty();
  if (!path.empty()) open_options.btf_custom_path = path.c_str();

  std::size_t rungs = 1;
  for (std::size_t i = 0; i < rungs;) {
    // What is impossible is found out before the object is opened, where that costs nothing; so each turn of the loop
    // that gets as far as loading starts from a fresh skeleton.
    if (!skeleton_.object) skeleton_ = open(&open_options);
    if (!skeleton_.object)
      throw Error(Exit::not_supported, "The tool's BPF object could not be opened.", "Run it with -v for the reason.",
                  take_log());
    if (fill_types && !types.fill(bpf_object__btf(skeleton_.object))) {
      open_options.btf_custom_path = nullptr;  // libbpf reads all of it
      close();
      skeleton_ = open(&open_options);
    }
    fill_types = false;
    const Plan plan = configure(skeleton_.address);
    rungs = plan.ladder.rungs.size();
    hook_ = plan.ladder.hook;
    const Rung& rung = plan.ladder.rungs.at(i);
    if (options.backend.empty() ? rung.on_request : rung.name != options.backend) {
      ++i;
      continue;
    }
    Refusal refusal{rung.name, {}};
    look_for_the_impossible(rung.attachments, refusal);
    if (refusal.reason.empty() && rung.waits_inside) look_for_a_crash(rung.attachments, refusal);
    if (refusal.reason.empty()) {
      const bool with_addition = addition_is_possible(plan.ladder.addition);
      if (try_rung(plan, rung, with_addition, refusal)) {
        rung_ = rung;
        addition_ = plan.ladder.addition;
        return true;
      }
      close();
      if (with_addition) {  // which of the two failed is seen without it
        addition_refusal_ = refusal;
        continue;
      }
      addition_refusal_.reset();
    }
    refusals_.push_back(refusal);
    ++i;
  }
  return false;
}

bool Object::addition_is_possible(const Addition& addition) {
  if (!addition.wanted || addition_refusal_) return false;
  Refusal refusal{addition.name, {}};
  look_for_the_impossible(addition.attachments, refusal);
  if (!refusal.reason.empty()) addition_refusal_ = refusal;
  return !addition_refusal_;
}

Object::~Object() { close(); }

void Object::close() {
  for (bpf_link* link : links_) bpf_link__destroy(link);
  links_.clear();
  sampler_.reset();
  attached_.clear();
  left_out_.clear();
  if (skeleton_.object) skeleton_.destroy(skeleton_.address);
  skeleton_ = {};
}

void Object::look_for_the_impossible(const std::vector<Attachment>& attachments, Refusal& refusal) {
  for (const Attachment& attachment : attachments) {
    if (needs_trampoline(attachment) && fentry_is_forbidden()) {
      refusal = {refusal.rung, "fentry programs are refused by a policy of this system", true, remedy(EPERM)};
      return;
    }
    if (attachment.hook == Hook::sampling) {
      const std::string trouble = Sampler::trouble(attachment.sampling);
      if (!trouble.empty()) refusal = {refusal.rung, trouble, false, "Leave out --backend."};
    }
    if (attachment.hook != Hook::tracepoint) continue;
    if (!tracefs_) tracefs_.emplace();
    if (!tracefs_->trouble().empty()) {
      refusal = {refusal.rung, tracefs_->trouble(), true, tracefs_->remedy()};
      return;
    }
    if (tracepoints_ && tracepoints_->state != State::ok && tracepoints_->state != State::limited) {
      refusal = {refusal.rung, phrase_of(tracepoints_->fact), tracepoints_->state == State::refused,
                 tracepoints_->remedy};
      return;
    }
  }
}

// e21aa341785c (5.12, and what it was ported to): before it a trampoline was freed under those who slept inside.
void Object::look_for_a_crash(const std::vector<Attachment>& attachments, Refusal& refusal) {
  const bool young = has_task_storage();  // of 5.12 too, and sooner asked for
  if (!young && std::any_of(attachments.begin(), attachments.end(), needs_trampoline) && !has_struct("bpf_tramp_image"))
    refusal = {refusal.rung, "this kernel would not survive it while somebody sleeps there", false,
               "Leave it to another backend."};
}

bool Object::try_rung(const Plan& plan, const Rung& rung, bool with_addition, Refusal& refusal) {
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, skeleton_.object) bpf_program__set_autoload(program, false);
  Extras extras = plan.extras(rung);  // and all the rest: attached in the order of the list
  extras.attachments.insert(extras.attachments.begin(), rung.attachments.begin(), rung.attachments.end());
  const Addition& addition = plan.ladder.addition;
  if (with_addition)
    extras.attachments.insert(extras.attachments.end(), addition.attachments.begin(), addition.attachments.end());
  else
    extras.unused_maps.insert(extras.unused_maps.end(), addition.maps.begin(), addition.maps.end());
  for (const Attachment& attachment : extras.attachments) bpf_program__set_autoload(attachment.program, true);
  for (bpf_program* iterator : extras.iterators) bpf_program__set_autoload(iterator, true);
  for (bpf_map* map : extras.unused_maps) bpf_map__set_autocreate(map, false);

  if (const int error = skeleton_.load(skeleton_.address); error != 0) {
    // EACCES here is the verifier's word for a program that it cannot prove safe.
    // EFAULT and E2BIG mean that it gave up.
    const bool verifier = error == -EACCES || error == -EFAULT || error == -E2BIG;
    const bool refused = error == -EPERM || (error == -EINVAL && is_locked_down());
    const auto who = refused ? refuser(missing_capabilities()) : Refuser{phrase(-error), remedy(-error)};
    refusal.reason = verifier ? "refused by this kernel's verifier" : who.phrase;
    refusal.remedy = verifier ? report_it : who.remedy;
    refusal.permission = refused;
    return false;
  }
  for (const Attachment& attachment : extras.attachments)
    if (!attach(attachment, refusal)) return false;
  const auto files = std::count_if(extras.attachments.begin(), extras.attachments.end(),
                                   [](const Attachment& attachment) { return !attachment.shown.empty(); });
  return files == 0 || left_out_.size() < static_cast<std::size_t>(files);
}

bool Object::attach_late(const Attachment& attachment) {
  const auto before = links_.size();
  Refusal refusal;
  attach(attachment, refusal);
  return links_.size() > before;
}

bool Object::attach_sampler(const Attachment& attachment, Refusal& refusal) {
  sampler_ = std::make_unique<Sampler>(attachment);
  const int error = sampler_->attach();
  if (error == 0) {
    attached_.push_back(attachment.program);
    return true;
  }
  refusal = {refusal.rung, phrase(error), is_refusal(error), remedy(error)};
  return false;
}

bool Object::attach(const Attachment& attachment, Refusal& refusal) {
  if (attachment.hook == Hook::sampling) return attach_sampler(attachment, refusal);
  bpf_link* link = nullptr;
  if (attachment.hook == Hook::tracepoint) {
    const auto slash = attachment.target.find('/');
    const auto id = tracefs_->tracepoint_id(attachment.target.substr(0, slash), attachment.target.substr(slash + 1));
    if (!id) {
      refusal.reason = "this kernel has no tracepoint " + attachment.target;
      refusal.remedy = remedy(ENOENT);
      return attachment.optional;
    }
    if (tracepoints_) return true;
    const auto attached = attach_by_perf(attachment.program, *id);
    if (attached.reads_beyond) {
      refusal.reason = "this kernel's tracepoint " + attachment.target + " has less than its program reads";
      refusal.remedy = report_it;
      return false;  // optional is what may not be there
    }
    link = attached.link;
    errno = attached.error;
  } else if (attachment.hook == Hook::section) {
    link = bpf_program__attach(attachment.program);
  } else if (attachment.hook == Hook::uretprobe) {
    link = bpf_program__attach_uprobe(attachment.program, true, -1, attachment.target.c_str(), attachment.offset);
  } else {
    link =
        bpf_program__attach_kprobe(attachment.program, attachment.hook == Hook::kretprobe, attachment.target.c_str());
  }
  if (!link) {
    const int error = errno;
    refusal.reason = phrase(error);
    refusal.remedy = remedy(error);
    refusal.permission = is_refusal(error);
    if (!attachment.shown.empty()) left_out_.push_back({attachment.shown, refusal.reason});
    return attachment.optional;
  }
  links_.push_back(link);
  if (std::find(attached_.begin(), attached_.end(), attachment.program) == attached_.end())
    attached_.push_back(attachment.program);
  return true;
}

void Object::fail(const Options& options, const std::string& log) const {
  const bool permission = std::all_of(refusals_.begin(), refusals_.end(), [](const auto& r) { return r.permission; });
  const std::string remedy = options.backend.empty() ? "Run it with -v for what the kernel said."
                                                     : "Leave out --backend to take the best way that works here.";
  throw Error(permission ? Exit::not_permitted : Exit::not_supported,
              "No way to watch " + hook_ + " works on this kernel (" + reasons(refusals_) + ").", remedy, log);
}

std::uint64_t Object::skipped(const bpf_program* program) {
  const auto info = program ? info_of(program) : std::nullopt;
  return info ? info->recursion_misses : 0;
}

std::uint64_t Object::skipped() const {
  std::uint64_t sum = 0;
  for (const bpf_program* program : attached_) sum += skipped(program);
  return sum;
}

std::vector<ProgramCost> Object::costs() const {
  std::vector<ProgramCost> costs;
  for (const bpf_program* program : attached_)
    if (const auto info = info_of(program))
      costs.push_back({bpf_program__name(program), info->run_cnt, info->run_time_ns});
  return costs;
}

void run_iterator(bpf_program* program) {
  bpf_link* link = bpf_program__attach_iter(program, nullptr);
  const Fd iterator(link ? bpf_iter_create(bpf_link__fd(link)) : -1);
  const int error = errno;
  bpf_link__destroy(link);
  if (!iterator)
    throw Error(Exit::not_supported, "This kernel cannot iterate over its tasks.", "Leave out --follow.",
                phrase(error));
  std::array<char, 256> nothing{};
  while (read(iterator.get(), nothing.data(), nothing.size()) > 0) {
  }
}

void put_in_map(bpf_map* map, const void* key, const void* value) {
  if (bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY) != 0)
    throw Error(Exit::run_time, "A list of the filter could not be handed to the kernel.", "Give fewer items.",
                phrase(errno));
}

bool put_if_possible(bpf_map* map, const void* key, const void* value) {
  return bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY) == 0;
}

void resize_map(bpf_map* map, std::uint32_t entries) { bpf_map__set_max_entries(map, entries); }

std::uint64_t unfinished_calls(bpf_map* map) {
  struct State {
    std::uint64_t start, restarts;
  } state{};
  std::vector<char> value(std::max<std::size_t>(bpf_map__value_size(map), sizeof(State)));  // tools add to it
  std::uint64_t count = 0;
  std::uint32_t tid = 0;
  for (const std::uint32_t* before = nullptr; bpf_map_get_next_key(bpf_map__fd(map), before, &tid) == 0;
       before = &tid) {
    if (bpf_map_lookup_elem(bpf_map__fd(map), &tid, value.data()) != 0) continue;
    std::memcpy(&state, value.data(), sizeof(state));
    if (state.start && !state.restarts) ++count;
  }
  return count;
}

Fd make_task_storage() {
  btf* types = btf__new_empty();
  const int number = btf__add_int(types, "int", sizeof(int), BTF_INT_SIGNED);
  int map = -1;
  if (number > 0 && btf__load_into_kernel(types) == 0) {
    bpf_map_create_opts options{};
    options.sz = sizeof(options);
    options.btf_fd = static_cast<std::uint32_t>(btf__fd(types));
    options.btf_key_type_id = options.btf_value_type_id = static_cast<std::uint32_t>(number);
    options.map_flags = BPF_F_NO_PREALLOC;
    map = bpf_map_create(BPF_MAP_TYPE_TASK_STORAGE, "probe", sizeof(int), sizeof(int), 0, &options);
  }
  const int error = errno;
  btf__free(types);
  errno = error;
  return Fd(map);
}

// By storing something for ourselves: kernels of 2026 have the map but cannot allocate for it on a CPU without
// cmpxchg16b (kmalloc_nolock). One with the map type (5.11) but without the helpers in tracing programs (5.12) is none
// that we know in use.
bool has_task_storage() {
  const Fd map = make_task_storage();
  const Fd self(static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0)));
  const int task = self.get(), value = 1;
  return map && self && bpf_map_update_elem(map.get(), &task, &value, BPF_ANY) == 0;
}

unsigned possible_cpus() { return static_cast<unsigned>(std::max(1, libbpf_num_possible_cpus())); }

bool has_struct(std::string_view name) {
  const TypeName wanted{name, BTF_KIND_STRUCT};
  return kernel_type_numbers({&wanted, 1}).front() != 0;
}

bool dequeues_later() {
  static const bool answer = kernel_has_member("sched_entity", "sched_delayed");
  return answer;
}

RunStats::RunStats() : fd_(bpf_enable_stats(BPF_STATS_RUN_TIME)) {
  if (!fd_)
    throw Error(errno == EPERM ? Exit::not_permitted : Exit::not_supported,
                "The kernel's accounting of BPF programs cannot be switched on.", "Leave out --stats.", phrase(errno));
}

}  // namespace sonde::kernel
