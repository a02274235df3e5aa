// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/trial.h"

#include <bpf/bpf.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>

namespace sonde::kernel {
namespace {

Fd load(const ProgramKind& kind, const std::vector<bpf_insn>& code) {
  bpf_prog_load_opts options{};
  options.sz = sizeof(options);
  options.expected_attach_type = static_cast<bpf_attach_type>(kind.attach_type);
  options.attach_btf_id = kind.btf_id;
  return Fd(bpf_prog_load(kind.type, "probe", "GPL", code.data(), code.size(), &options));
}

}  // namespace

Bench::Bench() : counter_(bpf_map_create(BPF_MAP_TYPE_ARRAY, "count", 4, 8, 1, nullptr)) {
  counter_error_ = counter_ ? 0 : errno;
  struct stat status {};
  if (stat("/proc/self/ns/pid", &status) != 0) return;
  // stat's form of a device number is not the kernel's own.
  namespace_device_ = std::uint64_t{major(status.st_dev)} << 20 | minor(status.st_dev);
  namespace_inode_ = status.st_ino;
}

// Other processes come by as well. The helper knows ours by the number that it has here, in any PID namespace.
void Bench::only_own(Instructions& instructions) const {
  if (!namespace_inode_) return;                            // no /proc: anybody's event must do
  constexpr std::int16_t numbers = -8, tgid = numbers + 4;  // struct bpf_pidns_info: pid, tgid
  static_assert(sizeof(bpf_pidns_info) == 8 && offsetof(bpf_pidns_info, tgid) == 4);
  instructions.wide(BPF_REG_1, namespace_device_);
  instructions.wide(BPF_REG_2, namespace_inode_);
  instructions.copy(BPF_REG_3, BPF_REG_10);
  instructions.add(BPF_REG_3, numbers);
  instructions.set(BPF_REG_4, sizeof(bpf_pidns_info));
  instructions.call(BPF_FUNC_get_ns_current_pid_tgid);
  instructions.leave_unless(BPF_REG_0, 0);
  instructions.load_word(BPF_REG_1, BPF_REG_10, tgid);
  instructions.leave_unless(BPF_REG_1, getpid());
}

Outcome Bench::attempt(const ProgramKind& kind, const std::function<Fd(int)>& attach,
                       const std::function<void(int)>& make_event,
                       const std::function<void(Instructions&)>& body) const {
  if (!counter_) return {Step::prepare, counter_error_};
  Instructions instructions;
  only_own(instructions);
  if (body) body(instructions);
  instructions.count_in(counter_.get());
  return attempt(kind, instructions, attach, make_event);
}

Outcome Bench::attempt(const ProgramKind& kind, Instructions instructions, const std::function<Fd(int)>& attach,
                       const std::function<void(int)>& make_event) const {
  if (!counter_) return {Step::prepare, counter_error_};
  const Fd program = load(kind, instructions.finish());
  if (!program) return {Step::load, errno};
  const Fd attached = attach(program.get());
  if (!attached) return {Step::attach, errno};
  const auto before = count();
  make_event(attached.get());
  return {count() > before ? Step::done : Step::fire, 0};
}

std::uint64_t Bench::count() const {
  const std::uint32_t key = 0;
  std::uint64_t value = 0;
  bpf_map_lookup_elem(counter_.get(), &key, &value);
  return value;
}

}  // namespace sonde::kernel
