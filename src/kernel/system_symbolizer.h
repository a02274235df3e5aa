// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>

#include "core/symbolizer.h"
#include "kernel/kernel_stacks.h"
#include "kernel/user_stacks.h"

namespace sonde::kernel {

/// Names from the running system.
class SystemSymbolizer final : public Symbolizer {
 public:
  /// Stacks of programs, too, before anything else is loaded: the process that looks up their names has nothing of
  /// ours. See SymbolProcess.
  void look_into_programs(std::function<void(int pid)> began) {
    user_ = std::make_unique<UserStacks>(std::move(began));
  }
  /// Stacks of the kernel: reads its names now. Returns where its own tables of frames are, see KernelSymbols.
  orc_tables look_into_kernel() { return kernel_.prepare(); }
  /// See KernelStacks.
  void show_probes() { kernel_.show_probes(); }
  [[nodiscard]] UserStacks* user() const { return user_.get(); }

  void name_kernel(std::span<const std::uint64_t> addresses, std::vector<Frame>& frames) override;
  void name_user(std::uint32_t pid, std::uint64_t time, std::span<const std::uint64_t> addresses,
                 std::vector<Frame>& frames) override;
  void name_chain(const UserChain& chain, std::vector<Frame>& frames) override;
  [[nodiscard]] UserChain unwind(const CopiedStack& copied) override;
  void forget_old() override;
  [[nodiscard]] std::vector<std::string> notes() const override;

 private:
  KernelStacks kernel_;
  std::unique_ptr<UserStacks> user_;
};

}  // namespace sonde::kernel
