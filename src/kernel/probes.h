// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/btf.h"
#include "core/elf.h"
#include "core/error.h"
#include "core/probe_pattern.h"
#include "kernel/btf_file.h"
#include "kernel/functions.h"
#include "kernel/tracefs.h"

namespace sonde::kernel {

/// A place where this kernel can be watched. Everything points into the Probes it is from.
struct Probe {
  ProbeKind kind{};
  std::string_view binary;  ///< of a uprobe or a USDT probe
  std::string_view group;   ///< category of a tracepoint, provider of a USDT probe
  std::string_view name;
  std::string_view module{};     ///< empty: the kernel itself, or nobody says
  std::string_view arguments{};  ///< of a USDT probe, as the compiler wrote them
  const Btf* types = nullptr;    ///< null: its types are not known
  std::uint32_t type = 0;

  /// "tracepoint:sched:sched_switch"
  [[nodiscard]] std::string text() const;
};

/// A part of a tracepoint's record, or an argument. `name` is "return" for what a function returns.
struct ProbeField {
  std::string name, type;
  std::optional<std::uint32_t> offset, size;
};

/// Something that could not be listed, or not exactly.
struct ClosedSource {
  ProbeKind kind{};
  std::string sentence;
  bool whole = false;  ///< nothing of that kind is listed
  Exit code = Exit::run_time;
};

/// The probes that this kernel has. Each source is read when it is first asked for, and once.
class Probes {
 public:
  /// In the order of the kinds, by name. Throws Error(run_time) for a binary that cannot be read.
  std::vector<Probe> find(const ProbePattern& pattern);
  /// Empty also where nobody says what they are.
  std::vector<ProbeField> fields(const Probe& probe);
  [[nodiscard]] const std::vector<ClosedSource>& closed() const { return closed_; }
  /// What to say where nothing was found: what was meant, perhaps, or what is closed.
  [[nodiscard]] Error refusal(const ProbePattern& pattern);

 private:
  using Found = std::vector<Probe>;
  struct Types {
    std::string module;
    std::unique_ptr<BtfFile> file;
    std::optional<Btf> btf;
  };
  struct TypedFunction {
    KernelFunction function;
    const Btf* types = nullptr;
    std::uint32_t type = 0;
  };

  void find_kprobes(const ProbePattern& pattern, Found& found);
  void find_fentries(const ProbePattern& pattern, Found& found);
  void find_tracepoints(const ProbePattern& pattern, Found& found);
  void find_raw_tracepoints(const ProbePattern& pattern, Found& found);
  void find_software_events(const ProbePattern& pattern, Found& found);
  void find_in_binary(const ProbePattern& pattern, Found& found);

  std::vector<ProbeField> tracepoint_fields(const Probe& probe);
  std::vector<ProbeField> function_fields(const Probe& probe);
  std::vector<ProbeField> raw_tracepoint_fields(const Probe& probe);

  Tracefs& tracefs();
  KernelFunctions& functions();
  const std::vector<std::unique_ptr<Types>>& types();
  const std::vector<TypedFunction>& typed_functions();
  const TypedFunction* typed(const KernelFunction& function);
  void say(ProbeKind kind, std::string sentence, bool whole, Exit code = Exit::run_time);
  void no_types(ProbeKind kind);
  [[nodiscard]] std::string why_no_types() const;
  std::string advice(const ProbePattern& pattern);

  std::optional<Tracefs> tracefs_;
  std::optional<KernelFunctions> functions_;
  std::vector<std::unique_ptr<Types>> types_;
  int types_error_ = 0;
  std::optional<std::vector<TypedFunction>> typed_;
  std::optional<std::string> events_;
  std::string binary_;
  std::optional<Elf> elf_;
  std::vector<ClosedSource> closed_;
};

}  // namespace sonde::kernel
