// SPDX-License-Identifier: GPL-2.0-or-later
// Which tasks and which calls are shown. Many runs watch the same events at once, each with its own filter.
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <set>
#include <thread>

#include "opensnoop.h"

namespace sonde::test {
namespace {

using Names = std::set<std::string>;

struct Case {
  Words words;
  Names shown;
};

// The end of the path, for those that begin with `prefix`; a call that is shown twice is named twice.
Names shown_below(const Report& report, const std::string& prefix) {
  Names names;
  for (const auto& path : paths(report.events)) {
    if (path.compare(0, prefix.size(), prefix) != 0) continue;
    const auto name = path.substr(prefix.size());
    names.insert(names.count(name) ? name + " twice" : name);
  }
  return names;
}

// How many of these are not shown. Of the many runs at once, the kernel may make one skip another's event.
long long missing(const Names& shown, const Names& expected) {
  return std::count_if(expected.begin(), expected.end(), [&](const auto& name) { return !shown.count(name); });
}

class Filters : public Opensnoop {
 protected:
  void SetUp() override {
    if (in_guest() && by("kprobe"))
      GTEST_SKIP() << "the filter is the same code in all backends, and the guest is slow";
    Opensnoop::SetUp();
  }
  /// The filter is the same code in all backends: where everything is slow, they share the cases.
  std::vector<Case> own_share(const std::vector<Case>& cases) const {
    const std::size_t first = by("fexit") ? 0 : by("tracepoint") ? 1 : 2;
    std::vector<Case> share;
    for (std::size_t i = first % cases.size(); i < cases.size(); i += 3) share.push_back(cases[i]);
    return share;
  }
  /// Runs all cases around `act`, whose calls open paths that begin with `prefix`.
  void check(std::vector<Case> cases, const std::string& prefix, const std::function<void()>& act) {
    if (in_guest()) cases = own_share(cases);
    std::vector<std::unique_ptr<Sonde>> runs;
    for (const auto& c : cases) runs.push_back(std::make_unique<Sonde>(opensnoop(forced(c.words))));
    for (const auto& run : runs) {
      if (!run->ready()) fail("sonde ended at once: " + run->end().err);
    }
    act();
    for (const auto& run : runs) run->signal(SIGINT);
    for (std::size_t i = 0; i < cases.size(); ++i) {
      const auto report = runs[i]->end();
      EXPECT_EQ(report.code, 0) << report.err;
      EXPECT_EQ(report.lost(), report.skipped()) << report.summary;
      const auto shown = shown_below(report, prefix);
      SCOPED_TRACE(testing::PrintToString(cases[i].words));
      EXPECT_TRUE(std::includes(cases[i].shown.begin(), cases[i].shown.end(), shown.begin(), shown.end()))
          << testing::PrintToString(shown);
      if (report.unfollowed() == 0) {
        EXPECT_LE(missing(shown, cases[i].shown), report.skipped()) << report.summary;
      }
      EXPECT_TRUE(report.where("pid", runs[i]->pid()).empty()) << "it shows its own opens";
      if (i == 0) tell_rung(report);
    }
  }
};

struct Ids {
  std::atomic<pid_t> thread, grandchild;
};

// Processes that differ in all that a filter can ask for. Each opens /family/NAME when it may.
class Family {
 public:
  Family(const Cgroup& outer, const Cgroup& inner, uid_t uid)
      : alpha_([&] {
          set_comm("alpha");
          std::thread([this] {
            set_comm("alpha-thread");
            ids_->thread = static_cast<pid_t>(syscall(SYS_gettid));
            prepared_.open();
            open_when_told("alpha-thread");
          }).detach();
          return open_when_told("alpha");
        }),
        beta_([&] {
          outer.enter();
          become(uid);
          set_comm("beta");
          Child grandchild([&] {
            set_comm("gamma");
            ids_->grandchild = getpid();
            return open_when_told("gamma");
          });
          return open_when_told("beta") + grandchild.wait();
        }),
        delta_([&] {
          inner.enter();
          set_comm("delta");
          return open_when_told("delta");
        }) {
    for (int i = 0; i < 5; ++i) prepared_.pass();
  }

  [[nodiscard]] pid_t alpha() const { return alpha_.pid(); }
  [[nodiscard]] pid_t beta() const { return beta_.pid(); }
  [[nodiscard]] pid_t gamma() const { return ids_->grandchild; }
  [[nodiscard]] pid_t delta() const { return delta_.pid(); }
  [[nodiscard]] pid_t thread() const { return ids_->thread; }
  void act() {
    go_.open(5);
    for (int i = 0; i < 5; ++i) done_.pass();
    leave_.open(5);
    for (Child* child : {&alpha_, &beta_, &delta_}) EXPECT_EQ(child->wait(), 0);
  }

