// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/stack_tree.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "core/units.h"

namespace sonde {
namespace {

constexpr GraphFrame cut_frame{mark::cut, {}, FrameKind::other};

std::string_view file_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

GraphFrame graph_frame(const Frame& frame, bool kernel) {
  const bool jit = frame.module == "[anon]" && !frame.symbol.empty();
  const FrameKind kind = frame.is_mark ? FrameKind::other
                         : kernel      ? FrameKind::kernel
                         : jit         ? FrameKind::jit
                                       : FrameKind::user;
  return {frame.symbol, frame.module, kind};
}

std::string frame_text(const GraphFrame& frame) {
  if (!frame.name.empty()) return std::string(frame.name);
  if (frame.module.empty()) return "[unknown]";
  if (frame.module.starts_with('[')) return std::string(frame.module);
  return "[" + std::string(file_of(frame.module)) + "]";
}

StackTree::StackTree(Limits limits) : limits_(limits), nodes_{{0, 0, 0, {}}} {}

void StackTree::add(std::span<const GraphFrame> outermost_first, std::uint64_t amount, Recording recording) {
  const auto of = [recording](Amounts& amounts) -> std::uint64_t& {
    return recording == Recording::now ? amounts.now : amounts.before;
  };
  if (!amount) return;
  if (amount > UINT64_MAX - of(total_)) {
    ++too_much_;
    return;
  }
  std::uint32_t at = 0;
  std::size_t depth = 0;
  for (const auto& frame : outermost_first) {
    const bool deep = depth++ == limits_.depth;
    const bool cut = deep || full();
    at = child(at, intern(cut ? cut_frame : frame));
    if (!cut) continue;
    ++(deep ? too_deep_ : no_room_);
    break;
  }
  of(nodes_[at].own) += amount;
  of(total_) += amount;
}

std::uint32_t StackTree::intern(const GraphFrame& frame) {
  const auto bounded = [this](std::string_view name) {
    if (name.size() <= limits_.name) return std::string(name);
    ++long_names_;
    return std::string(name.substr(0, limits_.name)) + "…";
  };
  std::string key = bounded(frame.name);
  const std::size_t name = key.size();
  key += '\0';
  key += bounded(frame.module);
  key += static_cast<char>(frame.kind);
  const auto [found, fresh] = interned_.try_emplace(std::move(key), static_cast<std::uint32_t>(frames_.size()));
  if (fresh) {
    const std::string_view text = found->first;
    frames_.push_back({text.substr(0, name), text.substr(name + 1, text.size() - name - 2), frame.kind});
    name_bytes_ += text.size();
  }
  return found->second;
}

std::uint32_t StackTree::child(std::uint32_t parent, std::uint32_t frame) {
  const std::uint64_t key = std::uint64_t{parent} << 32 | frame;
  const auto [found, fresh] = children_.try_emplace(key, static_cast<std::uint32_t>(nodes_.size()));
  if (fresh) nodes_.push_back({parent, frame, nodes_[parent].depth + 1, {}});
  return found->second;
}

std::vector<std::uint32_t> StackTree::frame_ranks() const {
  std::vector<std::uint32_t> order(frames_.size()), ranks(frames_.size());
  std::iota(order.begin(), order.end(), 0U);
  const auto key = [this](std::uint32_t i) { return std::tie(frames_[i].name, frames_[i].module, frames_[i].kind); };
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return key(a) < key(b); });
  for (std::uint32_t i = 0; i < order.size(); ++i) ranks[order[i]] = i;
  return ranks;
}

std::vector<StackTree::Node> StackTree::preorder() const {
  const auto ranks = frame_ranks();
  std::vector<std::uint32_t> order(nodes_.size() - 1);  // siblings together, the last first
  std::iota(order.begin(), order.end(), 1U);
  const auto key = [&](std::uint32_t i) { return std::pair(nodes_[i].parent, ranks[nodes_[i].frame]); };
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return key(a).first != key(b).first ? key(a).first < key(b).first : key(a).second > key(b).second;
  });
  std::vector<std::uint32_t> first(nodes_.size() + 1);  // of each node's children in `order`
  for (const auto i : order) ++first[nodes_[i].parent + 1];
  std::partial_sum(first.begin(), first.end(), first.begin());

  std::vector<Node> all;
  all.reserve(nodes_.size());
  std::vector<std::uint32_t> waiting{0};
  while (!waiting.empty()) {
    const std::uint32_t i = waiting.back();
    waiting.pop_back();
    all.push_back({nodes_[i].frame, nodes_[i].depth, nodes_[i].own});
    for (auto at = first[i]; at < first[i + 1]; ++at) waiting.push_back(order[at]);
  }
  return all;
}

std::vector<FrameSum> frame_sums(const StackTree& tree) {
  std::vector<FrameSum> sums(tree.frames().size());
  for (std::uint32_t i = 0; i < sums.size(); ++i) sums[i].frame = i;
  std::vector<std::uint32_t> open, times(sums.size());  // the frames of the stack, and how often each is in it
  const auto add = [](StackTree::Amounts& to, const StackTree::Amounts& own) {
    to.now += own.now;
    to.before += own.before;
  };
  const auto nodes = tree.preorder();
  for (const auto& node : nodes) {
    if (node.depth == 0) continue;
    for (; open.size() >= node.depth; open.pop_back()) --times[open.back()];
    open.push_back(node.frame);
    ++times[node.frame];
    if (node.own == StackTree::Amounts()) continue;
    add(sums[node.frame].own, node.own);
    for (std::size_t i = 0; i < open.size(); ++i) {
      // Of a frame that is in the stack more than once only the outermost counts.
      const bool first = times[open[i]] == 1 || std::find(open.begin(), open.begin() + static_cast<std::ptrdiff_t>(i),
                                                          open[i]) == open.begin() + static_cast<std::ptrdiff_t>(i);
      if (first) add(sums[open[i]].total, node.own);
    }
  }
  const auto key = [](const FrameSum& sum) { return std::tuple(std::max(sum.own.now, sum.own.before), sum.total.now); };
  std::stable_sort(sums.begin(), sums.end(), [&](const auto& a, const auto& b) { return key(a) > key(b); });
  return sums;
}

std::vector<std::string> StackTree::cuts() const {
  std::vector<std::string> sentences;
  const auto say = [&](std::uint64_t count, const std::string& what) {
    if (count) sentences.push_back(format_count(count) + (count == 1 ? " stack " : " stacks ") + what);
  };
  say(too_deep_, "deeper than " + format_count(limits_.depth) + " frames: the inner ones are cut.");
  say(no_room_, "found no room and ended in [cut]: there are too many that differ.");
  say(too_much_, "left out: the sum would not fit into 64 bits.");
  if (long_names_)
    sentences.push_back("Names longer than " + format_count(limits_.name) + " bytes are cut, and end in an ellipsis.");
  return sentences;
}

}  // namespace sonde
