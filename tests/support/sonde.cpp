// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/sonde.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iterator>

#include "support/undecided.h"

namespace sonde::test {
namespace {

constexpr int no_program = 127;
constexpr int first_free = STDERR_FILENO + 1;

int start(const Words& words, const Sonde::Setup& setup, int out, int err) {
  const int null = open("/dev/null", O_RDONLY);
  dup2(null, STDIN_FILENO);
  dup2(setup.out >= 0 ? setup.out : out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  close(null);
  std::vector<std::string> all{setup.name};
  all.insert(all.end(), words.begin(), words.end());
  std::vector<char*> arguments;
  for (auto& word : all) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  // Opened before the user changes, who may not get as far. Nothing but the standard descriptors is handed on.
  const int binary = open(sonde_binary().c_str(), O_PATH | O_CLOEXEC);
  if (setup.prepare) setup.prepare();
  dup3(binary, first_free, O_CLOEXEC);
  close_range(first_free + 1, ~0U, 0);
  syscall(SYS_execveat, first_free, "", arguments.data(), environ, AT_EMPTY_PATH);
  return no_program;
}

}  // namespace

std::string sonde_binary() {
  if (const char* given = std::getenv("SONDE")) return given;
  const auto folder = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  const auto beside = folder / "sonde";
  return std::filesystem::exists(beside) ? beside : folder.parent_path() / "sonde";
}

long long Report::skipped() const {
  long long count = 0;
  for (const auto& loss : summary["losses"].items())
    for (const char* unsure : {"skipped by the kernel", "this system hides", "or not yet come"})
      if (loss["reason"].text().find(unsure) != std::string::npos) count += loss["count"].number();
  return count;
}

long long Report::unfollowed() const {
  long long count = 0;
  for (const auto& loss : summary["losses"].items())
    if (loss["reason"].text().find("process not followed with all") != std::string::npos)
      count += loss["count"].number();
  return count;
}

std::vector<Json> Report::where(std::string_view key, long long value) const {
  std::vector<Json> found;
  std::copy_if(events.begin(), events.end(), std::back_inserter(found),
               [&](const Json& event) { return event[key].is_integer() && event[key].number() == value; });
  return found;
}

std::vector<Json> Report::where(std::string_view key, std::string_view value) const {
  std::vector<Json> found;
  std::copy_if(events.begin(), events.end(), std::back_inserter(found),
               [&](const Json& event) { return event[key].is_text() && event[key].text() == value; });
  return found;
}

bool Report::noted(std::string_view part) const {
  return std::any_of(notes.begin(), notes.end(),
                     [&](const Json& note) { return note["text"].text().find(part) != std::string::npos; });
}

std::string Report::used(std::string_view key) const {
  const auto& rungs = summary["rungs"].items();
  if (rungs.empty() || !rungs.front()[key].is_text()) return {};
  return rungs.front()[key].text();
}

Report read_json(const std::string& text) {
  Report report;
  report.out = text;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at);
    if (end == text.npos) fail("a line without an end: " + text.substr(at));
    Json line = Json::parse(std::string_view(text).substr(at, end - at));
    at = end + 1;
    if (!report.summary.null()) fail("more behind the summary: " + text.substr(at));
    const std::string type = line["type"].text();
    if (type == "event")
      report.events.push_back(std::move(line));
    else if (type == "row")
      report.rows.push_back(std::move(line));
    else if (type == "lost")
      report.losses.push_back(std::move(line));
    else if (type == "note")
      report.notes.push_back(std::move(line));
    else if (type == "summary")
      report.summary = std::move(line);
    else
      fail("an unknown type: " + type);
  }
  if (!report.summary.null() && (report.skipped() || report.unfollowed())) skips_were_told();
  return report;
}

Sonde::Sonde(const Words& words, const Setup& setup)
    : process_([&] { return start(words, setup, out_.get(), err_.get()); }, setup.clone_flags), view_(process_.pid()) {}

// A test that failed before it had the report: the reason may be told there.
Sonde::~Sonde() {
  if (ended_ || !(std::uncaught_exceptions() || testing::Test::HasFailure())) return;
  try {
    signal(SIGCONT);
    end(SIGINT);
  } catch (const std::exception&) {
  }
}

// It waits for events only when its probes are attached and the window is open.
bool Sonde::ready() {
  bool ended = false;
  wait_until("sonde to be ready; it said: " + errors(), [&] {
    ended = view_.state() == 'Z' || view_.state() == '?';
    return ended || view_.blocked_in() == SYS_ppoll;
  });
  return !ended;
}

void Sonde::blocked_in(long call) {
  wait_until("sonde to wait in system call " + std::to_string(call), [&] { return view_.blocked_in() == call; });
}

Report Sonde::end(int signal_number) {
  if (signal_number) signal(signal_number);
  const int code = process_.wait();
  ended_ = true;
  const std::string out = output();
  Report report = !out.empty() && out[0] == '{' && out[1] == '"' ? read_json(out) : Report{};
  report.code = code;
  report.out = out;
  report.err = errors();
  return report;
}

Report run(const Words& words, const Sonde::Setup& setup) { return Sonde(words, setup).end(); }

}  // namespace sonde::test
