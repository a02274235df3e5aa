// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <charconv>
#include <memory>
#include <string>
#include <utility>

#include "app/files.h"
#include "app/stream.h"
#include "syslat_choice.h"
#include "syslat_events.skel.h"

namespace sonde::syslat {

using Event = syslat_event;

/// --slower.
class Events final : public Stream<Event, syslat_events_bpf> {
 public:
  Events() : Stream(about()) {
    add_time(&Event::time, "when the call ended");
    add_id("pid", &Event::pid, "process", true);
    add_id("tid", &Event::tid, "thread");
    add_user(&Event::uid);
    add_comm(&Event::comm);
    add({"syscall", Value::Kind::symbol, 16, "the call"}, [this](const Event& e) { return names_.name(e.call); });
    add({"abi", Value::Kind::text, 6, "whose number it is: native or 32-bit", false},
        [](const Event& e) { return SyscallValues::abi(e.call); });
    add({"fd", Value::Kind::integer, 4, "its descriptor", true, 1},
        [](const Event& e) { return e.bits & SYSLAT_HAS_FD ? Value::integer(e.fd) : Value(); });
    add({"kind", Value::Kind::text, 10, "what that stands for: regular, pipe, socket, tty and so on", false},
        [this](const Event& e) { return e.kind ? made_text(file_kind_name(e.kind)) : Value(); });
    add({"args", Value::Kind::text, 40, "the first four arguments, as far as it has so many", false},
        [this](const Event& e) { return made_text(arguments(e)); });
    add({"result", Value::Kind::symbol, 8, "what it returned, or the error; running: it has not ended"},
        [](const Event& e) {
          if (e.bits & SYSLAT_RUNNING) return Value::text("running");
          return Value::symbol(e.error ? errno_name(-e.error) : std::string_view(), e.result);
        });
    add_errno(&Event::error);
    show("errno", false);
    add_latency(&Event::latency);
    show("latency_ns");
    add_cgroup(&Event::cgroup);
    add({"file", Value::Kind::text, 30, "the file of its descriptor; - if that was closed meanwhile"},
        [this](const Event& e) {
          if (!(e.bits & SYSLAT_FILE_KNOWN)) return Value();
          auto name = file_name(e.kind, e.inode, {tail(e), e.path_len}, e.path_bits);
          return made_path(std::move(name.text), name.begins_later);
        });
  }

  void options(Options&) override {}
  void settle(const CommonOptions& options) override { choice->check(options); }

  std::shared_ptr<Choice> choice;

 private:
  std::size_t tail_size(const Event& e) const override { return e.path_len; }

  static std::string arguments(const Event& e) {
    std::string text;
    for (const auto argument : e.args) {
      std::array<char, 16> digits{};
      const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), argument, 16).ptr;
      text.append(text.empty() ? "0x" : " 0x").append(digits.data(), end);
    }
    return text;
  }

  void configure(syslat_events_bpf& skeleton) override {
    auto& conf = skeleton.rodata->conf;
    choice->fill(conf);
    conf.slower = choice->slower;
    conf.notes = SYSLAT_NOTE_FILE;
    skeleton.rodata->walks_paths = 1;
  }

  kernel::Ladder probes(syslat_events_bpf& skeleton) override { return choice->ladder(skeleton, common().compat); }

  SyscallValues names_;
};

}  // namespace sonde::syslat
