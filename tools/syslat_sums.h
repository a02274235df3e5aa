// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "app/files.h"
#include "app/snapshot.h"
#include "syslat.skel.h"
#include "syslat_choice.h"

namespace sonde::syslat {

using Counts = syslat_value;

/// What syslat shows where nothing is said.
class Sums final : public Snapshot<count_key, Counts, syslat_bpf> {
 public:
  Sums() : Snapshot(about()) {
    group_by("calls", {{"syscall", {COUNT_OF_ALL, SYSLAT_CALL}, {"syscall", "abi"}},
                       {"process", {COUNT_OF_PROCESS, SYSLAT_CALL}, {"syscall", "abi", "pid", "comm"}},
                       {"thread", {COUNT_OF_THREAD, SYSLAT_CALL}, {"syscall", "abi", "tid", "comm"}},
                       {"fd-kind", {COUNT_OF_ALL, SYSLAT_KIND}, {"syscall", "abi", "kind"}},
                       {"file", {COUNT_OF_ALL, SYSLAT_FILE}, {"syscall", "abi", "file"}}});
    add_key({"syscall", Value::Kind::symbol, 16, "the call"},
            [this](const Sum& s) { return names_.name(call(s.key)); });
    add_key({"abi", Value::Kind::text, 6, "whose number it is: native or 32-bit", true, 1},
            [this](const Sum& s) { return SyscallValues::abi(call(s.key)); });
    add_task_keys(&Counts::name, "name of the thread that called last");
    add_key({"kind", Value::Kind::text, 10, "what its descriptor stands for: regular, pipe, socket, tty and so on"},
            [this](const Sum& s) { return made(file_kind_name(s.key.who)); });
    add({"count", Value::Kind::natural, 8, "calls that ended"},
        [](const Sum& s) { return Value::natural(s.value.times.number); });
    add({"failed", Value::Kind::natural, 8, "those that failed", false},
        [](const Sum& s) { return Value::natural(s.value.failed); });
    add({"running", Value::Kind::natural, 7, "calls that have not ended", true, 3},
        [](const Sum& s) { return Value::natural(s.value.running.number); });
    add({"so_far_ns", Value::Kind::duration, 7, "how long the first of these has been running", true, 2},
        [](const Sum& s) { return s.value.running.number ? Value::duration(s.value.running.longest) : Value(); });
    add_latencies(&Counts::times, "calls that ended");
    add_sizes(&Counts::sizes);
    add_key({"file", Value::Kind::text, 30, "the file of its descriptor"},
            [this](const Sum& s) { return file(s.key); });
    show({"total_ns", "avg_ns", "max_ns", "histogram_ns"});
  }

  void options(Options& options) override {
    declare_grouping(options);
    options.flag("--size", "also a histogram of the bytes that calls moved", [this] { show("histogram_bytes"); });
    declare_distribution(options, true);
  }

  void settle(const CommonOptions& options) override {
    choice->check(options);
    if (choice->all || choice->any(returns_size)) show("bytes");
  }

  std::shared_ptr<Choice> choice;

 private:
  [[nodiscard]] bool by_file() const { return by().what == SYSLAT_FILE; }
  [[nodiscard]] std::uint64_t call(const count_key& key) const {
    if (!by_file() || !key.who) return key.what;
    return (key.what & 0xffff) | (key.what & SYSLAT_PACKED_COMPAT ? COMPAT_CALL : 0);
  }

  Value made(std::string text) {
    made_ = std::move(text);
    return made_.empty() ? Value() : Value::text(made_);
  }

  Value file(const count_key& key) {
    const auto found = files_.find({key.who, key.what >> SYSLAT_PACKED_DEVICE});
    if (found != files_.end())
      return found->second.begins_later ? Value::text_end(found->second.text) : Value::text(found->second.text);
    return made(key.who ? "inode " + std::to_string(key.who) : "");
  }

  void take_beside(const count_key& key, const std::byte* beside) override {
    const auto& path = *reinterpret_cast<const file_path*>(beside);
    if (!key.who || !path.known) return;
    const auto [entry, fresh] = files_.try_emplace({key.who, key.what >> SYSLAT_PACKED_DEVICE});
    if (fresh) entry->second = file_name(path.kind, key.who, {path.names, path.length}, path.bits);
  }
  [[nodiscard]] bool uses_beside() const override { return by_file(); }

  [[nodiscard]] unsigned distributions() const override {
    return shown("histogram_bytes") ? 2 : Snapshot::distributions();
  }
  [[nodiscard]] std::string sorted_by() const override { return "total_ns"; }

  void merge(Counts& into, const Counts& from) const override {
    into.failed += from.failed;
    sonde::merge(into.times, from.times);
    sonde::merge(into.sizes, from.sizes);
    sonde::merge(into.name, from.name);
    if (from.running.interval > into.running.interval) {
      into.running = from.running;
    } else if (from.running.interval == into.running.interval) {
      into.running.number += from.running.number;
      into.running.longest = std::max(into.running.longest, from.running.longest);
    }
  }

  Counts difference(const Counts& now, const Counts& before) const override {
    const bool running = now.running.interval == interval() + 1;
    return {now.failed - before.failed,
            sonde::difference(now.times, before.times, interval()),
            sonde::difference(now.sizes, before.sizes, interval()),
            running ? now.running : syslat_running{},
            {}};
  }

  [[nodiscard]] bool empty(const Counts& counts) const override {
    return !counts.times.number && !counts.running.number;
  }

  void configure(syslat_bpf& skeleton) override {
    auto& conf = skeleton.rodata->conf;
    choice->fill(conf);
    conf.by = by();
    conf.sizes = any_shown({"bytes", "avg_bytes", "min_bytes", "max_bytes", "histogram_bytes"});
    if (by().what == SYSLAT_KIND) conf.notes = SYSLAT_NOTE_KIND;
    if (by_file()) conf.notes = SYSLAT_NOTE_INODE;
    skeleton.rodata->walks_paths = by_file();
  }

  kernel::Ladder probes(syslat_bpf& skeleton) override { return choice->ladder(skeleton, common().compat); }

  SyscallValues names_;
  std::string made_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, FileName> files_;
};

}  // namespace sonde::syslat
