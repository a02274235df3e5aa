// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/iterator.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/error.h"
#include "kernel/fd.h"
#include "kernel/reason.h"

namespace sonde::kernel {
namespace {

[[noreturn]] void fail(int error) {
  throw Error(Exit::not_supported, "This kernel does not let its tasks be listed.", "Run it with -v for the reason.",
              phrase(error));
}

}  // namespace

Iterator::Iterator(bpf_program* program, std::size_t row_size)
    : link_(bpf_program__attach_iter(program, nullptr)), row_size_(row_size), bytes_(row_size * 256) {
  if (!link_) fail(errno);
}

Iterator::~Iterator() { bpf_link__destroy(link_); }

void Iterator::read(const std::function<void(const std::byte*)>& take) {
  const Fd iterator(bpf_iter_create(bpf_link__fd(link_)));
  if (!iterator) fail(errno);
  // The kernel fills a buffer of its own with whole rows, but may hand them out in parts.
  for (std::size_t held = 0;;) {
    const auto got = ::read(iterator.get(), bytes_.data() + held, bytes_.size() - held);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;  // it gives way to others now and then
    if (got < 0) fail(errno);
    if (got == 0) return;
    held += static_cast<std::size_t>(got);
    std::size_t used = 0;
    for (; held - used >= row_size_; used += row_size_) take(bytes_.data() + used);
    std::memmove(bytes_.data(), bytes_.data() + used, held - used);
    held -= used;
  }
}

}  // namespace sonde::kernel
