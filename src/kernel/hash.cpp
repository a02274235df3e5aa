// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/hash.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cerrno>
#include <cstring>

#include "core/error.h"
#include "kernel/reason.h"

namespace sonde::kernel {
namespace {

constexpr std::uint32_t batch = 4096;  // more than ever hang on one bucket
constexpr int tries = 1000;

}  // namespace

Hash::Hash(bpf_map* map)
    : map_(bpf_map__fd(map)),
      value_size_((bpf_map__value_size(map) + 7) / 8 * 8),
      keys_(batch),
      one_(value_size_ / 8),
      again_(value_size_ / 8) {}

void Hash::each(const Found& found) {
  values_.resize(batch * value_size_ / 8);
  std::uint64_t position = 0;
  for (bool first = true, more = true; more; first = false) {
    std::uint32_t count = batch;
    const int error = bpf_map_lookup_batch(map_, first ? nullptr : &position, &position, keys_.data(), values_.data(),
                                           &count, nullptr);
    if (error && errno != ENOENT)
      throw Error(Exit::run_time, "What threads do could not be read.", "Run it with -v for the reason.",
                  phrase(errno));
    more = !error;
    for (std::uint32_t i = 0; i < count; ++i)
      found(keys_[i], reinterpret_cast<const std::byte*>(values_.data()) + i * value_size_);
  }
}

// Into `one_`; false if it is gone.
bool Hash::settle(Key key) {
  if (bpf_map_lookup_elem(map_, &key, one_.data())) return false;
  for (int i = 0; i < tries; ++i) {
    if (bpf_map_lookup_elem(map_, &key, again_.data())) return false;
    if (one_ == again_) return true;
    one_.swap(again_);
  }
  return true;
}

void Hash::read(const std::function<void(Key, const std::byte*)>& take) {
  before_.clear();
  each([this](Key key, const std::byte* value) {
    auto& words = before_[key];
    words.resize(value_size_ / 8);
    std::memcpy(words.data(), value, value_size_);
  });
  std::vector<Key> moving;
  each([&](Key key, const std::byte* value) {
    const auto known = before_.find(key);
    if (known == before_.end()) return;
    if (std::memcmp(known->second.data(), value, value_size_) == 0)
      take(key, value);
    else
      moving.push_back(key);
    before_.erase(known);
  });
  for (const Key key : moving)
    if (settle(key)) take(key, reinterpret_cast<const std::byte*>(one_.data()));
  before_ = {};
}

bool Hash::get(Key key, std::byte* value) const { return bpf_map_lookup_elem(map_, &key, value) == 0; }

}  // namespace sonde::kernel
