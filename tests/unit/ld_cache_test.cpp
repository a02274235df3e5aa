// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/ld_cache.h"

#include <gtest/gtest.h>

#include "corpus.h"

namespace sonde {
namespace {

// A corpus file without its first line, which is for the fuzzer.
std::string cache(const std::string& name) {
  const std::string bytes = test::corpus("ld_cache/" + name);
  return bytes.substr(bytes.find('\n') + 1);
}

TEST(LdCache, FindsALibraryOfThisArchitecture) {
#ifdef __x86_64__
  const std::string path = "/lib/x86_64-linux-gnu/libc.so.6";
#else
  const std::string path = "/lib/aarch64-linux-gnu/libc.so.6";
#endif
  for (const char* form : {"new", "old-and-new"}) {
    const std::string bytes = cache(form);
    for (const char* name : {"libc.so.6", "libc.so", "libc", "c"}) EXPECT_EQ(find_library(bytes, name), path) << name;
    for (const char* name : {"lib", "libcapx", "", "libc.so.7", "so"}) EXPECT_EQ(find_library(bytes, name), "") << name;
  }
}

TEST(LdCache, PrefersTheNameItself) {
  const std::string bytes = cache("exact");
  EXPECT_EQ(find_library(bytes, "libz.so"), "/lib/libz.so");
  EXPECT_EQ(find_library(bytes, "libz.so.1"), "/lib/libz.so.1");
  EXPECT_EQ(find_library(bytes, "libz"), "/lib/libz.so.1");
}

TEST(LdCache, BelievesNothing) {
  for (const char* bytes : {"", "glibc-ld.so.cache1.1", "something else"}) EXPECT_EQ(find_library(bytes, "libc"), "");
  EXPECT_EQ(find_library(cache("cut"), "libc"), "");
  EXPECT_EQ(find_library(cache("lies"), "libc"), "");
}

TEST(LdCache, KnowsALibraryByTheBeginningOfItsName) {
  EXPECT_TRUE(is_library("libc.so.6", "libc"));
  EXPECT_TRUE(is_library("libc.so.6", "c"));
  EXPECT_TRUE(is_library("ld-linux.so.2", "ld-linux"));
  EXPECT_FALSE(is_library("libcrypt.so.1", "libc"));
  EXPECT_FALSE(is_library("libc.a", "libc"));
  EXPECT_FALSE(is_library("libc.so.6", ""));
}

}  // namespace
}  // namespace sonde
