// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

struct bpf_map;

namespace sonde::kernel {

/// Reads a hash map whose keys are 8 bytes while programs write to its values. The kernel copies a value word by word
/// and stops nobody meanwhile: a value counts when two copies of it, made one after the other, are the same.
class Hash {
 public:
  /// `map` is a hash with keys of 8 bytes, and outlives this.
  explicit Hash(bpf_map* map);

  using Key = std::uint64_t;

  [[nodiscard]] std::size_t value_size() const { return value_size_; }
  /// Hands over each value that was there all the time, 8-byte aligned, good until the callback returns; what comes and
  /// goes meanwhile may be missing. Throws Error.
  void read(const std::function<void(Key key, const std::byte* value)>& take);
  /// One value as it is now, which may be changing; false if it is gone. There is room for all of it.
  [[nodiscard]] bool get(Key key, std::byte* value) const;

 private:
  using Found = std::function<void(Key, const std::byte*)>;
  void each(const Found& found);
  bool settle(Key key);

  int map_;
  std::size_t value_size_;
  std::vector<Key> keys_;
  std::vector<std::uint64_t> values_, one_, again_;
  std::unordered_map<Key, std::vector<std::uint64_t>> before_;
};

}  // namespace sonde::kernel
