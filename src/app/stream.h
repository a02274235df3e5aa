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

#include "app/tool.h"
#include "core/clock.h"
#include "core/names.h"
#include "kernel/cgroup.h"
#include "kernel/object.h"
#include "kernel/processes.h"
#include "lib/abi.h"

namespace sonde {

/// The parts of the BPF library in a skeleton; null where a tool's programs do not include them.
struct LibraryParts {
  filter_conf* filter = nullptr;
  lib_conf* lib = nullptr;
  run_state* run = nullptr;
  bpf_map* events = nullptr;
  bpf_map* filter_ids = nullptr;
  bpf_map* followed = nullptr;
  bpf_map* calls = nullptr;
  bpf_map* calls_by_tid = nullptr;
  bpf_program* follow_fork = nullptr;
  bpf_program* follow_exit = nullptr;
  bpf_program* follow_seed = nullptr;
  bpf_program* calls_exit = nullptr;
  bpf_program* exec32 = nullptr;
  const std::uint64_t* follow_added = nullptr;
};

/// The half of Stream that does not depend on the tool's types: see there.
class StreamBase : public Tool {
 public:
  explicit StreamBase(ToolInfo info);
  ~StreamBase() override;

  [[nodiscard]] const ToolInfo& info() const final { return info_; }
  std::optional<kernel::Prospect> prospect(const kernel::Finding& tracepoints) final;
  Exit run(const CommonOptions& options) final;

 protected:
  /// True if the column is among those that this run shows: what nobody looks at need not be measured.
  [[nodiscard]] bool shown(std::string_view key) const;
  [[nodiscard]] const CommonOptions& common() const { return *common_; }  // all defaults before run()
  [[nodiscard]] const WallTime& wall_time() const { return wall_time_; }
  [[nodiscard]] const kernel::Users& users() const { return users_; }
  [[nodiscard]] kernel::Cgroups& cgroups() { return cgroups_; }

 private:
  friend class StreamRun;
  virtual kernel::Object::Open opener() const = 0;
  virtual LibraryParts parts(void* skeleton) = 0;
  virtual void configure_skeleton(void* skeleton) = 0;
  virtual kernel::Ladder ladder(void* skeleton) = 0;
  /// True if the record is no event, but a part of one that comes later, and the tool keeps it until then.
  virtual bool keep_part(const std::byte* record, std::size_t size) = 0;
  /// Fills one Value for each of the chosen columns; false if the bytes are no record.
  virtual bool read_record(const std::byte* record, std::size_t size, std::span<const std::size_t> chosen,
                           std::span<Value> values) = 0;

  ToolInfo info_;
  CommonOptions defaults_;
  const CommonOptions* common_ = &defaults_;
  std::vector<std::size_t> chosen_;
  SystemClock clock_;
  WallTime wall_time_{clock_};
  kernel::Users users_;
  kernel::Cgroups cgroups_;
};

/// A tool that shows events one by one. E is the record as the BPF programs write it, S the generated skeleton.
/// A tool adds its columns in the constructor, declares options(), and says how to configure() and attach (probes()).
template <class E, class S>
class Stream : public StreamBase {
 public:
  using StreamBase::StreamBase;

  [[nodiscard]] std::vector<const ColumnInfo*> columns() const final {
    std::vector<const ColumnInfo*> all;
    for (const auto& column : columns_) all.push_back(&column);
    return all;
  }
  [[nodiscard]] std::vector<Backend> backends() const final {
    S nothing{};
    std::vector<Backend> all;
    for (const auto& rung : const_cast<Stream*>(this)->probes(nothing).rungs)
      all.push_back({rung.name, rung.on_request});
    return all;
  }

 protected:
  using Get = std::function<Value(const E&)>;

  void add(ColumnInfo column, Get get) { columns_.push_back({std::move(column), std::move(get)}); }

  /// For an option that shows other columns where nothing is said: `wanted` in place of `unwanted`.
  void show_instead(std::string_view unwanted, const std::vector<std::string_view>& wanted) {
    for (auto& column : columns_) {
      if (column.key == unwanted) column.standard = false;
      if (std::find(wanted.begin(), wanted.end(), column.key) != wanted.end()) column.standard = true;
    }
  }

