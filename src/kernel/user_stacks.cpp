// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/user_stacks.h"

#include <dirent.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iterator>
#include <memory>
#include <utility>

#include "core/units.h"
#include "core/unwind.h"

namespace sonde::kernel {
namespace {

constexpr std::uint64_t second = 1'000'000'000;
constexpr std::uint64_t return_bit = std::uint64_t{1} << 63;
constexpr std::uint64_t map_age = second / 5;  // the map of what was compiled is not looked for more often
constexpr std::size_t most_names = 200'000;
constexpr std::size_t most_asked = 4096;
constexpr std::size_t most_rows = 100'000;

std::uint64_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * second + static_cast<std::uint64_t>(time.tv_nsec);
}

std::vector<std::uint32_t> all_processes() {
  std::vector<std::uint32_t> pids;
  const std::unique_ptr<DIR, int (*)(DIR*)> open(opendir("/proc"), closedir);
  while (const dirent* entry = open ? readdir(open.get()) : nullptr) {
    std::uint32_t pid = 0;
    const char* end = entry->d_name + std::strlen(entry->d_name);
    if (std::from_chars(entry->d_name, end, pid).ptr == end && pid) pids.push_back(pid);
  }
  return pids;
}

// What is written at run time means something else the next time.
bool can_change(const Mapping& mapping) {
  return mapping.path != "[vdso]" && (!mapping.is_file() || mapping.path.starts_with("/memfd:"));
}

}  // namespace

void UserStacks::start(std::span<const std::uint32_t> pids) {
  recorder_ = std::make_unique<MappingRecorder>(mappings_);
  const auto all = pids.empty() ? all_processes() : std::vector<std::uint32_t>(pids.begin(), pids.end());
  for (const auto pid : all) take_mappings(pid, 0);
}

void UserStacks::catch_up(std::uint64_t time) {
  if (recorder_) recorder_->catch_up(time);
}

std::vector<int> UserStacks::fds() const { return recorder_ ? recorder_->fds() : std::vector<int>(); }

// `time`: of a stack that needs them; they were mapped by then, but have not been seen to be.
void UserStacks::take_mappings(std::uint32_t pid, std::uint64_t time) {
  const std::uint64_t asked = now();
  auto mappings = process_.mappings(pid);
  if (!mappings) return;
  for (auto& mapping : *mappings) {
    mapping.since = time ? time : asked;
    mappings_.map(pid, std::move(mapping));
  }
}

// At most once a second of each process.
bool UserStacks::take_mappings_again(std::uint32_t pid, std::uint64_t time) {
  if (!pid) return false;
  std::uint64_t& asked = asked_[pid];
  if (now() - asked < second) return false;
  asked = now();
  take_mappings(pid, time);
  return true;
}

void UserStacks::find_mappings(const UserChain& chain) {
  const auto& addresses = chain.addresses;
  bool all = true;
  looked_.assign(addresses.size(), {});
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const std::uint64_t returns = chain.is_exact(i) ? 0 : 1;
    Looked& frame = looked_[i];
    frame.mapping = mappings_.find(chain.pid, chain.time, addresses[i] - returns);
    frame.wanted = {addresses[i], returns};
    if (!frame.mapping) all = all && i > 0 && i + 1 == addresses.size();  // the end of a broken chain is any number
    if (frame.mapping && !frame.mapping->path.empty())
      frame.wanted.at = addresses[i] - frame.mapping->start + frame.mapping->file_offset;
  }
  if (!all && take_mappings_again(chain.pid, chain.time)) find_mappings(chain);
}

UserStacks::Module& UserStacks::module_of(const Mapping& mapping) {
  std::string key = mapping.path;
  key.push_back('\0');
  const std::uint64_t numbers[] = {mapping.file.major, mapping.file.minor, mapping.file.inode};
  key.append(reinterpret_cast<const char*>(numbers), sizeof(numbers));
  const auto [known, is_new] = modules_.try_emplace(std::move(key));
  if (is_new) {
    known->second.number = ++modules_made_;
    known->second.path = mapping.path.empty() ? "[anon]" : mapping.path;
  }
  return known->second;
}

// Most functions of a stack are of two or three files.
UserStacks::Module& UserStacks::module_in_stack(const Mapping& mapping) {
  for (const auto& [known, module] : in_stack_)
    if (known == &mapping) return *module;
  return *in_stack_.emplace_back(&mapping, &module_of(mapping)).second;
}

// The file was looked at for this mapping, and was changed last then.
void UserStacks::verify(Module& module, const Mapping& mapping, std::int64_t changed) {
  if (!mapping.is_file()) return;
  constexpr std::int64_t clock_step = 1'000'000;  // the clocks are not read at the same moment each time
  if (std::abs(module.changed - changed) > clock_step) {
    module.number = ++modules_made_;  // what is kept is of another file
    module.changed = changed;
    module.verified = mapping.since;
  }
  module.verified = std::max(module.verified, mapping.since);
  module.asked = mapping.since;
}

