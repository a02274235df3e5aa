// SPDX-License-Identifier: GPL-2.0-or-later
#include "bashreadline.h"

#include "app/shells.h"
#include "app/stream.h"
#include "bashreadline.skel.h"

namespace sonde {
namespace {

using Event = bashreadline_event;
using Skeleton = bashreadline_bpf;

class Bashreadline final : public Stream<Event, Skeleton> {
 public:
  Bashreadline()
      : Stream({"bashreadline",
                "Processes",
                "every line that is typed into a bash",
                "Shows each line that an interactive bash reads, of all users, and in containers too.",
                {{"sonde bashreadline", "what is typed, by whom"},
                 {"sonde bashreadline -u alice -C +comm,+ppid", "lines of one user"},
                 {"sonde bashreadline --binary /opt/bash/bin/bash", "those of this bash only"},
                 {"sonde bashreadline -f json -o lines.json", "for a program to read"}}}) {
    add_time(&Event::time, "when the line was read");
    add_id("pid", &Event::pid, "the shell", true);
    add_id("tid", &Event::tid, "its thread");
    add_id("ppid", &Event::ppid, "parent process");
    add_user(&Event::uid);
    show("user");
    add_name("comm", &Event::comm, "name of the shell", false);
    add_cgroup(&Event::cgroup);
    add({"command", Value::Kind::text, 40, "the line, whole; - if it was not in memory"}, [](const Event& e) {
      if (e.bits & BASHREADLINE_UNREAD) return Value();
      return Value::text({tail(e), e.length}, e.bits & BASHREADLINE_CUT);
    });
  }

  void options(Options& options) override {
    options.text("--binary", "FILE", "only this bash, or the libreadline it uses; by path, or by name as PATH has it",
                 binary_);
  }

 private:
  std::size_t tail_size(const Event& e) const override { return e.length; }

  bool keep(const Event& e) override {
    if (!(e.bits & BASHREADLINE_STARTED)) return false;
    insert_late(shells_.started(e.pid, program_));
    return true;
  }
  void insert_late(const std::vector<kernel::Attachment>& more) { late_.insert(late_.end(), more.begin(), more.end()); }
  std::vector<kernel::Attachment> found_meanwhile() override {
    if (!std::exchange(looked_again_, true) && binary_.empty()) insert_late(shells_.look_again(program_));
    return std::exchange(late_, {});
  }
  Remarks remarks(const Skeleton&, const kernel::Rung&) const override { return shells_.remarks(); }

  void configure(Skeleton& skeleton) override {
    if (!shells_.found()) shells_.find(binary_);
    auto& conf = skeleton.rodata->conf;
    conf.wants = wanted({{"cgroup", BASHREADLINE_WANT_CGROUP}, {"ppid", BASHREADLINE_WANT_PPID}});
    conf.only_shells = binary_.empty();
  }

  kernel::Ladder probes(Skeleton& s) override {
    program_ = s.progs.readline_returns;
    kernel::Rung rung{"uretprobe", shells_.attachments(program_)};
    if (binary_.empty()) rung.attach(s.progs.shell_starts);
    rung.sees_only(shells_.names(3), "Watched: " + shells_.names(SIZE_MAX) + ".");
    return {"lines", {rung}};
  }

  std::string binary_;
  Shells shells_;
  bpf_program* program_ = nullptr;
  std::vector<kernel::Attachment> late_;
  bool looked_again_ = false;
};

const Register<Bashreadline> registered("bashreadline");

}  // namespace
}  // namespace sonde