  /// The columns that most tools have, from members of the record.
  void add_time(__u64(E::*time), std::string help) {
    add({"time", Value::Kind::time, 15, std::move(help)},
        [this, time](const E& e) { return Value::time(wall_time()(e.*time)); });
  }
  void add_id(std::string key, __u32(E::*id), std::string help, bool standard = false) {
    add({std::move(key), Value::Kind::natural, 7, std::move(help), standard},
        [id](const E& e) { return e.*id ? Value::natural(e.*id) : Value(); });
  }
  void add_user(__u32(E::*uid)) {
    add({"uid", Value::Kind::natural, 5, "real user, by number", false},
        [uid](const E& e) { return Value::natural(e.*uid); });
    add({"user", Value::Kind::text, 10, "real user, by name in /etc/passwd", false}, [this, uid](const E& e) {
      const auto name = users().name(e.*uid);
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
        [this, cgroup](const E& e) { return e.*cgroup ? Value::text(cgroups().path(e.*cgroup)) : Value(); });
  }

  /// A Value of text that is made for the row: it lives until the row is shown.
  Value made_text(std::string text, bool cut = false) {
    made_.push_back(std::move(text));
    return Value::text(made_.back(), cut);
  }

  /// A path from names that a program put out leaf first (bpf/lib/path.bpf.h). `cut`: there were more above.
  Value made_path(std::string path, bool cut) {
    if (!cut) return made_text(std::move(path));
    made_.push_back(std::move(path));
    return Value::text_end(made_.back());
  }

  /// Bytes behind the fixed part of a record.
  virtual std::size_t tail_size(const E&) const { return 0; }
  /// For a tool whose records can be longer than one may be: see keep_part() above.
  virtual bool keep(const E& /*part*/) { return false; }
  [[nodiscard]] static const char* tail(const E& record) { return reinterpret_cast<const char*>(&record + 1); }

  /// Fills the tool's own rodata.
  virtual void configure(S& skeleton) = 0;
  /// The ways to the events. Also called, for their names, with a skeleton whose programs are null.
  virtual kernel::Ladder probes(S& skeleton) = 0;

 private:
  kernel::Object::Open opener() const final { return &kernel::open_skeleton<S>; }
  void configure_skeleton(void* skeleton) final { configure(*static_cast<S*>(skeleton)); }
  kernel::Ladder ladder(void* skeleton) final { return probes(*static_cast<S*>(skeleton)); }

  LibraryParts parts(void* skeleton) final {
    auto& s = *static_cast<S*>(skeleton);
    LibraryParts parts;
    parts.filter = &s.rodata->filter;
    parts.lib = &s.rodata->lib;
    parts.run = &s.bss->run;
    parts.events = s.maps.events;
    parts.filter_ids = s.maps.filter_ids;
    parts.followed = s.maps.followed;
    parts.follow_fork = s.progs.follow_fork;
    if constexpr (requires { s.progs.follow_exit; }) parts.follow_exit = s.progs.follow_exit;
    parts.follow_seed = s.progs.follow_seed;
    parts.follow_added = reinterpret_cast<const std::uint64_t*>(&s.bss->follow_added);
    if constexpr (requires { s.maps.calls; }) {
      parts.calls = s.maps.calls;
      parts.calls_by_tid = s.maps.calls_by_tid;
      parts.calls_exit = s.progs.calls_exit;
    }
    if constexpr (requires { s.progs.exec32; }) parts.exec32 = s.progs.exec32;
    return parts;
  }

  [[nodiscard]] bool is_whole(const std::byte* record, std::size_t size) const {
    return size >= sizeof(E) && size - sizeof(E) >= tail_size(*reinterpret_cast<const E*>(record));
  }
  bool keep_part(const std::byte* record, std::size_t size) final {
    return is_whole(record, size) && keep(*reinterpret_cast<const E*>(record));
  }
  bool read_record(const std::byte* record, std::size_t size, std::span<const std::size_t> chosen,
                   std::span<Value> values) final {
    if (!is_whole(record, size)) return false;
    const auto& event = *reinterpret_cast<const E*>(record);
    if (!made_.empty()) made_.clear();
    for (std::size_t i = 0; i < chosen.size(); ++i) values[i] = columns_[chosen[i]].get(event);
    return true;
  }

  std::vector<Column<E>> columns_;
  std::deque<std::string> made_;
};

}  // namespace sonde
