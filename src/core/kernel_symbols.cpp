// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/kernel_symbols.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace sonde {
namespace {

// How far a function may reach that no other one of its module follows: there is no saying where it ends.
constexpr std::uint64_t farthest = 64 * 1024;
constexpr std::size_t longest_line = 1024;
constexpr std::size_t most_names = std::size_t{256} << 20;

constexpr std::array<std::string_view, 27> prefixes{
    "bpf_prog_",        "bpf_trampoline_",   "bpf_dispatcher_",  "bpf_get_stack",      "__bpf_get_stack",
    "bpf_trace_run",    "__bpf_trace_",      "__traceiter_",     "trace_call_bpf",     "perf_trace_",
    "perf_syscall_e",   "perf_call_bpf_",    "kprobe_perf_func", "kretprobe_perf_",    "kprobe_dispatcher",
    "kretprobe_disp",   "kprobe_ftrace_",    "__kretprobe_tr",   "kretprobe_rethook_", "kretprobe_trampoline",
    "rethook_trampoli", "arch_rethook_tram", "trampoline_handl", "kprobe_int3_handl",  "ftrace_ops_",
    "optimized_callba", "bpf_overflow_hand"};
constexpr std::array<std::string_view, 8> names{
    "ftrace_call", "ftrace_regs_call", "ftrace_caller", "ftrace_regs_caller",
    "exc_int3",    "asm_exc_int3",     "do_int3",       "opt_pre_handler"};

}  // namespace

void KernelSymbols::take(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    if (end == bytes.npos) {
      if (rest_.size() < longest_line) rest_.append(bytes);
      return;
    }
    if (rest_.empty()) {
      take_line(bytes.substr(0, end));
    } else {
      rest_.append(bytes.substr(0, end));
      take_line(rest_);
      rest_.clear();
    }
    bytes.remove_prefix(end + 1);
  }
}

// "ffffffff81000000 T name", "ffffffffc0000000 t name\t[module]"
void KernelSymbols::take_line(std::string_view line) {
  line = line.substr(0, line.find('\0'));
  std::uint64_t address = 0;
  const auto number = std::from_chars(line.data(), line.data() + line.size(), address, 16);
  line.remove_prefix(static_cast<std::size_t>(number.ptr - line.data()));
  if (number.ec != std::errc{} || line.size() < 4 || line[0] != ' ' || line[2] != ' ') return;
  if (std::string_view("tTwW").find(line[1]) == std::string_view::npos) return take_table(address, line.substr(3));
  functions_seen_ = true;
  line.remove_prefix(3);
  const std::string_view name = line.substr(0, line.find_first_of(" \t"));
  if (!address || name.empty() || names_.size() > most_names) return;
  if (name == "schedule") function_ = address;
  line.remove_prefix(name.size());
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  const std::uint32_t module = module_named(line.starts_with('[') ? line : "[kernel]");
  symbols_.push_back({address, static_cast<std::uint32_t>(names_.size()), module});
  names_.append(name).push_back('\0');
}

void KernelSymbols::take_table(std::uint64_t address, std::string_view name) {
  if (name == "__start_orc_unwind_ip") instructions_ = address;
  if (name == "__stop_orc_unwind_ip") instructions_end_ = address;
  if (name == "__start_orc_unwind") entries_ = address;
}

orc_tables KernelSymbols::walk_tables() const {
  if (!instructions_ || !entries_ || !function_ || instructions_end_ <= instructions_) return {};
  return {instructions_, entries_, function_, (instructions_end_ - instructions_) / sizeof(std::int32_t)};
}

std::uint32_t KernelSymbols::module_named(std::string_view name) {
  // Functions of one module stand together.
  for (auto known = modules_.rbegin(); known != modules_.rend(); ++known)
    if (names_.c_str() + *known == name) return *known;
  modules_.push_back(static_cast<std::uint32_t>(names_.size()));
  names_.append(name).push_back('\0');
  return modules_.back();
}

void KernelSymbols::finish() {
  if (!rest_.empty()) take_line(rest_);
  rest_.clear();
  std::stable_sort(symbols_.begin(), symbols_.end(), [](auto& a, auto& b) { return a.address < b.address; });
  symbols_.shrink_to_fit();
}

std::optional<KernelSymbols::Found> KernelSymbols::find(std::uint64_t address) const {
  const auto above = std::upper_bound(symbols_.begin(), symbols_.end(), address,
                                      [](std::uint64_t a, const Symbol& symbol) { return a < symbol.address; });
  if (above == symbols_.begin()) return std::nullopt;
  auto symbol = std::prev(above);
  const std::uint64_t start = symbol->address;
  const bool last = above == symbols_.end() || above->module != symbol->module;
  if (last && address - start >= farthest) return std::nullopt;
  while (symbol != symbols_.begin() && std::prev(symbol)->address == start) --symbol;  // of several names the first
  return Found{names_.c_str() + symbol->name, names_.c_str() + symbol->module, address - start};
}

bool runs_probes(std::string_view name, std::string_view module) {
  if (module == "[bpf]" || module.starts_with("[__builtin__")) return true;
  return std::any_of(prefixes.begin(), prefixes.end(), [&](auto prefix) { return name.starts_with(prefix); }) ||
         std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace sonde
