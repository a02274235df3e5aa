// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <array>

#include "app/listing.h"
#include "core/probe_pattern.h"
#include "kernel/probes.h"

namespace sonde {
namespace {

struct Row {
  const kernel::Probe& probe;
  std::string_view text;
  const kernel::ProbeField* field = nullptr;
};

Value text_or_none(std::string_view text) { return text.empty() ? Value() : Value::text(text); }

class List final : public Listing<Row> {
 public:
  List()
      : Listing({"list",
                 "Probes",
                 "the probes that this kernel has, and what they tell",
                 "Lists functions (kprobe, fentry), tracepoints, raw tracepoints and software events of this kernel, "
                 "and functions and static probes of a program or library. Traces nothing.",
                 {{"sonde list 'tracepoint:sched:*'", "the tracepoints of the scheduler"},
                  {"sonde list --fields fentry:vfs_open", "arguments of a function, with their types"},
                  {"sonde list 'uprobe:libc:malloc*'", "functions of a library, found by its name"},
                  {"sonde list 'usdt:/usr/bin/python3'", "probes that a program was built with"},
                  {"sonde list '*tcp*'", "everything with tcp in its name"}}}) {
    const auto of_field = [](auto get) {
      return [get](const Row& row) { return row.field ? get(*row.field) : Value(); };
    };
    const auto number = [](const std::optional<std::uint32_t>& n) { return n ? Value::natural(*n) : Value(); };
    add({"kind", Value::Kind::text, 10, "kprobe, fentry, tracepoint, raw_tp, software, uprobe or usdt", false},
        [](const Row& row) { return Value::text(name_of(row.probe.kind)); });
    add({"probe", Value::Kind::text, 36, "the whole name"}, [](const Row& row) { return Value::text(row.text); });
    add({"group", Value::Kind::text, 16, "category of a tracepoint, provider of a static probe", false},
        [](const Row& row) { return text_or_none(row.probe.group); });
    add({"name", Value::Kind::text, 24, "the name without kind and group", false},
        [](const Row& row) { return Value::text(row.probe.name); });
    add({"module", Value::Kind::text, 12, "module of a function or raw tracepoint; - is the kernel itself"},
        [](const Row& row) { return text_or_none(row.probe.module); });
    add({"offset", Value::Kind::natural, 6, "where the field is in the record of a tracepoint", false},
        of_field([=](const kernel::ProbeField& field) { return number(field.offset); }));
    add({"size", Value::Kind::natural, 4, "bytes of the field", false},
        of_field([=](const kernel::ProbeField& field) { return number(field.size); }));
    add({"field", Value::Kind::text, 16, "a field of the record, an argument, or return", false},
        of_field([](const kernel::ProbeField& field) { return Value::text(field.name); }));
    add({"field_type", Value::Kind::text, 24, "its type in C", false},
        of_field([](const kernel::ProbeField& field) { return text_or_none(field.type); }));
  }

  void options(Options& options) override {
    options.argument("PATTERN",
                     "[KIND:]GLOB, uprobe:BINARY:GLOB or usdt:BINARY:GLOB. A GLOB with a colon is for group and name, "
                     "as in 'sched:*'. BINARY is a path, or a name to be found.",
                     false, [this](std::string_view text) { pattern_ = ProbePattern::parse(text); });
    options.flag("--fields", "a row for each field or argument", [this] {
      show("module", false);
      show("field");
      show("field_type");
    });
  }

 private:
  static constexpr std::array field_columns{"offset", "size", "field", "field_type"};

  Exit list(const CommonOptions&) override {
    const auto found = probes_.find(pattern_);
    if (found.empty()) throw probes_.refusal(pattern_);
    const bool fields =
        std::any_of(field_columns.begin(), field_columns.end(), [this](const char* key) { return shown(key); });
    for (const auto& probe : found) {
      const std::string text = probe.text();
      const auto parts = fields ? probes_.fields(probe) : std::vector<kernel::ProbeField>();
      for (const auto& part : parts) row({probe, text, &part});
      if (parts.empty()) row({probe, text});
    }
    for (const auto& source : probes_.closed()) note(source.sentence);
    return Exit::done;
  }

  ProbePattern pattern_ = ProbePattern::parse("*");
  kernel::Probes probes_;
};

const Register<List> registered("list");

}  // namespace
}  // namespace sonde