bool UserStacks::remembered(Looked& frame) const {
  // The same number may be another file's by now: a program that was built anew.
  if (frame.mapping->is_file() && !frame.module->knows(*frame.mapping)) return false;
  const auto known = names_.find({frame.module->number, frame.wanted.at | (frame.wanted.returns ? return_bit : 0)});
  if (known == names_.end()) return is_nameless(frame);
  frame.name = known->second;
  return true;
}

bool UserStacks::is_nameless(const Looked& frame) const {
  const auto ranges = nameless_.find(frame.module->number);
  if (ranges == nameless_.end()) return false;
  const std::uint64_t inside = frame.wanted.at - frame.wanted.returns;
  const auto next = ranges->second.upper_bound(inside);
  return next != ranges->second.begin() && inside < std::prev(next)->second;
}

bool UserStacks::lacks_map(std::uint32_t pid, const Mapping& mapping) const {
  const auto known = without_map_.find(pid);
  return mapping.path.empty() && known != without_map_.end() && now() - known->second < map_age;
}

void UserStacks::find_names(std::uint32_t pid) {
  in_stack_.clear();
  for (auto& frame : looked_) {
    frame.done = !frame.mapping;
    if (frame.done) continue;
    frame.module = &module_in_stack(*frame.mapping);
    const Module& module = *frame.module;
    const bool missing = can_change(*frame.mapping) ? lacks_map(pid, *frame.mapping) : module.missing_for == pid;
    const bool useless = module.given_up || missing;
    frame.done = useless || process_.given_up() || (!can_change(*frame.mapping) && remembered(frame));
  }
  for (std::size_t i = 0; i < looked_.size(); ++i)
    if (!looked_[i].done) ask(pid, i);
}

// All that is not known of one mapping, in one question.
void UserStacks::ask(std::uint32_t pid, std::size_t first) {
  const Mapping& mapping = *looked_[first].mapping;
  Module& module = *looked_[first].module;
  std::vector<WantedName> wanted;
  std::vector<Looked*> frames;
  for (std::size_t i = first; i < looked_.size(); ++i) {
    if (looked_[i].done || looked_[i].mapping != &mapping) continue;
    looked_[i].done = true;
    wanted.push_back(looked_[i].wanted);
    frames.push_back(&looked_[i]);
  }
  std::vector<NamedAddress> names;
  std::int64_t changed = 0;
  const auto answer = process_.name(pid, mapping, wanted, names, &changed);
  if (answer == SymbolProcess::Answer::none) {
    module.given_up = true;
    ++given_up_;
  }
  if (answer == SymbolProcess::Answer::no_file) {
    module.missing_for = pid;
    if (mapping.path.empty()) without_map_[pid] = now();
  }
  if (answer != SymbolProcess::Answer::names) return;
  verify(module, mapping, changed);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    frames[i]->name = {kept(names[i].name), names[i].offset, names[i].has_frame, names[i].starts};
    if (can_change(mapping)) continue;
    if (names[i].from < names[i].to)
      nameless_kept_ += nameless_[module.number].insert_or_assign(names[i].from, names[i].to).second;
    else
      names_[{module.number, wanted[i].at | (wanted[i].returns ? return_bit : 0)}] = frames[i]->name;
  }
}

// Behind where a program or a thread begins there is nothing: what follows there is left in a register by chance.
void UserStacks::end_at_start() {
  const auto start =
      std::find_if(looked_.rbegin(), looked_.rend(), [](const auto& frame) { return frame.name.starts; });
  if (start != looked_.rend()) looked_.erase(start.base(), looked_.end());
}

void UserStacks::name(const UserChain& chain, std::vector<Frame>& frames) {
  const auto& addresses = chain.addresses;
  frames.clear();
  if (addresses.empty()) return;
  catch_up(chain.time);
  if (!chain.pid) ++nowhere_;
  find_mappings(chain);
  find_names(chain.pid);
  end_at_start();
  const bool any_mapped = std::any_of(looked_.begin(), looked_.end(), [](const auto& frame) { return frame.mapping; });
  for (std::size_t i = 0; i < looked_.size(); ++i) {
    const Looked& frame = looked_[i];
    const bool last = i + 1 == looked_.size();
    if (!frame.mapping) {
      // What a broken chain ends with is any number, and nothing to be shown.
      if (!any_mapped || !last) frames.push_back({{}, {}, addresses[i]});
      continue;
    }
    const bool named = !frame.name.text.empty();
    const Mapping& mapping = *frame.mapping;
    const std::uint64_t in_module =
        mapping.path.empty() ? addresses[i] : addresses[i] - mapping.start + mapping.file_offset;
    frames.push_back({frame.name.text, frame.module->path, named ? frame.name.offset : in_module});
    if (named && !frame.name.has_frame && !last && chain.found_by_frame_pointer(i)) frames.push_back(marked(mark::gap));
  }
  if (looked_.back().name.starts || chain.end == UserChain::End::start) return;
  const bool cut = addresses.size() >= most_frames || chain.end == UserChain::End::cut;
  frames.push_back(marked(cut ? mark::cut : mark::broken));
}

