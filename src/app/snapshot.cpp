// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/snapshot.h"

#include "app/snapshot_run.h"
#include "core/text.h"

namespace sonde {

void SnapshotBase::common_options(Options& options, CommonOptions& common) {
  common.declare_filter(options);
  common.declare_intervals(options);
  common.declare_output(options);
  common.declare_backend(options);
  if (has_stacks()) common.declare_buffer(options);
  common.declare_telling(options);
}

void SnapshotBase::prepare() {
  const std::string key = common().sort.empty() ? sorted_by() : common().sort;
  if (common().max_events && !common().interval_ns)
    throw Error(Exit::usage, "-n counts intervals, and there are none.",
                "Say how long one is, with -i 1s for instance.");
  if (key.find(',') != key.npos || key.starts_with('+') || key.starts_with('-'))
    throw Error(Exit::usage, "Rows are sorted by one column.", "Give its name, as in --sort " + sorted_by() + ".");
  sorting_ = choose_columns(columns(), key).front();
}

void SnapshotBase::refuse_sizes(std::string_view text) {
  throw Error(Exit::usage, "'" + escaped(text) + "' are sizes, and what is counted here are times.",
              "Give units of time, as in 0,1ms,50us.");
}

std::unique_ptr<TracingRun> SnapshotBase::make_run(const CommonOptions& options) {
  return std::make_unique<SnapshotRun>(*this, options);
}

namespace {

std::span<const std::uint64_t> one_of(std::span<const std::uint64_t> all, unsigned which) {
  return all.size() < BUCKETS * (which + 1) ? std::span<const std::uint64_t>() : all.subspan(BUCKETS * which, BUCKETS);
}

}  // namespace

std::uint64_t SnapshotBase::percentile_of(std::span<const std::uint64_t> all, unsigned which, double percent) const {
  const auto counts = one_of(all, which);
  return linear_ && linear_of_ == which ? linear_->percentile(counts, percent) : percentile(counts, percent);
}

std::vector<Value::Bucket> SnapshotBase::ranges_of(std::span<const std::uint64_t> all, unsigned which) const {
  const auto counts = one_of(all, which);
  return linear_ && linear_of_ == which ? linear_->ranges(counts) : octaves(counts);
}

linear_conf SnapshotBase::linear_conf() const {
  if (!linear_) return {};
  return {linear_->min, linear_->max, linear_->step, static_cast<__u32>(linear_->steps()), linear_of_};
}

bool sorts_before(const Value& a, const Value& b) {
  if (a.empty() || b.empty()) return !a.empty() && b.empty();
  switch (a.kind()) {
    case Value::Kind::text:
    case Value::Kind::symbol:
      return a.as_text() < b.as_text();
    case Value::Kind::real:
      return a.as_real() > b.as_real();
    case Value::Kind::integer:
    case Value::Kind::time:
      return a.as_integer() > b.as_integer();
    default:
      return a.as_natural() > b.as_natural();
  }
}

}  // namespace sonde
