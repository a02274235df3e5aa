// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cmath>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "app/snapshot.h"
#include "app/stack_pictures.h"
#include "core/bytes.h"
#include "core/stack_store.h"
#include "core/text.h"
#include "core/units.h"

namespace sonde {

/// A Snapshot of what is counted by stack (bpf/lib/stack_counts.bpf.h). V has a member `name`; what is told of it here
/// is who it is, and the stack beneath each row: the kernel's part, then the program's. Rows whose stacks read alike
/// are one.
template <class V, class S>
class StackSums : public Snapshot<count_key, V, S> {
  using Base = Snapshot<count_key, V, S>;

 public:
  using Base::Base;
  using typename Base::Sum;

 protected:
  /// The columns that say whose stack it is. `things` is what is counted, in the plural, `comm` whose name is shown.
  void add_owners(std::string things, std::string comm) {
    this->group_by(std::move(things), {{"process", {COUNT_OF_PROCESS, 0}, {"pid", "comm"}},
                                       {"thread", {COUNT_OF_THREAD, 0}, {"tid", "comm"}},
                                       {"comm", {COUNT_OF_COMM, 0}, {"comm"}},
                                       {"cpu", {COUNT_OF_CPU, 0}, {"cpu"}}});
    const auto id = [](const Sum& s) {
      if (s.key.who == COUNT_IDLE) return Value::natural(0);
      return s.key.who ? Value::natural(s.key.who) : Value();
    };
    this->add_key({"pid", Value::Kind::natural, 7, "process"}, id);
    this->add_key({"tid", Value::Kind::natural, 7, "thread"}, id);
    this->add_key({"cpu", Value::Kind::natural, 4, "the CPU"}, [](const Sum& s) { return Value::natural(s.key.who); });
    this->add_key({"comm", Value::Kind::text, COMM_LEN - 1, std::move(comm)}, [](const Sum& s) {
      return Value::text({s.total.name.comm, strnlen(s.total.name.comm, COMM_LEN)});
    });
  }
  /// What part of all a row is; `help` says of what.
  void add_share(std::string help, int yields = 0) {
    this->add({"share", Value::Kind::real, 6, std::move(help), true, yields}, [this](const Sum& s) {
      const auto share = static_cast<double>(amount(s.value)) / static_cast<double>(amount(this->whole()));
      return Value::real(std::round(share * 10'000) / 100);
    });
  }
  /// Beneath each row.
  void add_stack() {
    this->add({"stack", Value::Kind::stack, 0, "the stack, innermost first: the kernel's part, then the program's"},
              [this](const Sum& s) {
                if (!this->stacks()) return Value();
                put_frames(s.key.what, frames_);
                return frames_.empty() ? Value() : Value::stack(frames_);
              });
  }
  /// -K, -U, --by, and where the tool has it --unwind; `ways` are what that takes.
  void declare_stack_sums(Options& options, const std::string& ways = "fp, dwarf or auto") {
    this->declare_grouping(options);
    options.flag("-K, --kernel-only", "only the kernel's part of stacks", [this] { kernel_only_ = true; });
    options.flag("-U, --user-only", "only the program's part", [this] { user_only_ = true; });
    if constexpr (can_unwind)
      options.value("--unwind", "HOW", "how a program's functions are followed to their callers: " + ways,
                    [this](std::string_view how) { unwind_ = parse_unwind(how); });
    pictures_.declare(options);
  }

  /// How stacks are unwound where that can be chosen; `asked`: as the user chose. Throws Error(usage).
  [[nodiscard]] virtual stack_unwind unwinding(std::optional<stack_unwind> asked) const {
    return asked.value_or(UNWIND_WHERE_NEEDED);
  }
  /// Whether stacks are copied to be unwound.
  [[nodiscard]] bool copies_stacks() const { return stacks_wanted()->unwind != UNWIND_NEVER; }
  /// Of a row that came with a copy: what tells it apart from those of the same owner, and whatever its value lacks.
  virtual std::uint64_t unwound_what(V& /*value*/, std::uint64_t stack) { return stack; }

  /// What of a value rows, shares and pictures are about; what pictures call it, in the plural; and in a sentence.
  [[nodiscard]] virtual std::uint64_t amount(const V& value) const = 0;
  [[nodiscard]] virtual std::string unit() const = 0;
  [[nodiscard]] virtual std::string amount_text(std::uint64_t amount) const = 0;

  /// What rows are told apart by beside their owner, in place of the number that the kernel counts under: the stack as
  /// it reads, if nothing else is said.
  virtual std::uint64_t shown_stack(const count_key& key, const V& /*total*/) { return stacks_of_run().find(key.what); }
  /// Of what shown_stack() returned: whether the stack did not get through; its frames, innermost first, which replace
  /// what is there; and as they are drawn, added.
  [[nodiscard]] virtual bool is_untold(std::uint64_t shown) const { return shown == StackStore::untold; }
  virtual void put_frames(std::uint64_t shown, std::vector<Frame>& frames) {
    stacks_of_run().frames(static_cast<StackStore::Id>(shown), frames);
  }
  virtual void put_drawn(std::uint64_t shown, std::vector<GraphFrame>& outermost_first) {
    draw(static_cast<StackStore::Id>(shown), outermost_first);
  }
  /// Adds a stack, the outermost frame first.
  void draw(StackStore::Id stack, std::vector<GraphFrame>& outermost_first) {
    const std::size_t kernel = stacks_of_run().frames(stack, one_stack_);
    for (std::size_t i = one_stack_.size(); i-- > 0;) outermost_first.push_back(graph_frame(one_stack_[i], i < kernel));
  }
  [[nodiscard]] StackStore& stacks_of_run() const { return *this->stacks(); }

 private:
  [[nodiscard]] bool has_stacks() const final { return true; }
  [[nodiscard]] std::optional<stack_conf> stacks_wanted() const final {
    if (kernel_only_ && user_only_)
      throw Error(Exit::usage, "-K and -U together leave nothing of a stack.", "Leave out both for whole stacks.");
    if (kernel_only_ && unwind_)
      throw Error(Exit::usage, "-K leaves nothing of a stack that --unwind is about.", "Leave out one of them.");
    const stack_unwind unwind = can_unwind && !kernel_only_ ? unwinding(unwind_) : UNWIND_NEVER;
    return stack_conf{!user_only_, !kernel_only_, unwind};
  }
  static stack_unwind parse_unwind(std::string_view how) {
    for (const auto& [name, meaning] :
         {std::pair{"fp", UNWIND_NEVER}, {"dwarf", UNWIND_ALWAYS}, {"auto", UNWIND_WHERE_NEEDED}})
      if (how == name) return meaning;
    throw Error(Exit::usage, "There is no way '" + escaped(how) + "' to unwind stacks.", "Give fp, dwarf or auto.");
  }

  using typename Base::Taken;
  Taken take_unwound(std::string_view bytes, std::uint64_t stack, std::size_t most_rows) final {
    auto row = read_at<Row>(bytes, 0);
    if (!row || bytes.size() != sizeof(Row)) return Taken::malformed;
    row->key.what = unwound_what(row->value, stack);
    const std::pair key{row->key.who, row->key.what};
    const auto known = places_.find(key);
    if (known == places_.end()) {
      if (unwound_.size() >= most_rows) return Taken::no_room;
      places_.emplace(key, unwound_.size());
      unwound_.push_back(*row);
    } else {
      this->merge(unwound_[known->second].value, row->value);
    }
    return Taken::counted;
  }
  void put_absence(std::byte* bytes, std::uint64_t began, std::uint64_t ns) final {
    if constexpr (requires(V value) { value.absences; }) {
      Row row;
      std::memcpy(&row, bytes, sizeof(row));
      row.value.absences = {};
      row.value.absences.time[began & 1] = ns;
      row.value.absences.number[began & 1] = 1;
      std::memcpy(bytes, &row, sizeof(row));
    }
  }
  void read_unwound() final {
    for (std::size_t i = 0; i < unwound_.size(); ++i) {
      V value = unwound_[i].value;
      this->read_value(unwound_[i].key, value, Base::readers_own | static_cast<std::uint32_t>(i));
      this->add_row(unwound_[i].key, value, {});
    }
  }

  [[nodiscard]] bool merges_keys() const final { return true; }
  // Of two processes with one name the kernel has two rows.
  count_key key_shown(const count_key& key, const V& total) final {
    const std::uint64_t stack = this->stacks() ? shown_stack(key, total) : StackStore::untold;
    if (this->by().who != COUNT_OF_COMM) return {key.who, stack};
    const std::string name(total.name.comm, strnlen(total.name.comm, COMM_LEN));
    return {names_.try_emplace(name, names_.size()).first->second, stack};
  }

  void prepare() final {
    Base::prepare();
    pictures_.open();
  }
  void rows_read() final {
    if (!pictures_.wanted() || !this->stacks()) return;
    for (const auto& s : this->sums()) {
      drawn_.clear();
      put_drawn(s.key.what, drawn_);
      pictures_.add(owner(s), drawn_, amount(s.value));
    }
  }
  std::vector<std::string> ended(const Summary& summary) final {
    return pictures_.wanted() ? pictures_.write(summary, unit()) : std::vector<std::string>();
  }

  // The frame beneath all others in a picture, where processes of one name are one.
  [[nodiscard]] std::string owner(const Sum& s) const {
    const std::string name(s.total.name.comm, strnlen(s.total.name.comm, COMM_LEN));
    if (this->by().who == COUNT_OF_CPU) return "CPU " + std::to_string(s.key.who);
    if (this->by().who == COUNT_OF_THREAD && s.key.who != COUNT_IDLE) return name + "/" + std::to_string(s.key.who);
    return name;
  }

  // "1,234 samples in 56 stacks."
  [[nodiscard]] std::string remark() const final {
    std::unordered_set<std::uint64_t> stacks;
    std::uint64_t untold = 0;
    for (const auto& s : this->sums()) {
      if (is_untold(s.key.what))
        untold += amount(s.value);
      else
        stacks.insert(s.key.what);
    }
    std::string text = amount_text(amount(this->whole())) + " in " + counted(stacks.size(), "stack");
    if (untold) text += "; of " + amount_text(untold) + " the stack did not get through (--buffer-size)";
    return text + ".";
  }

  static constexpr bool can_unwind = requires(S skeleton) { skeleton.maps.stack_copies; };
  struct Row {  // COUNT_ROW
    count_key key;
    V value;
  };

  bool kernel_only_ = false, user_only_ = false;
  std::optional<stack_unwind> unwind_;
  std::vector<Row> unwound_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::size_t> places_;  // of whose and which stack
  StackPictures pictures_;
  std::unordered_map<std::string, std::uint64_t> names_;
  std::vector<Frame> frames_, one_stack_;
  std::vector<GraphFrame> drawn_;
};

}  // namespace sonde
