// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/demangle.h"

#include <gtest/gtest.h>

namespace sonde {
namespace {

TEST(Demangle, Cpp) {
  EXPECT_EQ(demangled("_ZNSt6vectorIiSaIiEE9push_backERKi"),
            "std::vector<int, std::allocator<int> >::push_back(int const&)");
  EXPECT_EQ(demangled("main"), "main");
  EXPECT_EQ(demangled("_Znonsense"), "_Znonsense");
  EXPECT_EQ(demangled("_start"), "_start");
  EXPECT_EQ(demangled(""), "");
}

TEST(Demangle, OldRust) {
  EXPECT_EQ(demangled("_ZN4core3fmt5write17h0123456789abcdefE"), "core::fmt::write");
  EXPECT_EQ(demangled("_ZN4core3fmt5write17h0123456789abcdefE.llvm.123"), "core::fmt::write");
  EXPECT_EQ(
      demangled("_ZN69_$LT$alloc..string..String$u20$as$u20$core..fmt..Display$u2b$Send$GT$3fmt17h0123456789abcdefE"),
      "<alloc::string::String as core::fmt::Display+Send>::fmt");
}

TEST(Demangle, NewRust) {
  EXPECT_EQ(demangled("_RNvCs6ygKICNz7jq_7example4main"), "example::main");
  EXPECT_EQ(demangled("_RNvMs2_Cs6ygKICNz7jq_7exampleNtB5_8Terminal4call"), "<example::Terminal>::call");
  EXPECT_EQ(demangled("_RNvXs_Cs1234_7mycrateNtB4_3FooNtB4_3Bar3baz"), "<mycrate::Foo as mycrate::Bar>::baz");
  EXPECT_EQ(demangled("_RINvNtCs1234_3std3mem8align_ofjdE"), "std::mem::align_of::<usize, f64>");
  EXPECT_EQ(demangled("_RNCNvCs1234_7example4main0"), "example::main::{closure#0}");
  EXPECT_EQ(demangled("_RINvCs1234_7example3fooFEuuE"), "example::foo::<fn(), ()>");
  EXPECT_EQ(demangled("_RINvCs1234_7example3fooAhj1f_RShE"), "example::foo::<[u8; 31], &[u8]>");
}

TEST(Demangle, LeavesWhatGoesInCircles) {
  EXPECT_EQ(demangled("_RNvB_B_"), "_RNvB_B_");
  EXPECT_EQ(demangled("_RNvB0_1x"), "_RNvB0_1x");
  std::string deep = "_R";
  for (int i = 0; i < 1000; ++i) deep += "Nv";
  EXPECT_EQ(demangled(deep), deep);
}

}  // namespace
}  // namespace sonde
