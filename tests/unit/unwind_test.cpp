// SPDX-License-Identifier: GPL-2.0-or-later
// From registers and a piece of a stack to the chain of calls: of stacks that are made here, and of this program's own.
#include "core/unwind.h"

#include <gtest/gtest.h>
#include <link.h>
#include <pthread.h>
#include <ucontext.h>
#include <unwind.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <list>
#include <map>
#include <memory>

#include "core/bytes.h"
#include "core/call_frames.h"
#include "lib/abi.h"

namespace sonde {
namespace {

std::string text_of(const std::vector<int>& bytes) {
  std::string text;
  for (const int byte : bytes) text += static_cast<char>(byte);
  return text;
}

std::optional<std::uint64_t> result(const std::vector<int>& expression, const Registers& registers = {},
                                    const StackPiece& stack = {}, std::optional<std::uint64_t> first = {}) {
  return evaluate(text_of(expression), registers, stack, first);
}

TEST(Expressions, Calculate) {
  EXPECT_EQ(result({0x35}), 5U);
  EXPECT_EQ(result({0x08, 200}), 200U);
  EXPECT_EQ(result({0x09, 0xff}), UINT64_MAX);
  EXPECT_EQ(result({0x10, 0x80, 0x01}), 128U);
  EXPECT_EQ(result({0x35, 0x32, 0x1c}), 3U);                    // 5 - 2
  EXPECT_EQ(result({0x35, 0x32, 0x16, 0x1c}), UINT64_MAX - 2);  // swapped
  EXPECT_EQ(result({0x31, 0x23, 0x10}), 17U);
  EXPECT_EQ(result({0x31, 0x32, 0x33, 0x17, 0x1c}), UINT64_MAX);  // 3 1 2: 1 - 2
  EXPECT_EQ(result({0x31, 0x28, 1, 0, 0x37, 0x38}), 8U);          // jumps over 7
  EXPECT_EQ(result({0x30, 0x12, 0x14, 0x15, 2}), 0U);
}

TEST(Expressions, AreThoseOfLinkers) {
  Registers registers;
  registers.set(7, 0x7000);
  registers.set(16, 0x40100a);
  const std::vector<int> plt{0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22};
  EXPECT_EQ(result(plt, registers), 0x7008U);
  registers.set(16, 0x40100b);
  EXPECT_EQ(result(plt, registers), 0x7010U);
}

TEST(Expressions, DoNotKnowEverything) {
  EXPECT_FALSE(result({}));
  EXPECT_FALSE(result({0x77, 8}));              // a register that is not known
  EXPECT_FALSE(result({0x30, 0x06}));           // memory that is not there
  EXPECT_FALSE(result({0x31, 0x30, 0x1b}));     // divided by 0
  EXPECT_FALSE(result({0x22}));                 // nothing to add
  EXPECT_FALSE(result({0x2f, 0xfd, 0xff}));     // for ever
  EXPECT_FALSE(result({0x31, 0x2f, 0xff, 0}));  // out of itself
  EXPECT_FALSE(result({0xff}));
  EXPECT_FALSE(result(std::vector<int>(100, 0x31)));  // too deep
}

// Words from 0x7000 on.
std::string words(const std::vector<std::uint64_t>& all) {
  return {reinterpret_cast<const char*>(all.data()), all.size() * 8};
}

class Unwinding : public testing::Test {
 protected:
  // CFA = sp + size, the return address below it.
  static UnwindRow plain(std::int64_t size) {
    UnwindRow row{0, UINT64_MAX, {UnwindRule::sum, 0, 7, 0, 0, size}, {}, {}, 16, false};
    row.rules.push_back({UnwindRule::saved, 16, 0, 0, 0, -8});
    return row;
  }
  UserChain chain_of(const std::string& stack, std::uint64_t fp = 0) {
    CopiedStack copied;
    copied.registers = {0x100, 0x7000, fp};
    copied.stack = stack;
    return unwind(
        copied,
        [this](std::uint64_t address) {
          asked_.push_back(address);
          const auto found = rows_.find(address / 0x100);
          return found == rows_.end() ? nullptr : &found->second;
        },
        Machine::x86_64);
  }
  std::map<std::uint64_t, UnwindRow> rows_;
  std::vector<std::uint64_t> asked_;
};

using Addresses = std::vector<std::uint64_t>;

TEST_F(Unwinding, GoesFromCallToCall) {
  rows_[1] = plain(16);
  rows_[2] = plain(8);
  rows_[3] = plain(8);
  rows_[3].rules[0].kind = UnwindRule::undefined;
  const auto chain = chain_of(words({0, 0x210, 0x310}));
  EXPECT_EQ(chain.addresses, (Addresses{0x100, 0x210, 0x310}));
  EXPECT_EQ(chain.end, UserChain::End::start);
  EXPECT_EQ(asked_, (Addresses{0x100, 0x20f, 0x30f}));
  EXPECT_TRUE(chain.is_exact(0));
  EXPECT_FALSE(chain.is_exact(1));
  EXPECT_FALSE(chain.found_by_frame_pointer(1));
}

// What returns behind the last instruction of a function is of that one.
TEST_F(Unwinding, LooksBeforeWhereACallReturns) {
  rows_[1] = plain(16);
  rows_[2] = plain(8);
  const auto chain = chain_of(words({0, 0x200, 0}));
  EXPECT_EQ(chain.addresses, (Addresses{0x100, 0x200}));
  EXPECT_EQ(asked_, (Addresses{0x100, 0x1ff}));
  EXPECT_EQ(chain.end, UserChain::End::broken);
}

TEST_F(Unwinding, GoesThroughSignals) {
  rows_[1] = plain(8);
  rows_[2] = plain(8);
  rows_[2].signal = true;
  rows_[3] = plain(8);
  rows_[3].rules[0].kind = UnwindRule::undefined;
  const auto chain = chain_of(words({0x210, 0x300}));
  EXPECT_EQ(chain.addresses, (Addresses{0x100, 0x210, 0x300}));
  EXPECT_TRUE(chain.is_exact(2));
  EXPECT_EQ(asked_.back(), 0x300U);
  EXPECT_EQ(chain.end, UserChain::End::start);
}

TEST_F(Unwinding, FollowsFramePointersWhereNothingElseIsKnown) {
  rows_[1] = {};
  rows_[2] = plain(16);
  rows_[3] = {};
  const auto chain = chain_of(words({0, 0x7030, 0x210, 0, 0x310, 0, 0, 0x410}), 0x7008);
  EXPECT_EQ(chain.addresses, (Addresses{0x100, 0x210, 0x310, 0x410}));
  EXPECT_TRUE(chain.found_by_frame_pointer(0));
  EXPECT_FALSE(chain.found_by_frame_pointer(1));
  EXPECT_TRUE(chain.found_by_frame_pointer(2));
  EXPECT_EQ(chain.end, UserChain::End::unknown);
  EXPECT_EQ(chain_of(words({0, 0}), 0x6ff8).end, UserChain::End::broken);
}

TEST_F(Unwinding, EndsWhereThereIsNoCode) {
  rows_[1] = plain(8);
  const auto chain = chain_of(words({0x999, 0}));
  EXPECT_EQ(chain.addresses, (Addresses{0x100, 0x999}));
  EXPECT_EQ(chain.end, UserChain::End::unknown);
}

TEST_F(Unwinding, DoesNotGoInCircles) {
  rows_[1] = plain(0);
  rows_[1].rules[0] = {UnwindRule::saved, 16, 0, 0, 0, 0};
  const auto chain = chain_of(words({0x110, 0x110}));
  EXPECT_LE(chain.addresses.size(), 2U);
  EXPECT_EQ(chain.end, UserChain::End::broken);
}

TEST_F(Unwinding, SaysWhetherTheCopyEnded) {
  rows_[1] = plain(1 << 20);
  EXPECT_EQ(chain_of(std::string(STACK_COPY, '\0')).end, UserChain::End::cut);
  EXPECT_EQ(chain_of(std::string(STACK_COPY - 8, '\0')).end, UserChain::End::broken);
}

#if defined(__x86_64__)

// A file that is mapped into this process, and what it says of its functions.
struct Own {
  std::uint64_t start = 0, end = 0;
  std::string bytes;
  std::unique_ptr<CallFrames> frames;
};

std::string file_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

int take_file(dl_phdr_info* info, std::size_t /*size*/, void* to) {
  auto& all = *static_cast<std::list<Own>*>(to);
  Own& own = all.emplace_back();
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& segment = info->dlpi_phdr[i];
    const std::uint64_t at = info->dlpi_addr + segment.p_vaddr;
    if (segment.p_type != PT_LOAD) continue;
    own.start = own.end ? std::min(own.start, at) : at;
    own.end = std::max(own.end, at + segment.p_memsz);
  }
  const std::string file = file_bytes(*info->dlpi_name ? info->dlpi_name : "/proc/self/exe");
  const auto header = read_at<ElfW(Ehdr)>(file, 0);
  if (!header) all.pop_back();  // the vdso
  if (!header) return 0;
  const auto section = [&](std::uint64_t i) {
    return read_at<ElfW(Shdr)>(file, header->e_shoff + i * header->e_shentsize).value_or(ElfW(Shdr){});
  };
  const auto names = section(header->e_shstrndx);
  for (std::uint64_t i = 0; i < header->e_shnum; ++i) {
    const auto one = section(i);
    if (text_at(file, names.sh_offset + one.sh_name, 16) != ".eh_frame") continue;
    own.bytes = part(file, one.sh_offset, one.sh_size);
    own.frames = std::make_unique<CallFrames>(own.bytes, info->dlpi_addr + one.sh_addr, CallFrames::Format::eh_frame);
  }
  if (!own.frames) all.pop_back();
  return 0;
}

std::list<Own> own_frames() {
  std::list<Own> all;
  dl_iterate_phdr(take_file, &all);
  return all;
}

// From there to the end of this thread's stack; a sanitizer would rather not have it read.
__attribute__((no_sanitize_address, noinline)) std::string copy_of_stack(std::uint64_t from) {
  pthread_attr_t attributes{};
  void* lowest = nullptr;
  std::size_t size = 0;
  pthread_getattr_np(pthread_self(), &attributes);
  pthread_attr_getstack(&attributes, &lowest, &size);
  pthread_attr_destroy(&attributes);
  const std::uint64_t end = reinterpret_cast<std::uint64_t>(lowest) + size;
  std::string copy;
  copy.reserve(end - from);
  for (std::uint64_t at = from; at < end; ++at) copy.push_back(*reinterpret_cast<const volatile char*>(at));
  return copy;
}

struct Seen {
  Addresses by_libgcc;
  UserChain chain;
};
Seen* seen = nullptr;

_Unwind_Reason_Code take(_Unwind_Context* context, void*) {
  if (const auto address = _Unwind_GetIP(context)) seen->by_libgcc.push_back(address);
  return _URC_NO_REASON;
}

__attribute__((noinline)) void look() {
  static const auto files = own_frames();
  ucontext_t here{};
  getcontext(&here);
  const auto& r = here.uc_mcontext.gregs;
  const auto reg = [&r](int which) { return static_cast<std::uint64_t>(r[which]); };
  CopiedStack copied;
  copied.registers = {reg(REG_RIP), reg(REG_RSP), reg(REG_RBP), reg(REG_RBX),
                      reg(REG_R12), reg(REG_R13), reg(REG_R14), reg(REG_R15)};
  const std::string stack = copy_of_stack(reg(REG_RSP));
  copied.stack = stack;
  UnwindRow row;
  seen->chain = unwind(copied, [&row](std::uint64_t address) -> const UnwindRow* {
    const auto file =
        std::find_if(files.begin(), files.end(), [&](auto& f) { return address >= f.start && address < f.end; });
    if (file == files.end()) return nullptr;
    row = file->frames->find(address);
    return &row;
  });
  _Unwind_Backtrace(take, nullptr);
}

int compare(const void* a, const void* b) {
  if (seen->by_libgcc.empty()) look();
  return *static_cast<const int*>(a) - *static_cast<const int*>(b);
}

// The same as libgcc, which unwinds for exceptions: all but the first address, which is another place in look().
TEST(UnwindingOfItself, IsThatOfTheCompiler) {
  Seen own;
  seen = &own;
  std::vector<int> numbers{3, 1, 2};
  std::qsort(numbers.data(), numbers.size(), sizeof(int), compare);
  ASSERT_GT(own.by_libgcc.size(), 5U);
  ASSERT_EQ(own.chain.addresses.size(), own.by_libgcc.size());
  EXPECT_TRUE(std::equal(own.chain.addresses.begin() + 1, own.chain.addresses.end(), own.by_libgcc.begin() + 1));
  EXPECT_EQ(own.chain.end, UserChain::End::start);
}

#endif

}  // namespace
}  // namespace sonde