UserChain UserStacks::unwind(const CopiedStack& copied) {
  catch_up(copied.time);
  // Of the first function, which did run, the mapping must be there; what a broken chain ends with is any number.
  const std::uint64_t ip = copied.registers.empty() ? 0 : copied.registers.front();
  if (!mappings_.find(copied.pid, copied.time, ip)) take_mappings_again(copied.pid, copied.time);
  in_stack_.clear();
  return sonde::unwind(copied, [&](std::uint64_t address) { return row_at(copied.pid, copied.time, address); });
}

// Memory without a file, and files that cannot be read, have a row that is not known.
const UnwindRow* UserStacks::row_at(std::uint32_t pid, std::uint64_t time, std::uint64_t address) {
  static const UnwindRow unknown;
  const Mapping* mapping = mappings_.find(pid, time, address);
  if (!mapping) return nullptr;
  if (can_change(*mapping)) return &unknown;
  Module& module = module_in_stack(*mapping);
  const std::uint64_t at = address - mapping->start + mapping->file_offset;
  if (const UnwindRow* row = known_row(*mapping, module, at)) return row;
  if (module.given_up || module.missing_for == pid || process_.given_up()) return &unknown;
  const UnwindRow* row = ask_for_row(pid, *mapping, module, at);
  return row ? row : &unknown;
}

const UnwindRow* UserStacks::known_row(const Mapping& mapping, const Module& module, std::uint64_t at) const {
  if (mapping.is_file() && !module.knows(mapping)) return nullptr;
  const auto rows = rows_.find(module.number);
  if (rows == rows_.end()) return nullptr;
  const auto next = rows->second.upper_bound(at);
  if (next == rows->second.begin()) return nullptr;
  const UnwindRow& row = std::prev(next)->second;
  return at < row.end ? &row : nullptr;
}

const UnwindRow* UserStacks::ask_for_row(std::uint32_t pid, const Mapping& mapping, Module& module, std::uint64_t at) {
  UnwindRow row;
  std::int64_t changed = 0;
  const auto answer = process_.unwind_row(pid, mapping, at, row, &changed);
  if (answer == SymbolProcess::Answer::none) {
    module.given_up = true;
    ++given_up_;
  }
  if (answer == SymbolProcess::Answer::no_file) module.missing_for = pid;
  if (answer != SymbolProcess::Answer::names) return nullptr;
  verify(module, mapping, changed);
  if (at < row.start || at >= row.end) row = {at, at + 1, {}, {}, {}, 0, false};
  ++rows_kept_;
  return &rows_[module.number].insert_or_assign(row.start, std::move(row)).first->second;
}

void UserStacks::forget_old() {
  if (rows_kept_ >= most_rows) {
    rows_.clear();
    rows_kept_ = 0;
  }
  if (asked_.size() > most_asked) asked_.clear();
  if (without_map_.size() > most_asked) without_map_.clear();
  if (names_.size() + nameless_kept_ < most_names && texts_.size() < most_names && modules_.size() < most_names) return;
  names_.clear();
  nameless_.clear();
  nameless_kept_ = 0;
  texts_.clear();
  std::erase_if(modules_, [](const auto& module) { return !module.second.given_up; });
}

std::vector<std::string> UserStacks::notes() const {
  std::vector<std::string> all;
  if (recorder_ && !recorder_->trouble().empty())
    all.push_back("What programs map is not written down (" + recorder_->trouble() +
                  "): those that are gone have no names.");
  if (const auto n = recorder_ ? recorder_->lost() : 0)
    all.push_back(format_count(n) +
                  " mappings of programs were not written down, for want of room: names may be wrong.");
  if (given_up_)
    all.push_back(format_count(given_up_) + (given_up_ == 1 ? " file was" : " files were") +
                  " not read for names, as that took too long or ended the process that did it.");
  if (process_.given_up())
    all.push_back("After " + std::to_string(process_.ended()) + " such failures no more files were read.");
  if (nowhere_)
    all.push_back(format_count(nowhere_) + " stacks are of programs outside this PID namespace: they have no names.");
  return all;
}

}  // namespace sonde::kernel
