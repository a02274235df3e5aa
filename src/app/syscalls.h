// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
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
  /// By name, of the machine's own table.
  [[nodiscard]] std::vector<std::string> native_names() const;

 private:
  [[nodiscard]] bool meant(std::string_view name) const;
  void fill(CallTable table, __u64* words) const;

  ItemList list_;
};

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
