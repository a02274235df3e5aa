// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/stack.h"

namespace sonde {

/// Whose code a frame is.
enum class FrameKind : std::uint8_t {
  user,
  kernel,
  inlined,  ///< has no frame of its own: the compiler put it into the next one outwards
  jit,      ///< compiled while the program ran
  other,    ///< no function: a process, [gap], [broken]
};

/// A frame as pictures and folded stacks have it. Frames that are equal are one. Untrusted bytes.
struct GraphFrame {
  std::string_view name{};    ///< empty: not known
  std::string_view module{};  ///< as Frame has it; empty: not known
  FrameKind kind = FrameKind::user;

  bool operator==(const GraphFrame&) const = default;
};

/// Of a frame with its name; `kernel`: it is from a kernel stack. Points to where `frame` does. Offsets are left out:
/// what is in one function is one frame.
GraphFrame graph_frame(const Frame& frame, bool kernel);

/// What stands for a frame: its name, "[libc.so.6]" for a module alone, "[unknown]".
std::string frame_text(const GraphFrame& frame);

/// Stacks with amounts, put together by what they have in common. Bounded whatever is added: a stack that does not fit
/// keeps its amount and its outer frames, and ends in [cut]. It holds two recordings at once, to be compared.
class StackTree {
 public:
  struct Limits {
    std::size_t depth = 2048;                            ///< frames of a stack
    std::size_t nodes = 4'000'000;                       ///< of all stacks
    std::size_t name = 4096;                             ///< bytes of a name
    std::size_t names = std::size_t{256} * 1024 * 1024;  ///< bytes of all names
  };
  enum class Recording : std::uint8_t { now, before };

  struct Amounts {
    std::uint64_t now = 0, before = 0;
    bool operator==(const Amounts&) const = default;
  };
  struct Node {
    std::uint32_t frame = 0;  ///< index of frames(); of the root without meaning
    std::uint32_t depth = 0;  ///< 0: the root, which is no frame
    Amounts own{};            ///< of the stacks that end here
  };

  StackTree() : StackTree(Limits()) {}
  explicit StackTree(Limits limits);

  void add(std::span<const GraphFrame> outermost_first, std::uint64_t amount, Recording recording = Recording::now);

  [[nodiscard]] const Amounts& total() const { return total_; }
  [[nodiscard]] const std::vector<GraphFrame>& frames() const { return frames_; }
  /// The root and all that is below it, parents before children, children by name.
  [[nodiscard]] std::vector<Node> preorder() const;
  /// What the limits did to the stacks, a sentence for each kind: empty if all are whole.
  [[nodiscard]] std::vector<std::string> cuts() const;

 private:
  struct Inner {
    std::uint32_t parent, frame, depth;
    Amounts own;
  };

  std::uint32_t intern(const GraphFrame& frame);
  std::uint32_t child(std::uint32_t parent, std::uint32_t frame);
  [[nodiscard]] bool full() const { return nodes_.size() >= limits_.nodes || name_bytes_ >= limits_.names; }
  [[nodiscard]] std::vector<std::uint32_t> frame_ranks() const;

  Limits limits_;
  std::vector<Inner> nodes_;                                   // parents before children; 0 is the root
  std::unordered_map<std::uint64_t, std::uint32_t> children_;  // by parent and frame
  std::unordered_map<std::string, std::uint32_t> interned_;    // owns the names
  std::vector<GraphFrame> frames_;
  std::size_t name_bytes_ = 0;
  Amounts total_{};
  std::uint64_t too_deep_ = 0, no_room_ = 0, too_much_ = 0, long_names_ = 0;
};

/// What a tree says of one frame, wherever it stands.
struct FrameSum {
  std::uint32_t frame = 0;     ///< index of frames()
  StackTree::Amounts own{};    ///< of stacks that end in it
  StackTree::Amounts total{};  ///< of stacks that have it, each once even if it calls itself
};
/// One for each frame, by what is its own (in the larger recording), the largest first; then by total.
std::vector<FrameSum> frame_sums(const StackTree& tree);

}  // namespace sonde
