// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/ld_cache.h"

#include <array>
#include <cstdint>

#include "core/bytes.h"

namespace sonde {
namespace {

constexpr std::string_view magic = "glibc-ld.so.cache1.1";
constexpr std::size_t longest_path = 4096;

struct Header {
  std::array<char, 20> magic;
  std::uint32_t libraries;
  std::uint32_t text_bytes;
  std::array<std::uint32_t, 5> rest;
};
static_assert(sizeof(Header) == 48);

struct Entry {
  std::uint32_t flags;
  std::uint32_t name, path;  // offsets from the header
  std::uint32_t system;
  std::uint64_t hardware;
};
static_assert(sizeof(Entry) == 24);

#if defined(__x86_64__)
constexpr std::uint32_t our_flags = 0x0303;
#elif defined(__aarch64__)
constexpr std::uint32_t our_flags = 0x0a03;
#else
constexpr std::uint32_t our_flags = 0x0003;
#endif

}  // namespace

bool is_library(std::string_view file, std::string_view name) {
  if (name.empty()) return false;
  if (file == name) return true;
  if (!name.starts_with("lib") && file.starts_with("lib")) file.remove_prefix(3);
  if (!file.starts_with(name)) return false;
  const std::string_view rest = file.substr(name.size());
  return rest.starts_with(".so") || (name.ends_with(".so") && rest.starts_with('.'));
}

std::string_view find_library(std::string_view cache, std::string_view name) {
  // An older form may stand before it.
  const std::size_t start = cache.find(magic);
  if (start == cache.npos) return {};
  cache.remove_prefix(start);
  const auto header = read_at<Header>(cache, 0);
  if (!header) return {};
  std::string_view near;
  for (std::uint64_t i = 0; i < header->libraries; ++i) {
    const auto entry = read_at<Entry>(cache, sizeof(Header) + i * sizeof(Entry));
    if (!entry) break;
    if (entry->flags != our_flags) continue;
    const std::string_view known = text_at(cache, entry->name, longest_path);
    if (known == name) return text_at(cache, entry->path, longest_path);
    if (near.empty() && is_library(known, name)) near = text_at(cache, entry->path, longest_path);
  }
  return near;
}

}  // namespace sonde
