// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>

#include "app/listing.h"
#include "kernel/hooks.h"
#include "kernel/machine.h"

namespace sonde {
namespace {

using kernel::Finding;
using kernel::State;

struct Row {
  std::string_view area;
  Finding finding;
  std::string detail;
};

// "By tracepoint (64-bit calls). Not by fexit: refused by a policy of this system."
Finding tool_finding(const std::string& name, const std::optional<kernel::Prospect>& prospect) {
  if (!prospect) return {name, State::ok, "Traces nothing."};
  const kernel::Refusal* nearest = nullptr;  // a permission is easier to get than another kernel
  for (const auto& refusal : prospect->refusals)
    if (!nearest || (refusal.permission && !nearest->permission)) nearest = &refusal;
  const std::string reasons = kernel::reasons(prospect->refusals);
  if (!nearest || !prospect->rung.empty()) {
    const std::string scope = prospect->scope.empty() ? "." : " (" + prospect->scope + ").";
    return {name, State::ok, "By " + prospect->rung + scope + (nearest ? " Not by " + reasons + "." : "")};
  }
  const bool refused = std::all_of(prospect->refusals.begin(), prospect->refusals.end(),
                                   [](const auto& refusal) { return refusal.permission; });  // as the tool itself exits
  return {name, refused ? State::refused : State::missing, "Cannot run: " + reasons + ".", nearest->remedy};
}

class Doctor final : public Listing<Row> {
 public:
  Doctor()
      : Listing({"doctor",
                 "This machine",
                 "what of sonde works here, and what would help",
                 "Looks at the machine, tries each kind of hook once with a program that must see an event of its own, "
                 "and says of each tool how it would watch, or why it cannot. Nothing stays attached. Exits with 0 "
                 "if every tool can run, else with 3 (not permitted) or 4 (not supported).",
                 {{"sonde doctor", "all of it"},
                  {"sonde doctor -f json -o doctor.json", "the same for a program, or for a report of a bug"}}}) {
    add({"area", Value::Kind::text, 6, "system, hook or tool"}, [](const Row& r) { return Value::text(r.area); });
    add({"name", Value::Kind::text, 13, "what was looked at"},
        [](const Row& r) { return Value::text(r.finding.name); });
    add({"state", Value::Kind::text, 7, "ok, limited, missing, refused or unknown"},
        [](const Row& r) { return Value::text(state_name(r.finding.state)); });
    add({"detail", Value::Kind::text, 48, "what was found, and what would help"},
        [](const Row& r) { return Value::text(r.detail); });
  }

 private:
  Exit list(const CommonOptions& common) override {
    Finding tracepoints;
    for (const auto& finding : kernel::examine_machine())
      tell("system", finding, common.verbose || finding.state != State::unknown);
    for (const auto& finding : kernel::try_hooks()) {
      tell("hook", finding, common.verbose);  // the tools do without most of them
      if (finding.name == kernel::tracepoint_hook) tracepoints = finding;
    }
    bool refused = false, missing = false;
    for (const auto& name : Registry::names()) {
      const auto tool = Registry::make(name);
      Options options;
      tool->options(options);
      const auto finding = tool_finding(name, tool->prospect(tracepoints));
      tell("tool", finding, true);
      refused |= finding.state == State::refused;
      missing |= finding.state == State::missing;
    }
    // A terminal cuts rows to its width, but not what would help.
    for (const auto& [sentence, names] : advice_) note(names + ": " + sentence);
    return refused ? Exit::not_permitted : missing ? Exit::not_supported : Exit::done;
  }

  void tell(std::string_view area, const Finding& finding, bool advise) {
    const bool helpless = finding.remedy.empty();
    const std::string detail = finding.fact + (helpless ? "" : " " + finding.remedy);
    row({area, finding, detail});
    if (helpless || !advise) return;
    const auto same = std::find_if(advice_.begin(), advice_.end(), [&](const auto& a) { return a.first == detail; });
    if (same == advice_.end())
      advice_.emplace_back(detail, finding.name);
    else
      same->second += ", " + finding.name;
  }

  std::vector<std::pair<std::string, std::string>> advice_;  // each with the names it is for
};

const Register<Doctor> registered("doctor");

}  // namespace
}  // namespace sonde
