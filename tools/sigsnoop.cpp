// SPDX-License-Identifier: GPL-2.0-or-later
#include "sigsnoop.h"

#include "app/filter.h"
#include "app/stream.h"
#include "core/signal_names.h"
#include "core/syscall_names.h"
#include "core/text.h"
#include "sigsnoop.skel.h"

namespace sonde {
namespace {

using Event = sigsnoop_event;
using Skeleton = sigsnoop_bpf;

class Sigsnoop final : public Stream<Event, Skeleton> {
 public:
  Sigsnoop()
      : Stream({"sigsnoop",
                "Processes",
                "every signal: who sent it to whom, and what became of it",
                "Shows each signal as it is sent, by a process or by the kernel itself; with -x the calls that failed.",
                {{"sonde sigsnoop --signal ^CHLD", "all but what parents are told of their children"},
                 {"sonde sigsnoop -p 1234 --signal KILL,TERM", "who ends this process, or whom it ends"},
                 {"sonde sigsnoop -x", "calls that sent nothing, with the error"},
                 {"sonde sigsnoop -f json -- make", "all signals of a build, for a program to read"}}}) {
    add_time(&Event::time, "when it was sent");
    add_id("pid", &Event::pid, "process that sent it; - for a timer or a file that is ready", true);
    add_id("tid", &Event::tid, "thread that sent it");
    add_user(&Event::uid);
    add({"comm", Value::Kind::text, COMM_LEN - 1, "name of the thread that sent it"},
        [](const Event& e) { return e.bits & SIGSNOOP_NO_SENDER ? Value() : name(e.comm); });
    add_cgroup(&Event::cgroup);
    add({"signal", Value::Kind::symbol, 9, "the signal"},
        [](const Event& e) { return Value::symbol(signal_name(e.signal), e.signal); });
    add_id("target", &Event::target, "process that it is for", true);
    add_id("target_tid", &Event::target_tid, "thread that it is for; - if any thread of the process may take it");
    add_of_sent({"target_comm", Value::Kind::text, COMM_LEN - 1, "name of whom it is for"},
                [](const Event& e) { return name(e.target_comm); });
    add({"to", Value::Kind::integer, 7, "of a failed call: its first argument, as the program gave it", false},
        [](const Event& e) { return is_failed(e) ? Value::integer(e.to) : Value(); });
    add({"from", Value::Kind::text, 12, "system call that it comes from, or kernel"}, from);
    add_of_sent({"code", Value::Kind::symbol, 11, "why, as the receiver finds it in si_code", false},
                [](const Event& e) { return Value::symbol(signal_code_name(e.signal, e.code), e.code); });
    const auto hex = [this](const Event& e) { return made_text(hexadecimal(e.value)); };
    add_payload({"value", Value::Kind::integer, 6, "what sigqueue or a timer sends along, as an integer", false},
                SignalPayload::value, [](const Event& e) { return Value::integer(static_cast<int>(e.value)); });
    add_payload({"pointer", Value::Kind::text, 14, "the same as a pointer", false}, SignalPayload::value, hex);
    add_payload({"address", Value::Kind::text, 14, "of a fault: where", false}, SignalPayload::address, hex);
    add_payload({"status", Value::Kind::integer, 6, "of a child, with SIGCHLD: its exit code, or the signal", false},
                SignalPayload::status, [](const Event& e) { return Value::integer(e.status); });
    add_of_sent(
        {"result", Value::Kind::symbol, 8,
         "sent; ignored by the target; pending already; overflow: not sent; no_info: sent without code and value", true,
         true},
        fate);
    add({"errno", Value::Kind::symbol, 7, "why the call failed", false}, error);
  }

  void options(Options& options) override {
    result_.declare(options, "calls");
    options.value("--signal", "LIST", "only these, as KILL,SIGRTMIN+1,17 (^ negates)", [this](std::string_view text) {
      signals_ = parse_list(text);
      for (const auto& word : signals_.items)
        if (!signal_number(word))
          throw Error(Exit::usage, "There is no signal '" + escaped(word) + "'.", "kill -l lists them.");
    });
  }