 private:
  int open_when_told(const std::string& name) {
    if (name != "alpha-thread") prepared_.open();
    go_.pass();
    make_load("/family/" + name, 1);
    done_.open();
    leave_.pass();
    return 0;
  }

  Shared<Ids> ids_;
  Gate prepared_, go_, done_, leave_;
  Child alpha_, beta_, delta_;
};

std::string list(const std::vector<long>& ids, const char* before = "") {
  std::string text = before;
  for (const long id : ids) text += (text == before ? "" : ",") + std::to_string(id);
  return text;
}

TEST_P(Filters, ChooseTasks) {
  const Cgroup outer("sonde-outer"), inner("inner", &outer);
  if (!outer.trouble().empty()) GTEST_SKIP() << outer.trouble();
  const auto user = ordinary_user();
  const Names all{"alpha", "alpha-thread", "beta", "gamma", "delta"};
  const auto but = [&](const Names& out) {
    Names rest = all;
    for (const auto& name : out) rest.erase(name);
    return rest;
  };
  Family family(outer, inner, user.uid);
  const std::string self = std::to_string(getpid());
  const std::string alpha = std::to_string(family.alpha()), beta = std::to_string(family.beta());
  const std::vector<Case> cases = {
      {{}, all},
      {{"-p", alpha}, {"alpha", "alpha-thread"}},
      {{"-p", "^" + alpha}, but({"alpha", "alpha-thread"})},
      {{"--pid", list({family.alpha(), family.gamma()})}, {"alpha", "alpha-thread", "gamma"}},
      {{"-p", list({family.alpha(), family.gamma()}, "^")}, {"beta", "delta"}},
      {{"-t", std::to_string(family.thread())}, {"alpha-thread"}},
      {{"-t", list({family.thread(), family.delta()}, "^")}, but({"alpha-thread", "delta"})},
      {{"-u", user.name}, {"beta", "gamma"}},
      {{"-u", std::to_string(user.uid)}, {"beta", "gamma"}},
      {{"--user", "^" + user.name}, {"alpha", "alpha-thread", "delta"}},
      {{"-u", "root," + user.name}, all},
      {{"-c", "alpha"}, {"alpha"}},
      {{"-c", "*a*-t?re[a-e]d"}, {"alpha-thread"}},
      {{"-c", "^*t*"}, {"alpha", "gamma"}},
      {{"--ppid", self}, but({"gamma"})},
      {{"--ppid", "^" + self}, {"gamma"}},
      {{"--ppid", list({family.beta(), family.delta()})}, {"gamma"}},
      {{"--cgroup", outer.path()}, {"beta", "gamma", "delta"}},
      {{"--cgroup", inner.directory()}, {"delta"}},
      {{"--cgroup", "^" + outer.path()}, {"alpha", "alpha-thread"}},
      {{"-p", beta, "--follow"}, {"beta", "gamma"}},
      {{"-p", list({family.alpha(), family.beta()}), "-u", "root"}, {"alpha", "alpha-thread"}},
      {{"--cgroup", outer.path(), "-c", "^delta", "-p", "^" + beta}, {"gamma"}},
      {{"-p", beta, "-c", "nobody"}, {}},
  };
  check(cases, "/family/", [&] { family.act(); });
}

TEST_P(Filters, ChooseCalls) {
  set_comm("chooser");
  const Folder folder;
  folder.file("there");
  const auto words = [](const Words& more) { return own(more); };
  const Names failed{"none", "none.rw", "there/denied"};
  const Names all{"there", "write", "append", "new", "none", "none.rw", "there/denied", "temporary/."};
  ASSERT_EQ(mkdir((folder / "temporary").c_str(), 0755), 0);
  for (const char* name : {"write", "append"}) folder.file(name);
  const std::vector<Case> cases = {
      {words({}), all},
      {words({"-x"}), failed},
      {words({"--failed", "--writes"}), {"none.rw"}},
      {words({"--errno", "ENOENT"}), {"none", "none.rw"}},
      {words({"--errno", "enotdir,EACCES"}), {"there/denied"}},
      {words({"--errno", "^ENOENT"}), {"there/denied"}},
      {words({"--errno", "2"}), {"none", "none.rw"}},
      {words({"--path", folder / "n*"}), {"new", "none", "none.rw"}},
      {words({"--path", "*/[!nt]*"}), all},
      {words({"--path", "^*/n[eo]*"}), {"there", "write", "append", "there/denied", "temporary/."}},
      {words({"--path", "*/there"}), {"there"}},
      {words({"--path", "there"}), {}},
      {words({"--writes"}), {"write", "append", "new", "none.rw", "temporary/."}},
      {words({"--writes", "--path", "*e*", "-c", "choo*"}), {"write", "append", "new", "none.rw", "temporary/."}},
      {words({"--writes", "--path", "*w"}), {"new", "none.rw"}},
      {words({"--path", "^*", "-x"}), {}},
  };
  check(cases, folder / "", [&] {
    const auto make = [&](const char* name, std::uint64_t flags) {
      close(static_cast<int>(call({Via::openat, folder / name, flags, 0600})));
    };
    make("there", O_RDONLY);
    make("write", O_WRONLY);
    make("append", O_RDWR | O_APPEND);
    make("new", O_RDONLY | O_CREAT);
    make("none", O_RDONLY);
    make("none.rw", O_RDWR);
    make("there/denied", O_RDONLY);
    make("temporary/.", O_TMPFILE | O_RDWR);
  });
}

// A path that could not be read is not one that was asked for, nor one that was asked not to be shown.
TEST_F(OpensnoopOnce, FindsUnreadablePathsByNegationOnly) {
  const auto count = [&](const std::string& glob) {
    return watch(own({"--path", glob}), [] { call_at(Via::openat, nullptr); }).events.size();
  };
  EXPECT_EQ(count("*"), 0U);
  EXPECT_EQ(count("^/etc/*"), 1U);
}

TEST_F(OpensnoopOnce, FindsPathsByWhatStandsFarBehind) {
  const std::string needle = "needle", path = "/" + std::string(4000, 'h') + needle + std::string(80, 'h');
  const auto report = watch(own({"--path", "*n?edle*"}), [&] {
    call({Via::openat, path});
    call({Via::openat, "/" + std::string(4000, 'n')});
  });
  EXPECT_EQ(paths(report.events), Words{path});
}

// Processes that are born while sonde runs, of parents that are gone meanwhile.
TEST_P(Filters, FollowTheBornAndTheOrphaned) {
  const Gate prepared, go;
  const auto family = [&](const std::string& name, const Gate* announce) {
    return [&, name, announce] {
      if (announce) announce->open();
      go.pass();
      make_load("/tree/" + name, 1);
      return Child([&] {
               make_load("/tree/" + name + "/child", 1);
               // Its child outlives it.
               const Gate orphaned, done;
               const pid_t middle = fork();
               if (middle == 0) {
                 const pid_t orphan = fork();
                 if (orphan == 0) {
                   orphaned.pass();
                   make_load("/tree/" + name + "/orphan", 1);
                   done.open();
                   _exit(0);
                 }
                 _exit(0);
               }
               waitpid(middle, nullptr, 0);
               orphaned.open();
               done.pass();
               return 0;
             })
          .wait();
    };
  };
  Child wanted([&] {
    Child below(family("below", &prepared));
    return family("top", nullptr)() + below.wait();
  });
  Child other(family("other", &prepared));
  prepared.pass();
  prepared.pass();
  const Names expected{"top", "top/child", "top/orphan", "below", "below/child", "below/orphan"};
  check({{{"--follow", "-p", std::to_string(wanted.pid())}, expected},
         {{"-p", std::to_string(wanted.pid())}, {"top"}},
         {{"--follow", "-x", "-p", std::to_string(wanted.pid())}, expected}},
        "/tree/", [&] {
          go.open(3);
          EXPECT_EQ(wanted.wait(), 0);
          EXPECT_EQ(other.wait(), 0);
        });
}

// Each is the parent of the next, and all are there before sonde is.
TEST_F(OpensnoopOnce, FollowsManyGenerations) {
  const Gate prepared, go;
  const std::function<int(int)> generation = [&](int left) {
    if (left) return Child([&] { return generation(left - 1); }).wait();
    prepared.open();
    go.pass();
    make_load("/the/last", 1);
    return 0;
  };
  Child first([&] { return generation(70); });
  prepared.pass();
  const auto report = watch({"--follow", "-p", std::to_string(first.pid()), "--path", "/the/*"}, [&] {
    go.open();
    EXPECT_EQ(first.wait(), 0);
  });
  EXPECT_EQ(paths(report.events), Words{"/the/last"});
}

INSTANTIATE_TEST_SUITE_P(Opensnoop, Filters, testing::Values("fexit", "tracepoint", "tp_btf", "kprobe"),
                         [](const auto& backend) { return backend.param; });

}  // namespace
}  // namespace sonde::test
