// SPDX-License-Identifier: GPL-2.0-or-later
// vmlinux/vmlinux.h against this kernel's BTF. CO-RE moves members, but a probe read copies as many bytes as we
// declared: a wrong size reads a neighbour, or half a value.
#include <bpf/btf.h>
#include <gtest/gtest.h>

#include <optional>

#include "objects.h"

namespace sonde::test {
namespace {

const btf_type* resolved(const btf* types, std::uint32_t id) {
  const int real = btf__resolve_type(types, id);
  return real < 0 ? nullptr : btf__type_by_id(types, static_cast<std::uint32_t>(real));
}

// Of an array, the size of an element: flexible arrays have none of their own. Nothing for structs and unions, which
// are never read as a whole.
std::optional<std::int64_t> size_of(const btf* types, std::uint32_t id) {
  const btf_type* type = resolved(types, id);
  if (!type || btf_is_composite(type)) return std::nullopt;
  if (btf_is_array(type)) return size_of(types, btf_array(type)->type);
  const std::int64_t size = btf__resolve_size(types, id);
  return size < 0 ? std::nullopt : std::optional(size);
}

// The type of a member, also one of an anonymous struct or union inside.
std::optional<std::uint32_t> member(const btf* types, const btf_type* type, std::string_view name) {
  const btf_member* members = btf_members(type);
  for (unsigned i = 0; i < btf_vlen(type); ++i) {
    const std::string_view own = btf__name_by_offset(types, members[i].name_off);
    if (own == name) return members[i].type;
    const btf_type* inner = resolved(types, members[i].type);
    if (own.empty() && inner && btf_is_composite(inner))
      if (const auto found = member(types, inner, name)) return found;
  }
  return std::nullopt;
}

struct Kernel {
  btf* types = btf__load_vmlinux_btf();
  ~Kernel() { btf__free(types); }
};

const btf* kernel() {
  static const Kernel one;
  return one.types;
}

// Checks one struct of ours; returns how many members were compared.
unsigned compare(const btf* ours, const btf_type* type) {
  const std::string name = btf__name_by_offset(ours, type->name_off);
  if (name.empty()) return 0;  // a typedef's: looked at where it is a member
  const auto flavor = name.find("___");
  const int id = btf__find_by_name_kind(kernel(), name.substr(0, flavor).c_str(), btf_kind(type));
  if (id < 0) return 0;  // one of our own
  const btf_type* theirs = btf__type_by_id(kernel(), static_cast<std::uint32_t>(id));
  unsigned compared = 0;
  for (unsigned i = 0; i < btf_vlen(type); ++i) {
    const std::string key = btf__name_by_offset(ours, btf_members(type)[i].name_off);
    if (key.empty()) continue;
    const auto found = member(kernel(), theirs, key);
    if (!found && flavor != std::string::npos) continue;  // a flavor is for other kernels than this
    // Nor does CO-RE take a struct for a pointer.
    const auto is_struct = [](const btf* types, std::uint32_t id) { return btf_is_composite(resolved(types, id)); };
    if (flavor != std::string::npos && is_struct(ours, btf_members(type)[i].type) != is_struct(kernel(), *found))
      continue;
    EXPECT_TRUE(found) << "struct " << name << " has no member " << key << " on this kernel";
    if (!found) continue;
    EXPECT_EQ(size_of(ours, btf_members(type)[i].type), size_of(kernel(), *found))
        << "struct " << name << ", member " << key;
    ++compared;
  }
  return compared;
}

class Vmlinux : public testing::TestWithParam<NamedObject> {};

TEST_P(Vmlinux, MembersHaveTheirSizes) {
  if (!has_types()) GTEST_SKIP() << "this kernel has no BTF";
  ASSERT_TRUE(kernel());
  const OpenObject open = GetParam().open();
  const btf* ours = bpf_object__btf(open.object);
  unsigned compared = 0;
  for (std::uint32_t id = 1; id < btf__type_cnt(ours); ++id) {
    const btf_type* type = btf__type_by_id(ours, id);
    // What bpf_tracing.h and the maps declare by themselves is no copy of the kernel's.
    if (btf_is_struct(type)) compared += compare(ours, type);
  }
  EXPECT_GT(compared, 20U);
}

INSTANTIATE_TEST_SUITE_P(Objects, Vmlinux, testing::ValuesIn(all_objects()),
                         [](const auto& info) { return info.param.tool; });

}  // namespace
}  // namespace sonde::test