  void settle(const CommonOptions&) override {
    if (!result_.used()) return;
    for (const char* key : {"target", "target_comm", "code", "result"}) show(key, false);
    for (const char* key : {"to", "errno"}) show(key);
  }

 private:
  static Value name(const char (&comm)[COMM_LEN]) { return Value::text({comm, strnlen(comm, COMM_LEN)}); }
  static bool is_failed(const Event& e) { return e.bits & SIGSNOOP_FAILED; }
  void add_of_sent(ColumnInfo column, Get get) {
    add(std::move(column), [get = std::move(get)](const Event& e) { return is_failed(e) ? Value() : get(e); });
  }
  void add_payload(ColumnInfo column, SignalPayload payload, Get get) {
    add_of_sent(std::move(column), [payload, get = std::move(get)](const Event& e) {
      return signal_payload(static_cast<int>(e.signal), e.code) == payload ? get(e) : Value();
    });
  }

  static Value from(const Event& e) {
    if (!(e.bits & SIGSNOOP_BY_CALL)) return Value::text("kernel");
    const auto call = syscall_name(e.bits & SIGSNOOP_COMPAT ? compat_calls : native_calls, e.call);
    return call.empty() ? Value() : Value::text(call);
  }

  static Value fate(const Event& e) {
    static constexpr std::string_view names[] = {"sent", "ignored", "pending", "overflow", "no_info"};
    const auto number = static_cast<std::size_t>(e.result);
    return Value::symbol(number < std::size(names) ? names[number] : "", e.result);
  }

  static Value error(const Event& e) {
    constexpr int eagain = 11;
    const int number = is_failed(e) ? -e.result : e.result == SIGSNOOP_OVERFLOW ? eagain : 0;
    return number ? Value::symbol(errno_name(number), number) : Value();
  }

  void configure(Skeleton& skeleton) override {
    auto& conf = skeleton.rodata->conf;
    result_.fill(conf.result);
    conf.wants = wanted({{"cgroup", SIGSNOOP_WANT_CGROUP}});
    conf.some = signals_.items.empty() ? 0 : 1;
    conf.signals_negated = signals_.negated;
    for (const auto& word : signals_.items) {
      const auto number = static_cast<unsigned>(*signal_number(word));
      conf.signals[number / 64] |= 1ULL << (number % 64);
    }
  }

  kernel::Ladder probes(Skeleton& s) override {
    if (!result_.used()) return {"signals", {{"tp_btf", {s.progs.signal_generated}}}};
    kernel::Rung fexit{"fexit", {}}, tracepoint{"tracepoint", {}};
    fexit.attach({s.progs.kill_fexit, s.progs.tkill_fexit, s.progs.tgkill_fexit, s.progs.sigqueue_fexit,
                  s.progs.tgsigqueue_fexit, s.progs.pidfd_fexit, s.progs.sigqueue32_fexit, s.progs.tgsigqueue32_fexit});
#if defined(__x86_64__)  // elsewhere 32-bit calls come by the same functions
    fexit.attach({s.progs.kill32_fexit, s.progs.tkill32_fexit, s.progs.tgkill32_fexit, s.progs.pidfd32_fexit});
#endif
    tracepoint.attach_calls(s.progs.send_exit, "exit",
                            {"kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal"});
    tracepoint.blind_to_compat = !common().compat;
    if (common().compat) tracepoint.attach(s.progs.send_compat_exit);
    return {"failed sends", {fexit, tracepoint, {"raw_tp", {s.progs.send_sys_exit}}}};
  }

  ResultFilter result_;
  ItemList signals_;
};

const Register<Sigsnoop> registered("sigsnoop");

}  // namespace
}  // namespace sonde
