// SPDX-License-Identifier: GPL-2.0-or-later
// Why a program was not attached, in the words that the reader gets.
#include <gtest/gtest.h>

#include "core/error.h"
#include "kernel/capabilities.h"
#include "kernel/log.h"
#include "kernel/object.h"
#include "kernel/tracefs.h"
#include "objects.h"

namespace sonde::test {
namespace {

class Refused : public testing::Test {
 protected:
  void SetUp() override {
    const auto missing = kernel::missing_capabilities();
    if (!missing.empty()) GTEST_SKIP() << missing.front() << " is missing: this wants root";
    if (!has_types()) GTEST_SKIP() << "this kernel has no BTF";
    kernel::keep_log();
    const kernel::Tracefs tracefs;
    if (!tracefs.trouble().empty()) GTEST_SKIP() << tracefs.trouble();
  }
};

// naptime's program that reads three arguments of clock_nanosleep, at another tracepoint. Says why not, or nothing.
std::string refusal_at(const char* target, bool optional) {
  const auto configure = [&](void* address) {
    auto* skeleton = static_cast<naptime_bpf*>(address);
    const bool storage = kernel::has_task_storage();
    skeleton->rodata->lib.task_storage = storage;
    bpf_map* unused = storage ? skeleton->maps.calls_by_tid : skeleton->maps.calls;
    const kernel::Rung rung{"here", {kernel::tracepoint(skeleton->progs.clock_nanosleep_enter, target, optional)}};
    return kernel::Plan{{"sleeps", {rung}}, [unused](const kernel::Rung&) { return kernel::Extras{{}, {}, {unused}}; }};
  };
  try {
    const kernel::Object object(kernel::open_skeleton<naptime_bpf>, configure, {});
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Exit::not_supported);
    return error.what();
  }
}

TEST_F(Refused, AProgramThatReadsMoreThanATracepointHasIsNotCalledForbidden) {
  const std::string reason = "this kernel's tracepoint syscalls/sys_enter_nanosleep has less than its program reads";
  for (const bool optional : {false, true}) {
    const std::string says = refusal_at("syscalls/sys_enter_nanosleep", optional);
    EXPECT_NE(says.find(reason), std::string::npos) << says;
  }
  EXPECT_EQ(refusal_at("syscalls/sys_enter_clock_nanosleep", false), "");
}

}  // namespace
}  // namespace sonde::test
