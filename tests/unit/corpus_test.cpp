// SPDX-License-Identifier: GPL-2.0-or-later
// What the fuzzers began with and what they found, once more: without libFuzzer, and where it applies with the
// sanitizers.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "corpus.h"
#include "targets.h"

namespace sonde::test {
namespace {

const std::map<std::string, void (*)(std::string_view)> targets{{"accounts", fuzz::accounts},
                                                                {"btf", fuzz::btf},
                                                                {"call_frames", fuzz::call_frames},
                                                                {"demangle", fuzz::demangle},
                                                                {"elf", fuzz::elf},
                                                                {"folded", fuzz::folded},
                                                                {"kernel_text", fuzz::kernel_text},
                                                                {"ld_cache", fuzz::ld_cache},
                                                                {"mappings", fuzz::mappings},
                                                                {"probe_pattern", fuzz::probe_pattern},
                                                                {"symbol_maps", fuzz::symbol_maps}};

TEST(Corpus, IsTakenByItsTargets) {
  for (const auto& folder : std::filesystem::directory_iterator(SONDE_CORPUS)) {
    const std::string target = folder.path().filename();
    ASSERT_TRUE(targets.contains(target)) << "nothing replays " << target;
    int files = 0;
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
      SCOPED_TRACE(file.path());
      targets.at(target)(corpus(target + "/" + file.path().filename().string()));
      ++files;
    }
    EXPECT_GE(files, 3) << target;
  }
}

// A file may end anywhere.
TEST(Corpus, IsTakenWithItsEndCutOff) {
  for (const char* name :
       {"btf/kernel", "btf/module", "elf/u64.so", "elf/u32.o", "ld_cache/new", "kernel_text/format"}) {
    SCOPED_TRACE(name);
    const std::string whole = corpus(name);
    ASSERT_FALSE(whole.empty());
    const auto target = targets.at(std::string(name).substr(0, std::string(name).find('/')));
    for (std::size_t size = 0; size < whole.size(); size += 1 + size / 64) target(whole.substr(0, size));
  }
}

}  // namespace
}  // namespace sonde::test
