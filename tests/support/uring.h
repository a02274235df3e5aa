// SPDX-License-Identifier: GPL-2.0-or-later
// An io_uring by its bare system calls.
#pragma once

#include <linux/io_uring.h>

#include <string>

#include "support/calls.h"
#include "support/process.h"

namespace sonde::test {

class Uring {
 public:
  /// `flags` as IORING_SETUP_SQPOLL. Look at trouble() first.
  explicit Uring(unsigned flags = 0);
  Uring(const Uring&) = delete;
  Uring& operator=(const Uring&) = delete;
  ~Uring();

  /// Why there is none: empty if there is one.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }
  /// Room for files without a descriptor. False if this kernel has none.
  [[nodiscard]] bool make_slots(unsigned count);

  struct How {
    bool async = false;  ///< not tried in the call, but left to a worker at once
    unsigned slot = 0;   ///< from 1: there, not to a descriptor
  };
  /// Submits an open and waits for its result: a descriptor, which stays open, or -errno.
  long open(const Request& request, const How& how);
  long open(const Request& request) { return open(request, {}); }

 private:
  [[nodiscard]] unsigned* at(const void* ring, unsigned offset) const;

  std::string trouble_;
  io_uring_params params_{};
  Fd ring_;
  void *queue_ = nullptr, *done_ = nullptr;
  io_uring_sqe* requests_ = nullptr;
};

}  // namespace sonde::test
