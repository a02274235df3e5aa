// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/twofold.h"

#include "core/error.h"

namespace sonde {

void TwofoldBase::common_options(Options& options, CommonOptions& common) {
  common.declare_filter(options);
  common.declare_run_or_intervals(options);
  common.declare_output(options);
  stack_options(options, common);
  common.declare_probe(options);
  common.declare_telling(options);
}

void TwofoldBase::stack_options(Options& options, CommonOptions& common) {
  for (const Tool* face : {&standard(), &other()}) const_cast<Tool*>(face)->stack_options(options, common);
}

std::vector<Form> TwofoldBase::other_forms() const {
  std::vector<Form> forms = standard().other_forms();
  forms.push_back({asked_for_by_, &other()});
  return forms;
}

void TwofoldBase::settle(const CommonOptions& options) {
  face().settle(options);
  if (options.help) return;
  const bool sums = row_kind() == RowKind::sum;
  const auto refuse = [&](const std::string& flag) {
    const char* other_face = sums ? "for events" : "for sums";
    throw Error(
        Exit::usage, flag + " is " + other_face + ", and this run shows none.",
        shows_other_ ? "Leave out " + asked_for_by_ + ", or it." : "Add " + asked_for_by_ + ", or leave it out.");
  };
  if (shows_other_ && !standard_only_.empty()) refuse(standard_only_);
  if (sums && options.max_rate) refuse("--max-rate");
  if (sums && options.buffer_bytes) refuse("--buffer-size");
  if (sums && !options.asked_columns.empty()) refuse("--" + options.asked_columns.front());
  if (!sums && options.interval_ns) refuse("-i");
  if (!sums && !options.sort.empty()) refuse("--sort");
  if (!sums && options.top) refuse("--top");
}

std::optional<kernel::Prospect> TwofoldBase::prospect(const kernel::Finding& tracepoints) {
  return face().prospect(tracepoints);
}

}  // namespace sonde
