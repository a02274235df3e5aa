// SPDX-License-Identifier: GPL-2.0-or-later
#include "execsnoop.h"

#include "app/filter.h"
#include "app/stream.h"
#include "core/argv.h"
#include "execsnoop.skel.h"

namespace sonde {
namespace {

using Event = execsnoop_event;
using Skeleton = execsnoop_bpf;

class Execsnoop final : public Stream<Event, Skeleton> {
 public:
  Execsnoop()
      : Stream({"execsnoop",
                "Processes",
                "every program that is started, with its arguments",
                "Shows each execve and execveat, successful or not, each exactly once, with all of its arguments.",
                {{"sonde execsnoop --succeeded", "programs that were started; nothing else is looked at"},
                 {"sonde execsnoop -x", "execs that failed, with the error"},
                 {"sonde execsnoop -u www-data -C +exe,+cwd", "those of a user, with the file that runs, and where"},
                 {"sonde execsnoop -f json -- make", "all that a build starts, for a program to read"}}}) {
    add_time(&Event::time, "when the program was in place, or the call failed");
    add_id("pid", &Event::pid, "process", true);
    add_id("tid", &Event::tid, "thread that called");
    add_id("ppid", &Event::ppid, "parent process", true);
    add_user(&Event::uid);
    add_name("parent", &Event::parent, "name of the parent process");
    add_name("comm", &Event::comm, "name of the thread, by now that of the new program", false);
    add_errno(&Event::result);
    add_cgroup(&Event::cgroup);
    add_cwd([](const Event& e) { return std::string_view(tail(e) + e.file_len + e.argv_len, e.cwd_len); },
            EXEC_CWD_CUT);
    add({"exe", Value::Kind::text, 30, "the file that runs now, as the kernel resolved it", false},
        [this](const Event& e) { return e.result < 0 ? Value() : executable(e); });
    add({"file", Value::Kind::text, 30, "the file as the program gave it", false}, [this](const Event& e) {
      return e.bits & EXEC_FILE_UNREAD ? Value() : made_text(file(e), e.bits & EXEC_FILE_CUT);
    });
    add({"argv", Value::Kind::list, 40, "arguments, the name of the program first", false}, [this](const Event& e) {
      split_argv(argv_bytes(e), argv_);
      return e.bits & EXEC_ARGV_UNREAD ? Value() : Value::list(argv_, e.bits & EXEC_ARGV_CUT);
    });
    add({"command", Value::Kind::list, 40, "the file and its arguments"},
        [this](const Event& e) { return command(e); });
  }

  void options(Options& options) override {
    result_.declare(options, "execs");
    options.flag("--succeeded", "only execs that succeeded: system calls are not looked at", succeeded_);
  }

  // A line to read has room for one of them; a program that reads wants them apart.
  void settle(const CommonOptions& options) override {
    if (succeeded_ && result_.used())
      throw Error(Exit::usage, "Execs that succeeded have no error.", "Leave out --succeeded, or -x and --errno.");
    const bool apart = options.json || options.schema;
    for (const char* key : {"file", "argv"}) show(key, apart);
    show("command", !apart);
  }

 private:
  // A program that starts has run nothing yet.
  bool has_user_stacks() const override { return false; }
  std::size_t tail_size(const Event& e) const override {
    return std::size_t{e.file_len} + e.argv_len + e.cwd_len + e.exe_len;
  }
  bool keep(const Event& e) override {
    if (e.bits & EXEC_PART) parts_.take(e.cpu, e.time, {tail(e), e.argv_len});
    return e.bits & EXEC_PART;
  }
  std::string_view argv_bytes(const Event& e) const {
    if (e.argv_ahead) return parts_.all(e.cpu, e.time);
    return {tail(e) + e.file_len, e.argv_len};
  }
  Value executable(const Event& e) {
    const char* names = tail(e) + e.file_len + e.argv_len + e.cwd_len;
    return made_path({names, e.exe_len}, e.bits & EXEC_EXE_CUT, e.bits & EXEC_EXE_DELETED);
  }

  // As the kernel names it once it is found.
  static std::string file(const Event& e) {
    constexpr int at_fdcwd = -100;
    const std::string path(tail(e), e.file_len);
    if (!(e.bits & EXEC_FROM_FD) || e.dirfd == at_fdcwd || path.starts_with('/')) return path;
    return "/dev/fd/" + std::to_string(e.dirfd) + (path.empty() ? "" : "/") + path;
  }

  // The kernel puts an interpreter's name in front, where there is one, and the file behind it.
  Value command(const Event& e) {
    split_argv(argv_bytes(e), command_);
    if (!(e.bits & (EXEC_REWRITTEN | EXEC_FILE_UNREAD))) {
      if (command_.empty()) command_.emplace_back();
      command_.front() = made_text(file(e)).as_text();
    }
    return Value::list(command_, e.bits & (EXEC_ARGV_CUT | EXEC_FILE_CUT));
  }

  void configure(Skeleton& skeleton) override {
    auto& conf = skeleton.rodata->conf;
    result_.fill(conf.result);
    conf.wants = wanted({{"cgroup", EXEC_WANT_CGROUP}, {"cwd", EXEC_WANT_CWD}, {"exe", EXEC_WANT_EXE}});
    skeleton.rodata->walks_paths = conf.wants & (EXEC_WANT_CWD | EXEC_WANT_EXE);
  }

  kernel::Ladder probes(Skeleton& s) override {
    const auto done = s.progs.exec_done;
    const auto interrupted = s.progs.exec_interrupted;
    if (succeeded_) return {"execs", {{"raw_tp", {done}}}};
    kernel::Rung fexit{"fexit", {done, interrupted}}, tracepoint{"tracepoint", {done, interrupted}};
    fexit.attach({s.progs.exec_fexit, s.progs.execat_fexit, s.progs.exec32_fexit, s.progs.execat32_fexit});
    tracepoint.attach_calls(s.progs.exec_exit, "exit", {"execve", "execveat"});
    tracepoint.blind_to_compat = !common().compat;
    if (common().compat)
      tracepoint.attach(s.progs.exec_compat_exit);
    else
      tracepoint.sees_only("not 32-bit calls that fail", "Failed execs of 32-bit tasks are added by --compat.");
    return {"execs", {fexit, tracepoint, {"raw_tp", {done, interrupted, s.progs.exec_sys_exit}}}};
  }

  ResultFilter result_;
  bool succeeded_ = false;
  Parts parts_;
  std::vector<std::string_view> argv_, command_;
};

const Register<Execsnoop> registered("execsnoop");

}  // namespace
}  // namespace sonde
