// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/glob.h"

namespace sonde {

enum class ProbeKind : std::uint8_t { kprobe, fentry, tracepoint, raw_tp, software, uprobe, usdt };

inline constexpr std::array probe_kinds{ProbeKind::kprobe, ProbeKind::fentry,   ProbeKind::tracepoint,
                                        ProbeKind::raw_tp, ProbeKind::software, ProbeKind::uprobe,
                                        ProbeKind::usdt};

std::string_view name_of(ProbeKind kind);

/// Which probes are meant: `[kind:]GLOB`, `uprobe:BINARY[:GLOB]`, `usdt:BINARY[:GLOB]`. A glob with a colon is for the
/// group and the name: "sched:sched_*", "ext4:*", "libpython:function__*".
class ProbePattern {
 public:
  /// Throws Error(usage).
  static ProbePattern parse(std::string_view text);

  [[nodiscard]] bool wants(ProbeKind kind) const;
  [[nodiscard]] bool matches(std::string_view group, std::string_view name) const;

  /// Empty: all that the kernel has.
  [[nodiscard]] const std::optional<ProbeKind>& kind() const { return kind_; }
  /// Where a uprobe or a USDT probe is: a path or a name.
  [[nodiscard]] const std::string& binary() const { return binary_; }
  /// What stands behind the kind and the binary.
  [[nodiscard]] const std::string& glob() const { return glob_text_; }
  /// True if it can match one name only.
  [[nodiscard]] bool literal() const { return !glob_; }
  /// The same kind and binary with another glob: throws as parse() does.
  [[nodiscard]] ProbePattern with(std::string_view glob) const;
  /// Whether the glob has a colon, and so is for "group:name".
  [[nodiscard]] bool grouped() const { return grouped_; }
  /// As one would write it.
  [[nodiscard]] std::string text() const;

 private:
  void set_glob(std::string_view glob);

  std::optional<ProbeKind> kind_;
  std::string binary_, glob_text_ = "*";
  bool grouped_ = false;  // the glob has a colon
  std::optional<Glob> glob_;
};

}  // namespace sonde
