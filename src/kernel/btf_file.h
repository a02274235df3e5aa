// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sonde::kernel {

inline constexpr const char* kernel_btf = "/sys/kernel/btf/vmlinux";

/// A file of BTF that the kernel exports: mapped where that works (6.16), else read, a page a call.
class BtfFile {
 public:
  explicit BtfFile(const std::string& path);
  BtfFile(const BtfFile&) = delete;
  BtfFile& operator=(const BtfFile&) = delete;
  ~BtfFile();

  /// None if it cannot be read; then error() says why.
  [[nodiscard]] std::string_view bytes() const;
  [[nodiscard]] int error() const { return error_; }

 private:
  void* mapped_ = nullptr;
  std::size_t size_ = 0;
  std::string read_;
  int error_ = 0;
};

}  // namespace sonde::kernel
