// SPDX-License-Identifier: GPL-2.0-or-later
// Command lines that make no sense: exit code 2, and a sentence that names what is wrong.
#include <unistd.h>

#include "expect.h"

namespace sonde::test {
namespace {

struct Case {
  Words words;
  std::string says;
};

void refused(const Case& c, int code = 2) {
  SCOPED_TRACE(testing::PrintToString(c.words));
  Words words{"opensnoop"};
  words.insert(words.end(), c.words.begin(), c.words.end());
  // A run that begins after all must not go on for ever.
  if (std::find(words.begin(), words.end(), "--") == words.end()) words.insert(words.begin() + 1, {"-d", "1ms"});
  expect_refusal(run(words), code, c.says);
}

TEST(Cli, NamesTheToolThatWasMeant) {
  expect_refusal(run({"opensnop"}), 2, "Did you mean opensnoop?");
  expect_refusal(run({"xyzzy"}), 2, "no tool 'xyzzy'. sonde alone lists");
  expect_refusal(run({"--xyzzy"}), 2, "'--xyzzy'");
  expect_refusal(run({"open\x1b[31m\n"}), 2, R"('open\x1b[31m\n')");
}

TEST(Cli, NamesTheOptionThatWasMeant) {
  const Case cases[] = {
      {{"--pdi", "1"}, "no option '--pdi'. Did you mean --pid?"},
      {{"--column=pid"}, "no option '--column'. Did you mean --columns?"},
      {{"--xyzzyxyzzy"}, "no option '--xyzzyxyzzy'."},
      {{"-Q"}, "no option '-Q'."},
      {{"stray"}, "Unexpected argument 'stray'."},
      {{"-C", "pid,cmm"}, "no column 'cmm'. Did you mean 'comm'?"},
      {{"--backend", "tpbtf"}, "no backend 'tpbtf'"},
      {{"-f", "yaml"}, "no format 'yaml'"},
      {{"--errno", "ENOENTT"}, "no error 'ENOENTT'"},
  };
  for (const auto& c : cases) refused(c);
}

TEST(Cli, RefusesBadValues) {
  const Case cases[] = {
      {{"-d", "0"}, "duration of 0"},
      {{"-d", "abc"}, "'abc'"},
      {{"-d", "5 s"}, "'5 s'"},
      {{"-d", "-1"}, "'-1'"},
      {{"-d", "1.5.5s"}, "'1.5.5s'"},
      {{"-d", "99999999999h"}, "'99999999999h'"},
      {{"-n", "0"}, "0 events"},
      {{"-n", "x"}, "'x'"},
      {{"-n", "-3"}, "'-3'"},
      {{"-n", "1e3"}, "'1e3'"},
      {{"-n", "99999999999999999999999"}, "'99999999999999999999999'"},
      {{"--max-rate", "fast"}, "'fast'"},
      {{"--max-rate", "0"}, "0"},
      {{"--buffer-size", "5q"}, "'5q'"},
      {{"--buffer-size", "2G"}, "'2G' is too large"},
      {{"--buffer-size", "0"}, "0"},
      {{"--max-entries", "0"}, "0 entries"},
      {{"--max-entries", "many"}, "'many'"},
      {{"-C", "pid,pid"}, "named twice"},
      {{"-C", "+tid,uid"}, "'+tid,uid'"},
      {{"-C", "pid,"}, "'pid,'"},
      {{"-C", "-time,-pid,-comm,-fd,-errno,-flags,-path"}, "no column"},
      {{"-p", "abc"}, "'abc'"},
      {{"-p", "1,,2"}, "'1,,2'"},
      {{"-p", "^"}, "'^'"},
      {{"-p", "99999999999"}, "'99999999999'"},
      {{"-t", "-5"}, "'-5'"},
      {{"--ppid", "1;2"}, "'1;2'"},
      {{"--errno", "ENOENT,"}, "'ENOENT,'"},
      {{"--cgroup", "^"}, "--cgroup wants a path"},
      {{"--path", std::string(300, '?')}, "pattern"},
      {{"--path", "[abc"}, "'[abc'"},
      {{"--follow"}, "--follow wants somebody"},
      {{"--as", "root"}, "--as wants a command"},
      {{"--follow", "-p", "1", "--", "true"}, "--follow and a COMMAND"},
      {{"--"}, "no command behind --"},
  };
  for (const auto& c : cases) refused(c);
}

TEST(Cli, WantsAValueWhereOneIsMissing) {
  for (const char* flag : {"-p", "-t", "-u", "-c", "--ppid", "--cgroup", "--as", "-n", "--max-rate", "-f", "-o", "-C",
                           "--backend", "--btf", "--buffer-size", "--max-entries", "--errno", "--path"}) {
    refused({{flag}, "wants a value ("});
    refused({{flag, ""}, "wants a value ("});
  }
  refused({{"--pid="}, "--pid wants a value"});
}

TEST(Cli, NamesWhatIsNotThere) {
  if (geteuid() != 0) GTEST_SKIP() << "looked at only after the permissions: this wants root";
  const Case cases[] = {
      {{"-p", "99999999"}, "no process 99999999"},
      {{"-p", "1,99999999"}, "no process 99999999"},
      {{"-t", "99999999"}, "no thread 99999999"},
      {{"--ppid", "99999999"}, "no process 99999999"},
      {{"-u", "no-such-user"}, "no user 'no-such-user'"},
      {{"-u", "^root,no-such-user"}, "no user 'no-such-user'"},
      {{"--cgroup", "/no/such/cgroup"}, "no cgroup '/no/such/cgroup'"},
      {{"--cgroup", "/tmp"}, "no cgroup '/tmp'"},
      {{"--btf", "/no/such/file"}, "'/no/such/file'"},
      {{"--btf", "/etc/passwd"}, "'/etc/passwd'"},
      {{"--as", "no-such-user", "--", "true"}, "no user 'no-such-user'"},
  };
  for (const auto& c : cases) refused(c, 1);
}

TEST(Cli, LeavesAFileAsItWasWhenItRefuses) {
  const Folder folder;
  const auto path = folder.file("output", "of yesterday");
  EXPECT_EQ(run({"opensnoop", "-p", "99999999", "-o", path}).code, geteuid() == 0 ? 1 : 3);
  EXPECT_EQ(contents(path), "of yesterday");
  EXPECT_EQ(run({"list", "software:*", "-o", path}).code, 0);
  EXPECT_EQ(contents(path).find("of yesterday"), std::string::npos);
}

// Values that look odd and are good.
TEST(Cli, TakesGoodValues) {
  for (const Words& words :
       {Words{"-C", "-time,-pid"}, Words{"-C", "+TID"}, Words{"-C=pid"}, Words{"--columns=pid,path"}, Words{"-Cpid"},
        Words{"-C", "pid", "-C", "path"}, Words{"-C", "latency"}, Words{"-C", "latency_ns"}}) {
    Words all{"opensnoop", "--schema"};
    all.insert(all.end(), words.begin(), words.end());
    const auto report = run(all);
    EXPECT_EQ(report.code, 0) << testing::PrintToString(words) << report.err;
  }
}

}  // namespace
}  // namespace sonde::test
