// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/btf.h"

#include <algorithm>
#include <cstring>

#include "require.h"
#include "targets.h"

namespace sonde::fuzz {
namespace {

constexpr std::size_t longest_type = 1 << 20;

void look_at(const Btf& btf) {
  for (const auto& function : btf.functions()) {
    touch(function.name);
    const auto prototype = btf.prototype(function.id);
    if (!prototype) continue;
    require(btf.type(prototype->result).size() < longest_type);
    for (const auto& parameter : prototype->parameters) {
      touch(parameter.name);
      require(!btf.type(parameter.type).empty());
    }
  }
  for (const auto& type : btf.typedefs("")) {
    require(!type.name.empty());
    touch(btf.type(type.id));
    if (const auto prototype = btf.prototype(type.id)) touch(btf.type(prototype->result));
  }
  for (std::uint32_t id = 0; id < 64; ++id) require(btf.type(id).size() < longest_type);
}

}  // namespace

// The first two bytes say how much is the kernel's part; a module's is behind it.
void btf(std::string_view bytes) {
  std::uint16_t split = 0;
  if (bytes.size() < sizeof(split)) return;
  std::memcpy(&split, bytes.data(), sizeof(split));
  bytes.remove_prefix(sizeof(split));
  const auto kernel = Btf::read(bytes.substr(0, split));
  if (kernel) look_at(*kernel);
  const auto module = Btf::read(bytes.substr(std::min<std::size_t>(split, bytes.size())), kernel ? &*kernel : nullptr);
  if (module) look_at(*module);
}

}  // namespace sonde::fuzz
