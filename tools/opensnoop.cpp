// SPDX-License-Identifier: GPL-2.0-or-later
#include "opensnoop.h"

#include "app/filter.h"
#include "app/stream.h"
#include "opensnoop.skel.h"

namespace sonde {
namespace {

using Event = opensnoop_event;
using Skeleton = opensnoop_bpf;
using namespace std::string_view_literals;

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
    add({"via", Value::Kind::text, 8, "system call or io_uring: who carried it out", false},
        [](const Event& e) { return Value::text(e.bits & OPEN_BY_URING ? "io_uring" : "call"); });
    add({"fd", Value::Kind::integer, 4, "the new descriptor; - if it failed"},
        [](const Event& e) { return e.result >= 0 && !(e.bits & OPEN_FIXED) ? Value::integer(e.result) : Value(); });
    add_errno(&Event::result);
    add_latency(&Event::latency);
    add({"flags", Value::Kind::symbol, 24, "how it was to be opened, as the kernel took it"}, [this](const Event& e) {
      return e.bits & OPEN_FLAGS_UNREAD ? Value() : Value::symbol(flag_names_(e.flags), static_cast<int64_t>(e.flags));
    });
    add({"mode", Value::Kind::text, 5, "permissions of a file that would be created, in octal", false},
        [this](const Event& e) { return e.bits & OPEN_CREATES ? made_text(octal_mode(e.mode)) : Value(); });
    add_cgroup(&Event::cgroup);
    add({"dirfd", Value::Kind::symbol, 8, "directory that a relative path starts from", false}, [](const Event& e) {
      constexpr int at_fdcwd = -100;
      return Value::symbol(e.dirfd == at_fdcwd ? "AT_FDCWD" : std::string_view(), e.dirfd);
    });
    add_cwd([](const Event& e) { return std::string_view(tail(e) + e.path_len, e.cwd_len); }, OPEN_CWD_CUT);
    add({"path_from", Value::Kind::text, 9,
         "what full_path is: resolved by the kernel; joined from directory and "
         "argument, as nothing was opened; detached, outside the caller's file tree",
         false},
        [](const Event& e) { return e.bits & OPEN_FULL_UNKNOWN ? Value() : Value::text(full_path_kind(e)); });
    add({"full_path", Value::Kind::text, 50, "the absolute path, see path_from", false},
        [this](const Event& e) { return full_path(e); });
    add({"path", Value::Kind::text, 40, "the argument as the program gave it"}, [](const Event& e) {
      return e.bits & OPEN_PATH_UNREAD ? Value() : Value::text({tail(e), e.path_len}, e.bits & OPEN_PATH_CUT);
    });
  }

  void options(Options& options) override {
    result_.declare(options, "opens");
    options.value("--path", "GLOB", "only paths that match, as given by the program (^ negates)",
                  [this](std::string_view text) { path_ = GlobChoice::parse(text); });
    options.flag("--full-path", "the absolute path as the kernel resolved it (about 5 us an open)", [this] {
      show("path", false);
      show("path_from");
      show("full_path");
    });
    options.flag("--io-uring", "also opens by io_uring, where fentry works; costs these only", [this] {
      io_uring_ = true;
      show("via");
    });
    options.flag("--writes", "only opens for writing, creating or truncating", writes_);
  }

 private:
  std::size_t tail_size(const Event& e) const override { return std::size_t{e.path_len} + e.cwd_len + e.full_len; }

  static std::string_view full_path_kind(const Event& e) {
    if (e.bits & OPEN_DETACHED) return "detached";
    return e.bits & OPEN_RESOLVED ? "resolved" : "joined";
  }

  Value full_path(const Event& e) {
    const std::string_view names(tail(e) + e.path_len + e.cwd_len, e.full_len);
    const bool cut = e.bits & OPEN_FULL_CUT, nameless = e.bits & OPEN_DETACHED && names.empty();  // a pipe
    if (e.bits & OPEN_FULL_UNKNOWN || nameless) return {};
    if (e.bits & OPEN_RESOLVED) return made_path(names, cut, e.bits & OPEN_DELETED);
    // A failed open resolved nothing but where it started from.
    return made_path(joined_path(path_from_names(names), {tail(e), e.path_len}), cut);
  }

