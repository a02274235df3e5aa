// SPDX-License-Identifier: GPL-2.0-or-later
// Stacks that are counted by a number: looked up once, alike ones together.
#include "core/stack_store.h"

#include <gtest/gtest.h>

#include <map>

namespace sonde {
namespace {

/// Names an address by its hundreds; what a process has for it depends on nothing else.
class Hundreds final : public Symbolizer {
 public:
  void name_kernel(std::span<const std::uint64_t> addresses, std::vector<Frame>& frames) override {
    name(addresses, "[kernel]", frames);
  }
  void name_user(std::uint32_t /*pid*/, std::uint64_t /*time*/, std::span<const std::uint64_t> addresses,
                 std::vector<Frame>& frames) override {
    ++asked;
    name(addresses, "/program", frames);
  }
  void name_chain(const UserChain& chain, std::vector<Frame>& frames) override {
    name_user(chain.pid, chain.time, chain.addresses, frames);
    if (marks && chain.end != UserChain::End::start) frames.push_back(marked(mark::broken));
  }
  // As many functions as bytes were copied.
  UserChain unwind(const CopiedStack& copied) override {
    UserChain chain{copied.pid, copied.time};
    for (const char c : copied.stack) chain.addresses.push_back(100 * static_cast<std::uint64_t>(c - '0'));
    chain.end = UserChain::End::start;
    return chain;
  }
  void forget_old() override { names_.clear(); }
  std::map<std::uint64_t, std::string> called;  // hundreds with other names
  bool marks = false;
  int asked = 0;

