// SPDX-License-Identifier: GPL-2.0-or-later
#include "opensnoop.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "app/filter.h"
#include "app/stream.h"
#include "core/error.h"
#include "core/names.h"
#include "opensnoop.skel.h"

namespace sonde {
namespace {

using Event = opensnoop_event;
using Skeleton = opensnoop_bpf;
using kernel::Hook;

class Opensnoop final : public Stream<Event, Skeleton> {
 public:
  Opensnoop()
      : Stream({"opensnoop",
                "Files",
                "every open of a file, with its result",
                "Shows each open, openat, openat2 and creat as it ends, successful or not, each exactly once.",
                {{"sonde opensnoop -x", "opens that failed, with the error"},
                 {"sonde opensnoop -p 1234 -C +latency", "those of one process, with how long they took"},
                 {"sonde opensnoop --writes --path '/etc/*'", "who opens files of /etc for writing"},
                 {"sonde opensnoop -f json -- make", "all that a build opens, for a program to read"}}}) {
    add_time(&Event::time, "when the call ended");
    add_id("pid", &Event::pid, "process", true);
    add_id("tid", &Event::tid, "thread");
    add_id("ppid", &Event::ppid, "parent process");
    add_user(&Event::uid);
    add_comm(&Event::comm);
    add({"fd", Value::Kind::integer, 4, "the new descriptor"},
        [](const Event& e) { return e.result >= 0 ? Value::integer(e.result) : Value(); });
    add({"errno", Value::Kind::symbol, 7, "why it failed"},
        [](const Event& e) { return e.result < 0 ? Value::symbol(errno_name(-e.result), -e.result) : Value(); });
    add({"latency_ns", Value::Kind::duration, 7, "how long the call took", false},
        [](const Event& e) { return e.latency ? Value::duration(e.latency) : Value(); });
    add({"flags", Value::Kind::symbol, 20, "how it was to be opened, as the kernel took it"}, [this](const Event& e) {
      if (e.bits & OPEN_FLAGS_UNREAD) return Value();
      return Value::symbol(flag_names_(e.flags), static_cast<std::int64_t>(e.flags));
    });
    add({"mode", Value::Kind::text, 5, "permissions of a file that would be created, in octal", false},
        [this](const Event& e) { return mode(e); });
    add_cgroup(&Event::cgroup);
    add({"dirfd", Value::Kind::symbol, 8, "directory that a relative path starts from", false}, [](const Event& e) {
      constexpr int at_fdcwd = -100;
      return e.dirfd == at_fdcwd ? Value::symbol("AT_FDCWD", e.dirfd) : Value::symbol({}, e.dirfd);
    });
    add({"cwd", Value::Kind::text, 30, "working directory of the process", false},
        [this](const Event& e) { return cwd(e); });
    add({"path", Value::Kind::text, 40, "the argument as the program gave it"}, [](const Event& e) {
      return e.bits & OPEN_PATH_UNREAD ? Value() : Value::text({tail(e), e.path_len}, e.bits & OPEN_PATH_CUT);
    });
  }

  void options(Options& options) override {
    options.flag("-x, --failed", "only opens that failed", failed_);
    options.value("--errno", "LIST", "only these errors, as ENOENT,EACCES", [this](std::string_view text) {
      errnos_ = parse_list(text);
      for (const auto& name : errnos_.items)
        if (!errno_number(name))
          throw Error(Exit::usage, "There is no error '" + name + "'.", "Names are as in errno(3).");
    });
    options.value("--path", "GLOB", "only paths that match, as given by the program",
                  [this](std::string_view text) { path_ = parse_glob(text, path_negated_); });
    options.flag("--writes", "only opens that could change something", writes_);
    options.flag("--compat", "also calls of 32-bit tasks, where the backend does not see them by itself", compat_);
  }

 private:
  std::size_t tail_size(const Event& e) const override { return std::size_t{e.path_len} + e.cwd_len; }