  void configure(Skeleton& skeleton) override {
    auto& conf = skeleton.rodata->conf;
    result_.fill(conf.result);
    skeleton.rodata->tail_glob = to_conf(path_);
    conf.writes = writes_;
    conf.wants = wanted({{"cgroup", OPEN_WANT_CGROUP},
                         {"cwd", OPEN_WANT_CWD},
                         {"path_from", OPEN_WANT_FULL},
                         {"full_path", OPEN_WANT_FULL},
                         {"ppid", OPEN_WANT_PPID}});
    skeleton.rodata->walks_paths = conf.wants & (OPEN_WANT_CWD | OPEN_WANT_FULL);
    if (!io_uring_) kernel::resize_map(skeleton.maps.scratch, SCRATCH_URING);
    if (common().max_entries) kernel::resize_map(skeleton.maps.uring_opens, common().max_entries);
  }

  kernel::Ladder probes(Skeleton& s) override {
    const bool timed = shown("latency_ns"), compat = common().compat;
    const std::vector others = {"open"sv, "openat2"sv, "creat"sv};  // arm64 has none, or not all
    kernel::Rung fexit{"fexit", {s.progs.open_fexit}};
    kernel::Rung tracepoint{"tracepoint", {}};
    kernel::Rung tp_btf{"tp_btf", {s.progs.open_sys_exit}};
    kernel::Rung kprobe{"kprobe",
                        {kernel::kretprobe(s.progs.open_kretprobe, "do_sys_openat2"),
                         kernel::kprobe(s.progs.open_kprobe, "do_sys_openat2")}};
    tracepoint.attach_calls(s.progs.open_exit, "exit", {"openat"});
    tracepoint.attach_calls(s.progs.open_exit, "exit", others, true);
    if (compat) tracepoint.attach(s.progs.open_compat_exit);
    if (timed) {
      fexit.attach(s.progs.open_fentry);
      tp_btf.attach(s.progs.open_sys_enter);
      tracepoint.attach_calls(s.progs.open_enter, "enter", {"openat"});
      tracepoint.attach_calls(s.progs.open_enter, "enter", others, true);
      if (compat) tracepoint.attach(s.progs.open_compat_enter);
    }
    for (auto* rung : {&fexit, &tracepoint, &tp_btf, &kprobe}) {
      rung->attach(s.progs.open_interrupted);
      rung->remembers_calls = timed || rung == &kprobe;
    }
    for (auto* rung : {&fexit, &kprobe})
      rung->sees_only("not those refused at once",
                      "Opens refused by a seccomp policy and openat2 calls with a malformed "
                      "struct end before do_sys_openat2, where this backend looks.");
    tracepoint.blind_to_compat = !compat;
    kprobe.on_request = kprobe.may_miss_returns = true;
    return {"opens", {fexit, tracepoint, tp_btf, kprobe}, by_io_uring(s)};
  }

  kernel::Addition by_io_uring(Skeleton& s) const {
    kernel::Addition addition{"opens by io_uring", "fexit", {}, {s.maps.uring_opens, s.maps.uring_begun}, io_uring_};
    for (auto* program : {s.progs.uring_open_begins, s.progs.uring_open_ends}) addition.attachments.push_back(program);
    // Since 5.19 a request keeps its result: no need to look at all that io_uring completes.
    if (io_uring_ && !kernel::has_struct("io_cqe")) addition.attachments.push_back(s.progs.uring_completes);
    return addition;
  }

  ResultFilter result_;
  std::optional<GlobChoice> path_;
  bool writes_ = false, io_uring_ = false;
  OpenFlagNames flag_names_;
};

const Register<Opensnoop> registered("opensnoop");

}  // namespace
}  // namespace sonde
