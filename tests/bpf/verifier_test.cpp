// SPDX-License-Identifier: GPL-2.0-or-later
// Every program of every tool through this kernel's verifier: as it is by default, and with every choice taken, so that
// no branch is left out because the verifier knows that it is dead.
#include <gtest/gtest.h>

#include <cerrno>
#include <map>

#include "kernel/capabilities.h"
#include "kernel/log.h"
#include "kernel/object.h"
#include "objects.h"

namespace sonde::test {
namespace {

enum class Choices { none, all };

struct Case {
  NamedObject object;
  std::string program;
  Choices choices;

  [[nodiscard]] std::string name() const {
    return object.tool + "_" + program + (choices == Choices::all ? "_all" : "_plain");
  }
  friend std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name(); }
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const auto& named : all_objects()) {
    const OpenObject open = named.open();
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, open.object) for (const auto choices : {Choices::none, Choices::all})
        all.push_back({named, bpf_program__name(program), choices});
  }
  return all;
}

void take_all(const OpenObject& open) {
  std::memset(const_cast<char*>(open.conf.data()), 0xff, open.conf.size());
  if (open.tail_glob) open.tail_glob->used = 1;
  if (open.walks_paths) *open.walks_paths = 1;
  if (open.stacks) *open.stacks = {1, 1, UNWIND_WHERE_NEEDED};
  open.lib->apart = 1;
  filter_conf& filter = *open.filter;
  std::memset(&filter, 0xff, sizeof(filter));
  filter.follow = FOLLOW_ALSO;
  for (auto& list : filter.lists) list = {1, 1, 0, 0};
}

bool is_trampoline(const bpf_program* program) {
  const auto type = bpf_program__expected_attach_type(program);
  return bpf_program__type(program) == BPF_PROG_TYPE_TRACING && (type == BPF_TRACE_FENTRY || type == BPF_TRACE_FEXIT);
}

// Loads the program of this name; without one, all that no policy refuses. What the kernel said is in the log.
int load(const OpenObject& open, Choices choices, const std::string& only) {
  if (choices == Choices::all) take_all(open);
  const bool storage = kernel::has_task_storage();
  open.lib->task_storage = storage;
  open.lib->remembers_calls = choices == Choices::all;
  const bool trampolines = !kernel::fentry_is_forbidden();
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, open.object) bpf_program__set_autoload(
      program, only.empty() ? trampolines || !is_trampoline(program) : only == bpf_program__name(program));
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, open.object) if (bpf_map__type(map) == BPF_MAP_TYPE_TASK_STORAGE)
      bpf_map__set_autocreate(map, storage);
  kernel::keep_log();
  return bpf_object__load(open.object);
}

// Nothing of the object's types is missing.
bool is_whole(const std::string& log) { return log.find(".BTF.ext") == std::string::npos; }

// The verifier looks at each program by itself, so that all of an object are as good as one. But libbpf reads the whole
// kernel's types for each load, which is most of its cost.
bool all_are_accepted(const NamedObject& named, Choices choices) {
  static std::map<std::pair<std::string, Choices>, bool> known;
  const auto [found, fresh] = known.try_emplace({named.tool, choices}, false);
  if (!fresh) return found->second;
  const OpenObject open = named.open();
  const bool loaded = open.object && load(open, choices, "") == 0;
  found->second = loaded && is_whole(kernel::take_log());
  return found->second;
}

class Verifier : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    const auto missing = kernel::missing_capabilities();
    if (!missing.empty()) GTEST_SKIP() << missing.front() << " is missing: this wants root";
    if (!has_types()) GTEST_SKIP() << "this kernel has no BTF";
  }
};

// By itself where the object has one that is not accepted: to tell which, and why.
TEST_P(Verifier, Accepts) {
  const auto& [named, name, choices] = GetParam();
  const OpenObject open = named.open();
  ASSERT_TRUE(open.object);
  if (kernel::fentry_is_forbidden() && is_trampoline(bpf_object__find_program_by_name(open.object, name.c_str())))
    GTEST_SKIP() << "fentry programs are refused by a policy of this system";
  if (all_are_accepted(named, choices)) return;
  const int error = load(open, choices, name);
  const std::string log = kernel::take_log();
  EXPECT_EQ(error, 0) << log;
  EXPECT_TRUE(is_whole(log)) << "libbpf misses something of the object's types:\n" << log;
}

INSTANTIATE_TEST_SUITE_P(Programs, Verifier, testing::ValuesIn(cases()),
                         [](const auto& info) { return info.param.name(); });

}  // namespace
}  // namespace sonde::test