  void configure(Skeleton& skeleton) override {
    auto& conf = skeleton.rodata->conf;
    conf.failed = failed_;
    conf.writes = writes_;
    conf.errnos = !errnos_.items.empty();
    conf.errnos_negated = errnos_.negated;
    for (const auto& name : errnos_.items) {
      const auto number = static_cast<unsigned>(*errno_number(name));
      conf.errno_set[number / 64] |= 1ULL << (number % 64);
    }
    if (path_) conf.path = to_conf(*path_);
    conf.path_negated = path_negated_;
    if (shown("latency_ns")) conf.wants |= OPEN_WANT_LATENCY;
    if (shown("cgroup")) conf.wants |= OPEN_WANT_CGROUP;
    if (shown("cwd")) conf.wants |= OPEN_WANT_CWD;
    if (shown("ppid")) conf.wants |= OPEN_WANT_PPID;
  }

  kernel::Ladder probes(Skeleton& s) override {
    const bool timed = shown("latency_ns");
    kernel::Rung fexit{"fexit", {{s.progs.open_fexit}}};
    fexit.notes = {
        "Calls that a seccomp policy refuses and openat2 calls with a malformed struct end before "
        "do_sys_openat2 and are not seen by this backend."};
    kernel::Rung tracepoint{"tracepoint", {}};
    for (const char* call : {"openat", "open", "openat2", "creat"}) {
      const bool optional = std::string_view(call) != "openat";  // arm64 has openat alone
      tracepoint.attachments.push_back(
          {s.progs.open_exit, Hook::tracepoint, std::string("syscalls/sys_exit_") + call, optional});
      if (timed)
        tracepoint.attachments.push_back(
            {s.progs.open_enter, Hook::tracepoint, std::string("syscalls/sys_enter_") + call, optional});
    }
    tracepoint.blind_to_compat = !compat_;
    if (!compat_) tracepoint.scope = "64-bit calls";
    if (compat_) tracepoint.attachments.push_back({s.progs.open_compat_exit});
    kernel::Rung tp_btf{"tp_btf", {{s.progs.open_sys_exit}}};
    if (timed) {
      fexit.attachments.push_back({s.progs.open_fentry});
      if (compat_) tracepoint.attachments.push_back({s.progs.open_compat_enter});
      tp_btf.attachments.push_back({s.progs.open_sys_enter});
    }
    kernel::Rung kprobe{"kprobe",
                        {{s.progs.open_kretprobe, Hook::kretprobe, "do_sys_openat2"},
                         {s.progs.open_kprobe, Hook::kprobe, "do_sys_openat2"}}};
    kprobe.on_request = kprobe.remembers_calls = true;
    kprobe.scope = fexit.scope;
    kprobe.notes = fexit.notes;
    fexit.remembers_calls = tracepoint.remembers_calls = tp_btf.remembers_calls = timed;
    for (auto* rung : {&fexit, &tracepoint, &tp_btf, &kprobe}) rung->attachments.push_back({s.progs.open_interrupted});
    return {"opens", {fexit, tracepoint, tp_btf, kprobe}};
  }

  Value mode(const Event& e) {
    constexpr std::uint64_t creates = 0x40 | 0x400000;  // O_CREAT, __O_TMPFILE
    if (!(e.flags & creates) || e.bits & OPEN_FLAGS_UNREAD) return {};
    const auto end = std::snprintf(mode_.data(), mode_.size(), "%04o", e.mode);
    return Value::text({mode_.data(), static_cast<std::size_t>(end)});
  }

  // The names come leaf first, each with its NUL.
  Value cwd(const Event& e) {
    cwd_.clear();
    std::string_view names(tail(e) + e.path_len, e.cwd_len);
    while (!names.empty()) {
      names.remove_suffix(1);
      const auto begin = names.rfind('\0') + 1;
      cwd_.append(1, '/').append(names.substr(begin));
      names = names.substr(0, begin);
    }
    if (cwd_.empty()) cwd_ = "/";
    return Value::text(cwd_, e.bits & OPEN_CWD_CUT);
  }

  bool failed_ = false, writes_ = false, compat_ = false, path_negated_ = false;
  ItemList errnos_;
  std::optional<Glob> path_;
  OpenFlagNames flag_names_;
  std::array<char, 8> mode_{};
  std::string cwd_;
};

const Register<Opensnoop> registered("opensnoop");

}  // namespace
}  // namespace sonde
