// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/stacks.h"

namespace sonde {

void Stacks::take(std::string_view record) {
  symbolizer_.forget_old();
  stacks_ = recorded_stacks(record);
}

Value Stacks::kernel() {
  if (!stacks_) return {};
  if (stacks_->kernel.empty()) ++without_kernel_;
  symbolizer_.name_kernel(stacks_->kernel, kernel_);
  return value(kernel_);
}

Value Stacks::user() {
  if (!stacks_) return {};
  symbolizer_.name_user(stacks_->pid, stacks_->time, stacks_->user, user_);
  return value(user_);
}

}  // namespace sonde