 private:
  void name(std::span<const std::uint64_t> addresses, std::string_view module, std::vector<Frame>& frames) {
    frames.clear();
    for (const auto address : addresses) {
      const std::uint64_t hundred = address / 100;
      if (!hundred) {
        frames.push_back({{}, address ? module : std::string_view(), address});
        continue;
      }
      const auto known = called.find(hundred);
      const std::string name = known == called.end() ? "f" + std::to_string(hundred) : known->second;
      frames.push_back({names_.try_emplace(hundred, name).first->second, module, address % 100});
    }
  }
  std::map<std::uint64_t, std::string> names_;
};

template <class T>
void append(std::string& bytes, const T& value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

std::string record(std::uint64_t number, const std::vector<std::uint64_t>& kernel,
                   const std::vector<std::uint64_t>& user, std::uint32_t pid = 7, std::uint64_t program = 0) {
  std::string bytes;
  append(bytes, number);
  append(bytes, program);
  for (const auto address : kernel) append(bytes, address);
  for (const auto address : user) append(bytes, address);
  append(bytes, std::uint64_t{9});
  append(bytes, pid);
  append(bytes, std::uint32_t{0x6b636174});
  append(bytes, static_cast<std::int32_t>(kernel.size() * 8));
  append(bytes, static_cast<std::int32_t>(user.size() * 8));
  return bytes;
}

std::vector<Frame> frames_of(const StackStore& store, std::uint64_t number) {
  std::vector<Frame> frames;
  store.frames(store.find(number), frames);
  return frames;
}

class StackStoreTest : public testing::Test {
 protected:
  Hundreds symbolizer_;
  StackStore store_{symbolizer_};
};

TEST_F(StackStoreTest, SaysWhatWasNotTold) {
  EXPECT_EQ(store_.find(5), StackStore::untold);
  EXPECT_EQ(frames_of(store_, 5), std::vector<Frame>{marked(mark::untold)});
  EXPECT_TRUE(store_.take(record(5, {101}, {})));
  EXPECT_EQ(store_.find(5), StackStore::untold);  // not yet looked up
  EXPECT_FALSE(store_.look_up(10));
  EXPECT_EQ(frames_of(store_, 5), (std::vector<Frame>{{"f1", "[kernel]", Frame::anywhere}}));
  EXPECT_EQ(store_.size(), 1U);
}

TEST_F(StackStoreTest, PutsTheKernelsPartFirst) {
  store_.take(record(1, {101, 202}, {303, 5, 0}));
  store_.look_up(1);
  EXPECT_EQ(frames_of(store_, 1), (std::vector<Frame>{{"f1", "[kernel]", Frame::anywhere},
                                                      {"f2", "[kernel]", Frame::anywhere},
                                                      {"f3", "/program", Frame::anywhere},
                                                      {{}, "/program", Frame::anywhere},
                                                      {{}, {}, 0}}));
}

TEST_F(StackStoreTest, LeavesOutHowOneWasTakenOffTheCpu) {
  symbolizer_.called = {{1, "__schedule"},  {2, "schedule"},  {3, "schedule_timeout"}, {4, "do_nanosleep.part.0"},
                        {5, "io_schedule"}, {6, "schedules"}, {7, "mutex_lock"}};
  const std::vector<std::uint64_t> stacks[]{{101, 202, 303, 801}, {801}, {101, 201, 401, 801}, {501, 801}};
  store_.leave_out_scheduler();
  std::uint64_t number = 0;
  for (const auto& stack : stacks) store_.take(record(++number, stack, {303}));
  store_.take(record(++number, {101, 201, 701, 301, 801}, {}));
  store_.take(record(++number, {101, 601}, {}));
  store_.take(record(++number, {}, {201}));
  store_.look_up(10);
  const Frame outer{"f8", "[kernel]", Frame::anywhere};
  for (std::uint64_t i = 1; i <= 4; ++i)
    EXPECT_EQ(frames_of(store_, i), (std::vector<Frame>{outer, {"schedule_timeout", "/program", Frame::anywhere}}));
  EXPECT_EQ(store_.find(1), store_.find(4));
  EXPECT_EQ(frames_of(store_, 5), (std::vector<Frame>{{"mutex_lock", "[kernel]", Frame::anywhere},
                                                      {"schedule_timeout", "[kernel]", Frame::anywhere},
                                                      outer}));
  EXPECT_EQ(frames_of(store_, 6), (std::vector<Frame>{{"schedules", "[kernel]", Frame::anywhere}}));
  EXPECT_EQ(frames_of(store_, 7), (std::vector<Frame>{{"schedule", "/program", Frame::anywhere}}));
}

TEST_F(StackStoreTest, TakesForOneWhatReadsAlike) {
  store_.take(record(1, {101}, {303, 404}, 7));
  store_.take(record(2, {199}, {304, 404}, 8));
  store_.take(record(3, {199}, {304, 504}, 8));
  store_.look_up(10);
  EXPECT_EQ(store_.find(1), store_.find(2));
  EXPECT_NE(store_.find(1), store_.find(3));
  EXPECT_EQ(store_.size(), 2U);
}

TEST_F(StackStoreTest, LooksUpEachOnce) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(store_.take(record(1, {101}, {303})));
  store_.look_up(10);
  EXPECT_TRUE(store_.take(record(1, {101}, {303})));  // another CPU tells of it later
  store_.look_up(10);
  EXPECT_EQ(symbolizer_.asked, 1);
}

TEST_F(StackStoreTest, KeepsAnEmptyStackApart) {
  store_.take(record(1, {}, {}));
  store_.look_up(1);
  EXPECT_TRUE(frames_of(store_, 1).empty());
  EXPECT_NE(store_.find(1), StackStore::untold);
}

TEST_F(StackStoreTest, RefusesWhatIsNone) {
  EXPECT_FALSE(store_.take("short"));
  EXPECT_FALSE(store_.take(std::string(40, 'x')));
  EXPECT_FALSE(store_.take(record(1, {101}, {303}).substr(16)));  // without its number
}

// Which chain of calls it is is known only when it was unwound.
TEST_F(StackStoreTest, CountsCopiesUnderWhatTheyComeTo) {
  CopiedStack copied;
  copied.seed = 5;
  copied.stack = "12";
  const auto number = store_.take(copied);
  EXPECT_EQ(store_.find(number), StackStore::untold);
  EXPECT_EQ(store_.take(copied), number);
  copied.stack = "13";
  EXPECT_NE(store_.take(copied), number);
  copied.stack = "12";
  copied.kernel = {707};
  EXPECT_NE(store_.take(copied), number);
  copied.kernel.clear();
  copied.seed = 6;  // another process: another number, and the same names
  const auto same = store_.take(copied);
  EXPECT_NE(same, number);
  EXPECT_FALSE(store_.look_up(10));
  EXPECT_EQ(frames_of(store_, number),
            (std::vector<Frame>{{"f1", "/program", Frame::anywhere}, {"f2", "/program", Frame::anywhere}}));
  EXPECT_EQ(store_.find(same), store_.find(number));
}

TEST_F(StackStoreTest, TellsOfProgramsWhoseStacksAreBroken) {
  std::vector<std::uint64_t> told;
  store_.tell_of_broken([&](std::uint64_t program) { told.push_back(program); });
  store_.take(record(1, {}, {303}, 7, 77));
  store_.look_up(1);
  EXPECT_TRUE(told.empty());
  symbolizer_.marks = true;
  store_.take(record(2, {}, {303}, 7, 77));
  store_.take(record(3, {}, {303}, 7, 0));  // nobody wants to know
  store_.look_up(2);
  EXPECT_EQ(told, std::vector<std::uint64_t>{77});
}

TEST_F(StackStoreTest, BearsManyStacks) {
  constexpr std::uint64_t many = 100'000;
  for (std::uint64_t i = 0; i < many; ++i) {
    std::vector<std::uint64_t> user;
    for (std::uint64_t n = i + 1; n; n /= 10) user.push_back(100 * (n % 10 + 1) + n % 7);
    ASSERT_TRUE(store_.take(record(i, {}, user)));
  }
  int turns = 0;
  while (store_.look_up(1000)) ++turns;
  EXPECT_GE(turns, 99);
  EXPECT_EQ(store_.size(), many);
}

}  // namespace
}  // namespace sonde
