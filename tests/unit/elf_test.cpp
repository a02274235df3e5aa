// SPDX-License-Identifier: GPL-2.0-or-later
// The files are those of tests/fuzz/seeds/probes.S.
#include "core/elf.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <string>

#include "core/bytes.h"
#include "corpus.h"

namespace sonde {
namespace {

using Names = std::vector<std::string_view>;

std::optional<Elf> read_elf(const std::string& bytes) {
  return Elf::read(
      [&bytes](std::uint64_t offset, std::uint64_t size) { return std::string(part(bytes, offset, size)); });
}

TEST(Elf, ListsFunctionsOnce) {
  for (const char* name : {"elf/u64.so", "elf/u64.o", "elf/u32.o"}) {
    SCOPED_TRACE(name);
    const std::string bytes = test::corpus(name);
    auto elf = read_elf(bytes);
    ASSERT_TRUE(elf);
    EXPECT_EQ(elf->functions(), (Names{"hidden", "pick", "work"}));
    EXPECT_FALSE(elf->cut());
  }
}

TEST(Elf, FindsWhereAFunctionBegins) {
  for (const char* name : {"elf/u64.so", "elf/u64.o", "elf/u32.o"}) {
    SCOPED_TRACE(name);
    const std::string bytes = test::corpus(name);
    auto elf = read_elf(bytes);
    ASSERT_TRUE(elf);
    const auto work = elf->function_offset("work"), hidden = elf->function_offset("hidden");
    ASSERT_TRUE(work && hidden);
    EXPECT_LT(*work, bytes.size());
    EXPECT_NE(*work, *hidden);
    EXPECT_FALSE(elf->function_offset("absent"));
    EXPECT_FALSE(elf->function_offset("pick")) << "its address is known when it runs only";
  }
}

TEST(Elf, ListsTheLibrariesItIsLinkedWith) {
  const std::string bytes = test::corpus("elf/needs.so");
  EXPECT_EQ(read_elf(bytes)->libraries(), (std::vector<std::string>{"libreadline.so.8"}));
  for (const char* name : {"elf/u64.so", "elf/u32.o"}) {
    const std::string other = test::corpus(name);
    EXPECT_TRUE(read_elf(other)->libraries().empty());
  }
}

TEST(Elf, ListsStaticProbes) {
  for (const char* name : {"elf/u64.so", "elf/u64.o", "elf/u32.o"}) {
    SCOPED_TRACE(name);
    const std::string bytes = test::corpus(name);
    auto elf = read_elf(bytes);
    ASSERT_TRUE(elf);
    const auto probes = elf->static_probes();
    ASSERT_EQ(probes.size(), 2U);
    EXPECT_EQ(probes[0], (StaticProbe{"app", "start", "8@%rdi -4@-80(%rbx) 8f@%xmm0"}));
    EXPECT_EQ(probes[1], (StaticProbe{"app", "stop", ""}));
  }
}

TEST(Elf, SaysWhenTheFileEndsEarly) {
  std::string bytes = test::corpus("elf/u64.o");
  // The section headers are at the end: what lies before them is taken away, and read as missing.
  auto elf = Elf::read([&bytes](std::uint64_t offset, std::uint64_t size) {
    const std::uint64_t headers = *read_at<std::uint64_t>(bytes, 40);
    return offset == 0 || offset >= headers ? std::string(part(bytes, offset, size)) : std::string();
  });
  ASSERT_TRUE(elf);
  EXPECT_TRUE(elf->functions().empty());
  EXPECT_TRUE(elf->cut());
}

// A table of millions of long names, one byte apart, would take minutes to sort.
TEST(Elf, BelievesNoMoreNamesThanATableHolds) {
  std::string bytes = test::corpus("elf/u64.o");
  auto whole = read_elf(bytes);
  ASSERT_TRUE(whole);
  constexpr std::uint64_t symbol_size = 24, many = 1000;
  std::string table, strings(8192, 'a');
  for (std::uint32_t i = 0; i < many; ++i) {
    std::string symbol(symbol_size, '\0');
    std::memcpy(symbol.data(), &i, sizeof(i));
    symbol[4] = 2;  // a function
    symbol[6] = 1;  // defined
    table += symbol;
  }
  const auto headers = *read_at<std::uint64_t>(bytes, 40);
  auto elf = Elf::read([&](std::uint64_t offset, std::uint64_t size) {
    if (offset == 0 || offset == headers) return std::string(part(bytes, offset, size));
    return size % symbol_size == 0 ? table : strings;  // of symbols, of names
  });
  ASSERT_TRUE(elf);
  EXPECT_LT(elf->functions().size(), 10U);
  EXPECT_TRUE(elf->cut());
}

TEST(Elf, RefusesOtherFiles) {
  for (const std::string bytes : {"",
                                  "\x7f"
                                  "ELF",
                                  "#!/bin/sh\n"})
    EXPECT_FALSE(read_elf(bytes));
  std::string big_endian = test::corpus("elf/u64.o");
  big_endian[5] = 2;
  EXPECT_FALSE(read_elf(big_endian));
}

TEST(Elf, TakesArgumentsOfStaticProbesApart) {
  const auto arguments = static_arguments("8@%rdi -4@-80(%rbx) 8f@%xmm0 4@[x0, 8] @%rax 99@%rbx");
  ASSERT_EQ(arguments.size(), 6U);
  const struct {
    const char *type, *place;
    std::uint32_t bytes;
  } expected[] = {{"u64", "%rdi", 8},    {"s32", "-80(%rbx)", 4}, {"f64", "%xmm0", 8},
                  {"u32", "[x0, 8]", 4}, {"", "%rax", 0},         {"", "%rbx", 0}};
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    EXPECT_EQ(arguments[i].type, expected[i].type);
    EXPECT_EQ(arguments[i].place, expected[i].place);
    EXPECT_EQ(arguments[i].bytes, expected[i].bytes);
  }
  EXPECT_TRUE(static_arguments("").empty());
  EXPECT_TRUE(static_arguments("nothing").empty());
}

}  // namespace
}  // namespace sonde
