// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/functions.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

#include "kernel/file.h"

namespace sonde::kernel {
namespace {

constexpr std::size_t most_text = 64 << 20;

void sort_once(std::vector<KernelFunction>& all) {
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
}

}  // namespace

KernelFunctions::KernelFunctions(const Tracefs& tracefs) {
  read_traceable(tracefs);
  if (traceable_) finish();
}

const std::vector<KernelFunction>& KernelFunctions::all() {
  if (traceable_ || std::exchange(symbols_read_, true)) return all_;
  read_symbols();
  finish();
  return all_;
}

void KernelFunctions::finish() {
  sort_once(all_);
  leave_out_blacklisted();
}

void KernelFunctions::read_traceable(const Tracefs& tracefs) {
  trouble_ = tracefs.trouble();
  if (!trouble_.empty()) return;
  auto text = tracefs.read("available_filter_functions");
  if (!text) trouble_ = std::string("available_filter_functions: ") + std::strerror(errno);
  if (!text) return;
  text_ = std::move(*text);
  traceable_ = true;
  each_line(text_, [this](std::string_view line) {
    if (const auto function = traceable_function(line)) all_.push_back(*function);
  });
}

void KernelFunctions::read_symbols() {
  auto text = read_file("/proc/kallsyms", AT_FDCWD, most_text);
  if (!text) closed_ = std::string("/proc/kallsyms: ") + std::strerror(errno);
  if (!text) return;
  text_ = std::move(*text);
  each_line(text_, [this](std::string_view line) {
    if (const auto function = kallsyms_function(line)) all_.push_back(*function);
  });
  if (all_.empty()) closed_ = "/proc/kallsyms is empty";
}

void KernelFunctions::leave_out_blacklisted() {
  auto text = read_file("/sys/kernel/debug/kprobes/blacklist", AT_FDCWD, most_text);
  if (!text)
    if (const Fd debugfs = private_mount("debugfs")) text = read_file("kprobes/blacklist", debugfs.get(), most_text);
  blacklist_ = text.value_or("");
  std::vector<KernelFunction> excluded;
  each_line(blacklist_, [&](std::string_view line) {
    if (const auto function = blacklisted_function(line)) excluded.push_back(*function);
  });
  if (excluded.empty()) return;
  sort_once(excluded);
  std::vector<KernelFunction> left;
  std::set_difference(all_.begin(), all_.end(), excluded.begin(), excluded.end(), std::back_inserter(left));
  all_ = std::move(left);
}

bool KernelFunctions::has(const KernelFunction& function) const {
  return std::binary_search(all_.begin(), all_.end(), function);
}

}  // namespace sonde::kernel
