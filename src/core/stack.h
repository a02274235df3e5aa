// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sonde {

/// One frame of a stack, innermost first; or a word about the stack in a frame's place.
struct Frame {
  std::string_view symbol{};  ///< empty: not known. Untrusted bytes
  /// The file that is mapped there, or a word in brackets: "[kernel]", "[ext4]", "[vdso]", "[anon]". Empty: nothing is.
  std::string_view module{};
  /// In the symbol; without one, in the module (of a file: the offset in that file); without either, the address.
  /// `anywhere`: the frame stands for all places in the symbol, or in a module without names.
  std::uint64_t offset = 0;
  /// No frame: `symbol` is a word in brackets that says what is missing there, see marks below.
  bool is_mark = false;

  static constexpr std::uint64_t anywhere = UINT64_MAX;

  bool operator==(const Frame&) const = default;
};

namespace mark {
inline constexpr std::string_view gap = "[gap]";          ///< a function without a frame pointer hid its caller
inline constexpr std::string_view broken = "[broken]";    ///< the chain of calls ends before the start
inline constexpr std::string_view cut = "[cut]";          ///< there were more frames than are taken
inline constexpr std::string_view hidden = "[hidden]";    ///< the kernel does not tell where its functions are
inline constexpr std::string_view unknown = "[unknown]";  ///< the program's part, of which the kernel tells nothing
inline constexpr std::string_view untold = "[untold]";    ///< what it was did not get through to the reader
}  // namespace mark

inline Frame marked(std::string_view word) { return {word, {}, 0, true}; }

/// The stacks behind a record, as bpf/lib/stack.bpf.h puts them there.
struct RecordedStacks {
  std::uint64_t time = 0;  ///< ns, CLOCK_MONOTONIC
  std::uint32_t pid = 0;   ///< in the reader's PID namespace; 0: not in it
  std::vector<std::uint64_t> kernel, user;
  bool user_unknown = false;  ///< there is a stack of the program, which could not be taken
};

/// Empty if the bytes do not end in stacks.
std::optional<RecordedStacks> recorded_stacks(std::string_view record);

/// A piece of a program's stack, from its stack pointer upwards, with its registers: struct stack_copy of
/// bpf/lib/abi.h. Views into the record.
struct CopiedStack {
  std::uint64_t seed = 0;  ///< what the number of the stack is made from, beside all its addresses
  std::uint64_t time = 0;  ///< ns, CLOCK_MONOTONIC
  std::uint32_t pid = 0;   ///< as in RecordedStacks
  std::vector<std::uint64_t> registers, kernel;
  std::string_view row;  ///< what is to be counted, the tool's
  std::string_view stack;
};

/// Empty if the bytes are none.
std::optional<CopiedStack> copied_stack(std::string_view record);

/// The functions of a program that called each other, innermost first.
struct UserChain {
  enum class End : std::uint8_t {
    unknown,  ///< the names of the last ones must tell
    start,    ///< there is no caller: a program or a thread begins there
    cut,      ///< its caller lies beyond the piece of the stack that was copied
    broken,
  };
  /// Of an address: it was stopped there (no call returns there); its caller was found by frame pointer.
  static constexpr std::uint8_t exact = 1, by_frame_pointer = 2;

  std::uint32_t pid = 0;
  std::uint64_t time = 0;  ///< as in RecordedStacks
  std::vector<std::uint64_t> addresses{};
  std::vector<std::uint8_t> how{};  ///< for each address; empty: all by frame pointers, the first one exact
  End end = End::unknown;

  [[nodiscard]] bool is_exact(std::size_t frame) const {
    return frame == 0 || (frame < how.size() && how[frame] & exact);
  }
  [[nodiscard]] bool found_by_frame_pointer(std::size_t frame) const {
    return how.empty() || (frame < how.size() && how[frame] & by_frame_pointer);
  }
};

/// Frames that may be taken: a stack of so many may have had more.
inline constexpr std::size_t most_frames = 127;

/// "symbol+0x1f [ext4]", "symbol+0x1f (/lib/x.so)", "/lib/x.so+0x1f2e", "0xffff...", a mark: still to be escaped.
void show_frame(const Frame& frame, std::string& text);

}  // namespace sonde
