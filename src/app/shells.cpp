// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/shells.h"

#include <algorithm>
#include <array>

#include "core/error.h"
#include "core/syscall_names.h"
#include "core/text.h"
#include "core/units.h"
#include "kernel/binaries.h"

namespace sonde {
namespace {

constexpr const char* function = "readline";
constexpr const char* shell = "bash";

std::string quoted(const std::string& name) { return "'" + escaped(name) + "'"; }

const char* const remedy =
    "Name the file that has it with --binary FILE: a bash with its symbols, or the libreadline that it uses.";

}  // namespace

bool Shells::knows(const kernel::FileIdentity& identity) const {
  return std::any_of(seen_.begin(), seen_.end(), [&](const auto& file) { return file.identity() == identity; });
}

bool Shells::add(const std::optional<kernel::ProgramFile>& file, std::string& trouble) {
  if (!file) return false;
  const auto same = [&](const File& other) { return other.file.identity() == file->identity(); };
  if (std::any_of(files_.begin(), files_.end(), same)) return true;
  const auto offset = file->function_offset(function, trouble);
  if (offset) files_.push_back({*file, *offset});
  return offset.has_value();
}

// A shell of its own, or one that is linked with the library; `pid` 0: it does not run.
bool Shells::add_with_library(std::uint32_t pid, const kernel::ProgramFile& shell) {
  if (knows(shell.identity())) return true;
  seen_.push_back(shell);
  std::string trouble;
  if (add(shell, trouble)) return true;
  const std::string name = shell.library("libreadline.so");
  if (!name.empty()) {
    const std::string path = pid ? std::string() : kernel::find_binary(name);
    if (add(pid ? kernel::library_of_process(pid, name, trouble) : kernel::ProgramFile::open(path, path, trouble),
            trouble))
      return true;
    trouble = "its " + escaped(name) + ": " + trouble;
  }
  unwatched_.push_back(quoted(shell.shown()) + " is not watched: " + trouble + ".");
  return false;
}

void Shells::find_named(const std::string& binary) {
  const std::string path = kernel::find_binary(binary);
  std::string trouble = "there is none in PATH";
  const auto file = path.empty() ? std::nullopt : kernel::ProgramFile::open(path, path, trouble);
  if (!file)
    throw Error(Exit::run_time, quoted(binary) + " cannot be read: " + trouble + ".",
                "Name the file of a bash, or of the libreadline that it uses.");
  if (!add(file, trouble)) throw Error(Exit::run_time, quoted(binary) + " cannot be watched: " + trouble + ".", remedy);
  seen_.push_back(*file);
}

void Shells::find_default() {
  std::string trouble;
  const std::string path = kernel::find_binary(shell);
  const auto file = path.empty() ? std::nullopt : kernel::ProgramFile::open(path, path, trouble);
  if (!file || knows(file->identity())) return;
  // Shells are told from other programs by the name of their file.
  if (!file->name().starts_with(shell))
    unwatched_.push_back(quoted(path) + " is not watched: its file has another name. Watch it with --binary.");
  else
    add_with_library(0, *file);
}

void Shells::find(const std::string& binary) {
  const auto shells = kernel::processes_running(shell);
  std::string trouble;
  if (!binary.empty()) {
    find_named(binary);
  } else {
    // Of a shell that runs the library is known, so those come first.
    for (const auto pid : shells)
      if (const auto file = kernel::file_of_process(pid, trouble)) add_with_library(pid, *file);
    find_default();
    if (seen_.empty() && unwatched_.empty())
      throw Error(Exit::run_time, "There is no bash: none runs, and none is in PATH.", "Name one with --binary FILE.");
    if (files_.empty()) throw Error(Exit::run_time, unwatched_.front(), remedy);
  }
  count_waiting(shells);
}

// Such a shell has entered the function before the probe was there, and so its return is not seen.
void Shells::count_waiting(const std::vector<std::uint32_t>& shells) {
  static constexpr std::array<std::string_view, 5> waits{"read", "pselect6", "select", "poll", "ppoll"};
  for (const auto pid : shells) {
    const auto identity = kernel::identity_of_process(pid);
    const auto call = kernel::call_of_process(pid);
    if (identity && call && knows(*identity) && kernel::reads_terminal(pid) &&
        std::count(waits.begin(), waits.end(), syscall_name(native_calls, *call)))
      ++waiting_;
  }
}

std::vector<kernel::Attachment> Shells::started(std::uint32_t pid, bpf_program* program) {
  std::string trouble;
  const auto before = files_.size();
  const auto identity = kernel::identity_of_process(pid);
  if (!identity || knows(*identity)) return {};
  // One that is gone by now, or runs something else, has read no line.
  const auto file = kernel::file_of_process(pid, trouble);
  if (file && file->name().starts_with(shell)) add_with_library(pid, *file);
  std::vector<kernel::Attachment> more;
  for (std::size_t i = before; i < files_.size(); ++i) {
    const auto& [file, offset] = files_[i];
    late_.push_back(file.shown());
    more.push_back(kernel::uretprobe(program, file.handle(), offset, file.shown(), true));
  }
  return more;
}

std::vector<kernel::Attachment> Shells::look_again(bpf_program* program) {
  std::vector<kernel::Attachment> all;
  for (const auto pid : kernel::processes_running(shell)) {
    const auto more = started(pid, program);
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

std::vector<kernel::Attachment> Shells::attachments(bpf_program* program) const {
  std::vector<kernel::Attachment> all;
  for (const auto& [file, offset] : files_)
    all.push_back(kernel::uretprobe(program, file.handle(), offset, file.shown(), files_.size() > 1));
  return all;
}

std::string Shells::names(std::size_t most) const {
  std::string text;
  for (std::size_t i = 0; i < std::min(files_.size(), most); ++i)
    text += (i ? ", " : "") + escaped(files_[i].file.shown());
  if (files_.size() > most) text += " and " + std::to_string(files_.size() - most) + " more";
  return text;
}

Remarks Shells::remarks() const {
  Remarks remarks{unwatched_, !unwatched_.empty() || !late_.empty()};
  for (const auto& name : late_)
    remarks.notes.push_back(quoted(name) +
                            " is watched since a shell was started from it, whose first line may be missing.");
  if (waiting_)
    remarks.notes.push_back(waiting_ == 1
                                ? "A shell may have been waiting for a line when the run began: that line is not shown."
                                : format_count(waiting_) +
                                      " shells may have been waiting for a line when the run "
                                      "began: that line of each is not shown.");
  return remarks;
}

}  // namespace sonde
