// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "app/columned.h"
#include "app/stacks.h"
#include "app/tracing.h"
#include "core/names.h"

namespace sonde {

/// The half of Stream that does not depend on the tool's types: see there.
class StreamBase : public Tracing {
 public:
  using Tracing::Tracing;

 protected:
  /// Null in a run that shows no stacks.
  [[nodiscard]] Stacks* stacks() const { return stacks_; }
  /// Whether what a program ran means anything when its event is seen.
  [[nodiscard]] virtual bool has_user_stacks() const { return true; }
  void declare_stacks(Options& options, CommonOptions& common) const;

 private:
  friend class StreamRun;
  Stacks* stacks_ = nullptr;
  std::unique_ptr<TracingRun> make_run(const CommonOptions& options) final;
  /// True if the record is no event, but a part of one that comes later, and the tool keeps it until then.
  virtual bool keep_part(const std::byte* record, std::size_t size) = 0;
  [[nodiscard]] virtual std::size_t record_size() const = 0;
  /// Fills one Value for each of the chosen columns; false if the bytes are no record.
  virtual bool read_record(const std::byte* record, std::size_t size, std::span<const std::size_t> chosen,
                           std::span<Value> values) = 0;
};

/// A tool that shows events one by one. E is the record as the BPF programs write it, S the generated skeleton.
/// A tool adds its columns in the constructor, declares options(), and says how to configure() and attach (probes()).
template <class E, class S>
class Stream : public Columned<E, Probed<S, StreamBase>> {
  using Base = Columned<E, Probed<S, StreamBase>>;

 public:
  using Base::Base;

  void stack_options(Options& options, CommonOptions& common) override {
    if constexpr (requires(S s) { s.rodata->stacks; }) {
      add_stack("kstack", &Stacks::kernel, "how the kernel came there, innermost first");
      if (this->has_user_stacks())
        add_stack("ustack", &Stacks::user, "how the program came there, innermost first, by frame pointers");
      this->declare_stacks(options, common);
    }
  }

 protected:
  using Base::add;

  /// The columns that most tools have, from members of the record.
  void add_time(__u64(E::*time), std::string help) {
    add({"time", Value::Kind::time, 15, std::move(help)},
        [this, time](const E& e) { return Value::time(this->wall_time()(e.*time)); });
  }
  void add_id(std::string key, __u32(E::*id), std::string help, bool standard = false) {
    add({std::move(key), Value::Kind::natural, 7, std::move(help), standard},
        [id](const E& e) { return e.*id ? Value::natural(e.*id) : Value(); });
  }
  /// No value where it is -1, which is no user.
  void add_user(__u32(E::*uid)) {
    add({"uid", Value::Kind::natural, 5, "real user, by number", false},
        [uid](const E& e) { return e.*uid == ~__u32{} ? Value() : Value::natural(e.*uid); });
    add({"user", Value::Kind::text, 10, "real user, by name in /etc/passwd", false}, [this, uid](const E& e) {
      const auto name = this->users().name(e.*uid);
      return name.empty() ? Value() : Value::text(name);
    });
  }
  void add_errno(__s32(E::*result)) {
    add({"errno", Value::Kind::symbol, 7, "why it failed"}, [result](const E& e) {
      return e.*result < 0 ? Value::symbol(errno_name(-(e.*result)), -(e.*result)) : Value();
    });
  }
  void add_latency(__u64(E::*latency)) {
    add({"latency_ns", Value::Kind::duration, 7, "how long the call took", false},
        [latency](const E& e) { return e.*latency ? Value::duration(e.*latency) : Value(); });
  }
  void add_comm(char (E::*comm)[COMM_LEN]) { add_name("comm", comm, "name of the thread"); }
  void add_name(std::string key, char (E::*comm)[COMM_LEN], std::string help, bool standard = true) {
    add({std::move(key), Value::Kind::text, COMM_LEN - 1, std::move(help), standard}, [comm](const E& e) {
      const char* text = e.*comm;
      return Value::text({text, strnlen(text, COMM_LEN)});
    });
  }
  void add_cgroup(__u64(E::*cgroup)) {
    add({"cgroup", Value::Kind::text, 30, "cgroup (version 2)", false},
        [this, cgroup](const E& e) { return e.*cgroup ? Value::text(this->cgroups().path(e.*cgroup)) : Value(); });
  }

  /// The working directory, from names in the tail of a record: `names` gets the record, `cut` is the bit that says
  /// that the upper end is missing.
  template <class Names>
  void add_cwd(Names names, __u32 cut) {
    add({"cwd", Value::Kind::text, 30, "working directory of the process", false},
        [this, names, cut](const E& e) { return made_path(names(e), e.bits & cut, false); });
  }

  /// A Value of text that is made for the row: it lives until the row is shown.
  Value made_text(std::string text, bool cut = false) {
    made_.push_back(std::move(text));
    return Value::text(made_.back(), cut);
  }

  /// A path of which the upper end is missing if it was cut.
  Value made_path(std::string path, bool cut) {
    if (!cut) return made_text(std::move(path));
    made_.push_back(std::move(path));
    return Value::text_end(made_.back());
  }
  /// The same from names that a program put out leaf first (bpf/lib/path.bpf.h).
  Value made_path(std::string_view names, bool cut, bool deleted) {
    return made_path(path_from_names(names) + (deleted ? " (deleted)" : ""), cut);
  }

  /// Bytes behind the fixed part of a record.
  virtual std::size_t tail_size(const E&) const { return 0; }
  /// For a tool whose records can be longer than one may be: see keep_part() above.
  virtual bool keep(const E& /*part*/) { return false; }
  [[nodiscard]] static const char* tail(const E& record) { return reinterpret_cast<const char*>(&record + 1); }

 private:
  void add_stack(const char* key, Value (Stacks::*stack)(), const char* help) {
    add({key, Value::Kind::stack, 0, help, false},
        [this, stack](const E&) { return this->stacks() ? (this->stacks()->*stack)() : Value(); });
  }
  [[nodiscard]] bool is_whole(const std::byte* record, std::size_t size) const {
    return size >= sizeof(E) && size - sizeof(E) >= tail_size(*reinterpret_cast<const E*>(record));
  }
  [[nodiscard]] std::size_t record_size() const final { return sizeof(E); }
  bool keep_part(const std::byte* record, std::size_t size) final {
    return is_whole(record, size) && keep(*reinterpret_cast<const E*>(record));
  }
  bool read_record(const std::byte* record, std::size_t size, std::span<const std::size_t> chosen,
                   std::span<Value> values) final {
    if (!is_whole(record, size)) return false;
    const auto& event = *reinterpret_cast<const E*>(record);
    if (!made_.empty()) made_.clear();
    if (this->stacks()) this->stacks()->take({reinterpret_cast<const char*>(record), size});
    this->fill_values(event, chosen, values);
    return true;
  }

  std::deque<std::string> made_;
};

}  // namespace sonde
