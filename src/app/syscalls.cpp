// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/syscalls.h"

#include <algorithm>

#include "core/error.h"
#include "core/glob.h"
#include "core/text.h"

namespace sonde {
namespace {

// Each name of either table, with its number, until `found` says true.
template <class Found>
bool any_name(CallTable table, const Found& found) {
  for (std::uint32_t number = 0; number < syscall_numbers(table); ++number)
    if (const auto name = syscall_name(table, number); !name.empty() && found(name, number)) return true;
  return false;
}

}  // namespace

void SyscallChoice::choose(std::string_view list) {
  list_ = parse_list(list);
  for (const auto& item : list_.items) {
    const Glob glob = Glob::compile(item);
    const auto matches = [&](std::string_view name, std::uint32_t) { return glob.matches(name); };
    if (!any_name(native_calls, matches) && !any_name(compat_calls, matches))
      throw Error(Exit::usage, "There is no system call '" + escaped(item) + "'.",
                  "Give names as in read,openat or a glob such as 'epoll_*'.");
  }
}

bool SyscallChoice::meant(std::string_view name) const {
  if (!used()) return true;
  const bool listed = std::any_of(list_.items.begin(), list_.items.end(),
                                  [&](const std::string& item) { return Glob::compile(item).matches(name); });
  return listed != list_.negated;
}

void SyscallChoice::fill(syscalls_conf& conf) const {
  if (!used()) return;
  fill_syscalls(conf, [this](std::string_view name) { return meant(name); });
  if (!list_.negated) return;
  conf.others = 1;
  const auto add_nameless = [](CallTable table, __u64* words) {
    for (std::uint32_t number = 0; number < SYSCALL_NUMBERS; ++number)
      if (syscall_name(table, number).empty()) words[number / 64] |= __u64{1} << (number % 64);
  };
  add_nameless(native_calls, conf.native);
  add_nameless(compat_calls, conf.compat);
}

void fill_syscalls(syscalls_conf& conf, const std::function<bool(std::string_view name)>& condition) {
  conf.used = 1;
  const auto fill = [&](CallTable table, __u64* words) {
    any_name(table, [&](std::string_view name, std::uint32_t number) {
      if (condition(name)) words[number / 64] |= __u64{1} << (number % 64);
      return false;
    });
  };
  fill(native_calls, conf.native);
  fill(compat_calls, conf.compat);
}

std::vector<std::string> SyscallChoice::native_names() const {
  std::vector<std::string> names;
  any_name(native_calls, [&](std::string_view name, std::uint32_t) {
    if (meant(name)) names.emplace_back(name);
    return false;
  });
  return names;
}

Value SyscallValues::name(std::uint64_t call) {
  const auto number = static_cast<std::uint32_t>(call);
  std::string_view name = syscall_name(call & COMPAT_CALL ? compat_calls : native_calls, number);
  if (name.empty()) name = made_ = "syscall_" + std::to_string(static_cast<std::int32_t>(number));
  return Value::symbol(name, static_cast<std::int32_t>(number));
}

}  // namespace sonde
