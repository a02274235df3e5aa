// SPDX-License-Identifier: GPL-2.0-or-later
#include <unistd.h>

#include <algorithm>

#include "app/folded_file.h"
#include "app/listing.h"
#include "app/outputs.h"
#include "core/flamegraph.h"
#include "core/units.h"

namespace sonde {
namespace {

struct Row {
  const StackTree& tree;
  const FrameSum& sum;
};

constexpr std::size_t top_of_terminal = 20;
constexpr std::string_view kind_names[] = {"user", "kernel", "inlined", "jit", "other"};

Value percent(std::uint64_t amount, std::uint64_t total) {
  return total ? Value::real(100 * static_cast<double>(amount) / static_cast<double>(total)) : Value();
}

class FlameGraph final : public Listing<Row> {
 public:
  FlameGraph()
      : Listing({"flamegraph",
                 "Pictures",
                 "draws folded stacks of any profiler as a flame graph",
                 "Reads folded stacks (a line is 'main;read;vfs_read_[k] 42', as stackcollapse-perf.pl and many "
                 "profilers write them) and draws them: -o FILE.html is a page that can be zoomed and searched, -o "
                 "FILE.svg a picture that also does without a script. Both are one file that loads nothing from "
                 "elsewhere. Without either it lists the functions, those that cost most first. Traces nothing.",
                 {{"sonde flamegraph stacks.folded -o cpu.html", "a page"},
                  {"perf script | stackcollapse-perf.pl | sonde flamegraph - -o cpu.svg", "a picture of what perf saw"},
                  {"sonde flamegraph --diff before.folded after.folded -o diff.html", "what has changed"},
                  {"sonde flamegraph stacks.folded --top 5", "the five functions that cost most"}}}) {
    using Amounts = StackTree::Amounts;
    const auto amount = [this](std::string key, std::string help, auto of, bool standard = true) {
      add({std::move(key), Value::Kind::natural, 10, std::move(help), standard},
          [of](const Row& row) { return Value::natural(of(row)); });
    };
    const auto share = [this](std::string key, std::string help, Amounts FrameSum::*of, std::uint64_t Amounts::*which,
                              bool standard = true) {
      add({std::move(key), Value::Kind::real, 8, std::move(help), standard},
          [of, which](const Row& row) { return percent(row.sum.*of.*which, row.tree.total().*which); });
    };
    amount("own", "amount of the stacks that end in it", [](const Row& row) { return row.sum.own.now; });
    share("own_percent", "its share of all", &FrameSum::own, &Amounts::now);
    amount("total", "amount of the stacks that have it", [](const Row& row) { return row.sum.total.now; });
    share("total_percent", "its share of all", &FrameSum::total, &Amounts::now);
    amount(
        "before", "own, of the first file of --diff", [](const Row& row) { return row.sum.own.before; }, false);
    share("before_percent", "its share of all in the first file", &FrameSum::own, &Amounts::before, false);
    add({"kind", Value::Kind::text, 7, "user, kernel, inlined, jit or other (no function)"},
        [](const Row& row) { return Value::text(kind_names[static_cast<std::size_t>(frame(row).kind)]); });
    add({"module", Value::Kind::text, 20, "the file that it is in, where the stacks tell", false},
        [](const Row& row) { return frame(row).module.empty() ? Value() : Value::text(frame(row).module); });
    add({"frame", Value::Kind::text, 40, "the function, or a word in brackets"},
        [](const Row& row) { return Value::text(frame(row).name.empty() ? "[unknown]" : frame(row).name); });
  }

  void options(Options& options) override {
    options.argument("FOLDED", "a file of folded stacks; without it, or -, what comes by stdin", false,
                     [this](std::string_view file) { first_ = file; });
    options.argument("AFTER", "with --diff: the second file", false, [this](std::string_view file) { second_ = file; });
    options.flag("--diff", "compare FOLDED with AFTER: colours for the change of each share", [this] {
      difference_ = true;
      show({"before", "before_percent"});
    });
    options.text("--title", "TEXT", "heading of the picture", title_);
    options.text("--unit", "UNIT", "what the amounts count (samples); ns is a time", header_.unit);
    options.flag("--icicle", "outermost frames on top (also --inverted)", header_.icicle);
    options.flag("--inverted", "the same", header_.icicle);
    options.flag("--reverse", "innermost frames first: which functions, then by whom they are called", reverse_);
    options.value("--top", "N", "list only the first N functions (on a terminal: 20)", [this](std::string_view text) {
      top_ = parse_natural(text);
      if (!top_) throw Error(Exit::usage, "0 functions would show nothing.", "Give a number from 1 on.");
    });
  }

 private:
  static const GraphFrame& frame(const Row& row) { return row.tree.frames()[row.sum.frame]; }

  Exit list(const CommonOptions& common) override;
  void draw(PictureKind kind);

  std::string first_, second_, title_;
  GraphHeader header_;
  bool difference_ = false, reverse_ = false;
  std::uint64_t top_ = 0;
  StackTree tree_;
};

Exit FlameGraph::list(const CommonOptions& common) {
  const auto kind = picture_kind(common.output);
  if (kind && common.json)
    throw Error(Exit::usage, "A picture is no JSON.", "Leave out -f, or give -o a name that ends in .json.");
  if (difference_ == second_.empty())
    throw Error(Exit::usage, difference_ ? "--diff wants two files." : "Only --diff takes two files.",
                "As in: sonde flamegraph --diff before.folded after.folded -o diff.html.");
  if (second_ == "-" && first_ == "-")
    throw Error(Exit::usage, "Only one of two files can be stdin.", "Name the other.");
  const auto read = [this](const std::string& file, StackTree::Recording recording) {
    read_folded(file, tree_, {recording, reverse_},
                [this](std::string_view sentence) { header_.warnings.emplace_back(sentence); });
  };
  if (difference_) read(first_, StackTree::Recording::before);
  read(difference_ ? second_ : first_, StackTree::Recording::now);
  for (const auto& cut : tree_.cuts()) header_.warnings.push_back(cut);
  for (const auto& warning : header_.warnings) note(warning);

  if (kind) {
    draw(*kind);
    return Exit::done;
  }
  const auto sums = frame_sums(tree_);
  const bool terminal = !common.json && common.output.empty() && terminal_width(STDOUT_FILENO) > 0;
  const std::size_t most = top_ ? top_ : terminal ? top_of_terminal : sums.size(), shown = std::min(most, sums.size());
  for (std::size_t i = 0; i < shown; ++i) row({tree_, sums[i]});
  if (shown < sums.size()) note(format_count(sums.size() - shown) + " more functions. --top N shows more.");
  if (!common.json) note("-o FILE.html or -o FILE.svg draws the stacks.");
  return Exit::done;
}

void FlameGraph::draw(PictureKind kind) {
  header_.difference = difference_;
  header_.title = !title_.empty()                     ? title_
                  : difference_                       ? first_ + " and " + second_
                  : (first_.empty() || first_ == "-") ? "Flame graph"
                                                      : first_;
  if (reverse_) header_.facts.emplace_back("Order", "innermost frames first");
  write_flamegraph(tree_, header_, kind, file());
}

const Register<FlameGraph> registered("flamegraph");

}  // namespace
}  // namespace sonde
