// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/system_symbolizer.h"

namespace sonde::kernel {

void SystemSymbolizer::name_kernel(std::span<const std::uint64_t> addresses, std::vector<Frame>& frames) {
  kernel_.name(addresses, frames);
}

void SystemSymbolizer::name_user(std::uint32_t pid, std::uint64_t time, std::span<const std::uint64_t> addresses,
                                 std::vector<Frame>& frames) {
  name_chain({pid, time, {addresses.begin(), addresses.end()}}, frames);
}

void SystemSymbolizer::name_chain(const UserChain& chain, std::vector<Frame>& frames) {
  frames.clear();
  if (user_) user_->name(chain, frames);
}

UserChain SystemSymbolizer::unwind(const CopiedStack& copied) {
  return user_ ? user_->unwind(copied) : UserChain{copied.pid, copied.time};
}

void SystemSymbolizer::forget_old() {
  if (user_) user_->forget_old();
}

std::vector<std::string> SystemSymbolizer::notes() const {
  std::vector<std::string> sentences;
  if (auto trouble = kernel_.trouble(); !trouble.empty()) sentences.push_back(std::move(trouble));
  if (user_)
    for (auto& sentence : user_->notes()) sentences.push_back(std::move(sentence));
  return sentences;
}

}  // namespace sonde::kernel
