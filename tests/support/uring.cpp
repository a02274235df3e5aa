// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/uring.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

namespace sonde::test {
namespace {

constexpr unsigned entries = 8;

template <class T>
T* mapped(int fd, std::size_t size, off_t offset) {
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, offset);
  if (memory == MAP_FAILED) fail("a ring cannot be mapped");
  return static_cast<T*>(memory);
}

std::size_t queue_size(const io_uring_params& params) {
  return params.sq_off.array + params.sq_entries * sizeof(unsigned);
}
std::size_t done_size(const io_uring_params& params) {
  return params.cq_off.cqes + params.cq_entries * sizeof(io_uring_cqe);
}

}  // namespace

Uring::Uring(unsigned flags) {
  params_.flags = flags;
  ring_ = Fd(static_cast<int>(syscall(SYS_io_uring_setup, entries, &params_)));
  if (ring_.get() < 0) {
    trouble_ = std::string("io_uring is not to be had here: ") + std::strerror(errno);
    return;
  }
  queue_ = mapped<void>(ring_.get(), queue_size(params_), IORING_OFF_SQ_RING);
  done_ = mapped<void>(ring_.get(), done_size(params_), IORING_OFF_CQ_RING);
  requests_ = mapped<io_uring_sqe>(ring_.get(), params_.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES);
}

Uring::~Uring() {
  if (!requests_) return;
  munmap(queue_, queue_size(params_));
  munmap(done_, done_size(params_));
  munmap(requests_, params_.sq_entries * sizeof(io_uring_sqe));
}

bool Uring::make_slots(unsigned count) {
  const std::vector<int> none(count, -1);
  return syscall(SYS_io_uring_register, ring_.get(), IORING_REGISTER_FILES, none.data(), count) == 0;
}

unsigned* Uring::at(const void* ring, unsigned offset) const {
  return reinterpret_cast<unsigned*>(static_cast<char*>(const_cast<void*>(ring)) + offset);
}

long Uring::open(const Request& request, const How& how) {
  const open_how in{request.flags, request.mode, 0};
  io_uring_sqe sqe{};
  sqe.fd = request.dirfd;
  sqe.addr = reinterpret_cast<std::uint64_t>(request.path.c_str());
  sqe.user_data = 7;
  sqe.flags = how.async ? IOSQE_ASYNC : 0;
  if (request.via == Via::openat2) {
    sqe.opcode = IORING_OP_OPENAT2;
    sqe.len = sizeof(in);
    sqe.off = reinterpret_cast<std::uint64_t>(&in);
  } else {
    sqe.opcode = IORING_OP_OPENAT;
    sqe.open_flags = static_cast<std::uint32_t>(request.flags);
    sqe.len = request.mode;
  }
  sqe.splice_fd_in = static_cast<int>(how.slot);  // where file_index is, which older headers do not have
  unsigned* tail = at(queue_, params_.sq_off.tail);
  const unsigned index = *tail & *at(queue_, params_.sq_off.ring_mask);
  requests_[index] = sqe;
  at(queue_, params_.sq_off.array)[index] = index;
  __atomic_store_n(tail, *tail + 1, __ATOMIC_SEQ_CST);
  unsigned enter = IORING_ENTER_GETEVENTS;
  if (params_.flags & IORING_SETUP_SQPOLL &&
      __atomic_load_n(at(queue_, params_.sq_off.flags), __ATOMIC_SEQ_CST) & IORING_SQ_NEED_WAKEUP)
    enter |= IORING_ENTER_SQ_WAKEUP;
  if (syscall(SYS_io_uring_enter, ring_.get(), 1, 1, enter, nullptr, 0) < 0) fail("nothing was submitted");
  unsigned* head = at(done_, params_.cq_off.head);
  wait_until("the open to end",
             [&] { return *head != __atomic_load_n(at(done_, params_.cq_off.tail), __ATOMIC_ACQUIRE); });
  const auto* results = reinterpret_cast<const io_uring_cqe*>(at(done_, params_.cq_off.cqes));
  const long result = results[*head & *at(done_, params_.cq_off.ring_mask)].res;
  __atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
  return result;
}

}  // namespace sonde::test
