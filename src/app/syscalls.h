// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/syscall_names.h"
#include "core/units.h"
#include "core/value.h"
#include "lib/counts.h"

namespace sonde {

/// Which system calls are meant: "read,f*sync", "^futex".
class SyscallChoice {
 public:
  /// Names and globs, of either table. Throws Error(usage) for one that no call has.
  void choose(std::string_view list);
  /// Not used: every call, also such as have no name.
  [[nodiscard]] bool used() const { return !list_.items.empty(); }
  void fill(syscalls_conf& conf) const;
  /// Whether a call of that name is.
  [[nodiscard]] bool meant(std::string_view name) const;
  /// By name, of the machine's own table.
  [[nodiscard]] std::vector<std::string> native_names() const;

 private:
  ItemList list_;
};

/// The bits of those calls, of both tables, that the condition holds for.
void fill_syscalls(syscalls_conf& conf, const std::function<bool(std::string_view name)>& condition);

/// Values of calls as they stand in a key: number and COMPAT_CALL.
class SyscallValues {
 public:
  /// Its name, "syscall_999" if it has none. Good until the next call.
  [[nodiscard]] Value name(std::uint64_t call);
  /// Whose number it is.
  [[nodiscard]] static Value abi(std::uint64_t call) { return Value::text(call & COMPAT_CALL ? "32-bit" : "native"); }

 private:
  std::string made_;
};

}  // namespace sonde
