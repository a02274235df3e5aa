// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/listing.h"

#include <algorithm>
#include <utility>

#include "app/outputs.h"
#include "core/error.h"

namespace sonde {

ListingBase::ListingBase(ToolInfo info) : info_(std::move(info)) {}

void ListingBase::common_options(Options& options, CommonOptions& common) {
  common.declare_output(options);
  common.declare_telling(options);
}

Exit ListingBase::run(const CommonOptions& options) {
  if (!options.command.empty())
    throw Error(Exit::usage, "The tool " + info_.name + " runs no command.", "Leave out what stands behind --.");
  const auto all = columns();
  chosen_ = choose_columns(all, options.columns);
  values_.resize(chosen_.size());
  for (const auto i : chosen_) shown_.push_back(all[i]);

  Outputs outputs(options, row_kind());
  outputs_ = &outputs;
  sink_ = &outputs.sink();
  const Exit code = list_all(options);
  if (!has_file_) {
    begin();
    sink_->end(info_.name, rows_);
  }
  sink_->flush();
  return code;
}

Output& ListingBase::file() {
  has_file_ = true;
  return outputs_->rows();
}

void ListingBase::begin() {
  if (!std::exchange(begun_, true)) sink_->begin(shown_);
}

bool ListingBase::shown(std::string_view key) const {
  return std::any_of(shown_.begin(), shown_.end(), [&](const ColumnInfo* column) { return column->key == key; });
}

void ListingBase::put(const Fill& fill) {
  begin();
  fill(chosen_, values_);
  sink_->row(values_);
  ++rows_;
}

}  // namespace sonde
