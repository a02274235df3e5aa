// SPDX-License-Identifier: GPL-2.0-or-later
// The bytes are those of tests/fuzz/seeds/types.c, and a module made by hand that goes on where they end.
#include "core/btf.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>

#include "corpus.h"

namespace sonde {
namespace {

std::size_t split_of(const std::string& bytes) {
  std::uint16_t split = 0;
  std::memcpy(&split, bytes.data(), sizeof(split));
  return split;
}

std::string kernel_part(const std::string& bytes) { return bytes.substr(2, split_of(bytes)); }

const Btf::Named* find(const std::vector<Btf::Named>& all, std::string_view name) {
  for (const auto& named : all)
    if (named.name == name) return &named;
  return nullptr;
}

// "int (struct outer *o, ...)", with the names.
std::string signature(const Btf& btf, std::uint32_t id) {
  const auto prototype = btf.prototype(id);
  if (!prototype) return "none";
  std::string text = btf.type(prototype->result) + " (";
  for (const auto& parameter : prototype->parameters)
    text += (text.ends_with('(') ? "" : ", ") + std::string(parameter.name) + ": " + btf.type(parameter.type);
  return text + ")";
}

TEST(Btf, SpellsTypesAsCDoes) {
  const std::string bytes = kernel_part(test::corpus("btf/kernel"));
  const auto btf = Btf::read(bytes);
  ASSERT_TRUE(btf);
  const auto functions = btf->functions();
  ASSERT_EQ(functions.size(), 2U);
  const auto* entry = find(functions, "entry");
  const auto* helper = find(functions, "helper");
  ASSERT_TRUE(entry && helper);
  EXPECT_EQ(signature(*btf, entry->id), "int (o: struct outer *, name: const char *, n: unsigned long)");
  EXPECT_EQ(signature(*btf, helper->id), "int (o: struct outer *, f: callback_t, table: int (**)(void))");
  const auto callback = btf->typedefs("callback_t");
  ASSERT_EQ(callback.size(), 1U);
  EXPECT_EQ(signature(*btf, callback[0].id), "int (: struct inner *, : const volatile void *, : void)");
  EXPECT_EQ(btf->typedefs("btf_trace_").size(), 1U);
  EXPECT_EQ(signature(*btf, btf->typedefs("btf_trace_")[0].id), "void (: void *, : struct inner *, : enum color)");
  EXPECT_EQ(btf->type(0), "void");
  EXPECT_EQ(btf->type(99999), "...");
  EXPECT_FALSE(btf->prototype(99999));
}

TEST(Btf, AModuleGoesOnWhereTheKernelEnds) {
  const std::string bytes = test::corpus("btf/module");
  const std::string kernel_bytes = kernel_part(bytes), module_bytes = bytes.substr(2 + split_of(bytes));
  const auto kernel = Btf::read(kernel_bytes);
  ASSERT_TRUE(kernel);
  const auto module = Btf::read(module_bytes, &*kernel);
  ASSERT_TRUE(module);
  const auto functions = module->functions();
  ASSERT_EQ(functions.size(), 1U) << "its own only";
  EXPECT_EQ(functions[0].name, "mod_open");
  EXPECT_EQ(signature(*module, functions[0].id), "int (o: struct outer *, name: const char *, n: unsigned long)");
  ASSERT_EQ(module->typedefs("mod_").size(), 1U);
}

TEST(Btf, TypesMayLeadInCircles) {
  const std::string bytes = kernel_part(test::corpus("btf/circles"));
  const auto btf = Btf::read(bytes);
  ASSERT_TRUE(btf);
  for (std::uint32_t id = 1; id < 8; ++id) EXPECT_LT(btf->type(id).size(), 4096U) << id;
}

TEST(Btf, RefusesWhatItDoesNotUnderstand) {
  const std::string bytes = kernel_part(test::corpus("btf/kernel"));
  EXPECT_FALSE(Btf::read(""));
  EXPECT_FALSE(Btf::read("BTF"));
  EXPECT_FALSE(Btf::read(std::string_view(bytes).substr(0, bytes.size() - 1)));
  std::string other = bytes;
  other[2] = 9;  // the version
  EXPECT_FALSE(Btf::read(other));
  other = bytes;
  other[24 + 7] = 0x1f;  // a kind that nobody has defined
  EXPECT_FALSE(Btf::read(other));
}

}  // namespace
}  // namespace sonde
