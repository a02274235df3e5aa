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
inline constexpr std::string_view broken = "[broken]";    ///< the chain of frame pointers ends before the start
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

/// Frames that may be taken: a stack of so many may have had more.
inline constexpr std::size_t most_frames = 127;

/// "symbol+0x1f [ext4]", "symbol+0x1f (/lib/x.so)", "/lib/x.so+0x1f2e", "0xffff...", a mark: still to be escaped.
void show_frame(const Frame& frame, std::string& text);

}  // namespace sonde
