// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/mappings.h"

#include <algorithm>
#include <charconv>

namespace sonde {
namespace {

// A process that forks, ends, and whose child forks, and so on: after so many the child gets a copy.
constexpr unsigned most_generations = 8;
// More than the kernel lets a process have (vm.max_map_count, 65,530): what was unmapped is not told.
constexpr std::size_t most_mappings = 1 << 17;

// Takes a number off the front, and the byte behind it.
template <class T>
bool take_number(std::string_view& text, int base, char behind, T& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (error != std::errc{} || !text.starts_with(behind)) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

// "7f0c2a000000-7f0c2a028000 r-xp 00028000 fe:01 1573013    /usr/lib/libc.so.6"
std::optional<Mapping> mapping_of_line(std::string_view line) {
  Mapping mapping;
  if (!take_number(line, 16, '-', mapping.start) || !take_number(line, 16, ' ', mapping.end)) return std::nullopt;
  if (line.size() < 5 || line[2] != 'x' || line[4] != ' ' || mapping.end <= mapping.start) return std::nullopt;
  line.remove_prefix(5);
  if (!take_number(line, 16, ' ', mapping.file_offset) || !take_number(line, 16, ':', mapping.file.major) ||
      !take_number(line, 16, ' ', mapping.file.minor))
    return std::nullopt;
  const auto digits = line.substr(0, line.find_first_not_of("0123456789"));
  std::from_chars(digits.data(), digits.data() + digits.size(), mapping.file.inode);
  line.remove_prefix(digits.size());
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  mapping.path = line;
  return mapping;
}

Mappings::Program& Mappings::latest(std::uint32_t pid) {
  auto& programs = processes_[pid].programs;
  if (programs.empty()) programs.push_back(std::make_shared<Program>());
  return *programs.back();
}

void Mappings::map(std::uint32_t pid, Mapping mapping) {
  auto& mappings = latest(pid).mappings;
  if (mappings.size() >= most_mappings) mappings.erase(mappings.begin(), mappings.begin() + most_mappings / 2);
  mappings.push_back(std::move(mapping));
}

void Mappings::exec(std::uint32_t pid, std::uint64_t time) {
  auto program = std::make_shared<Program>();
  program->since = time;
  Process& process = processes_[pid];
  process.ended = 0;
  process.programs.push_back(std::move(program));
}

void Mappings::fork(std::uint32_t child, std::uint32_t parent, std::uint64_t time) {
  auto program = std::make_shared<Program>();
  const auto known = processes_.find(parent);
  if (known != processes_.end() && !known->second.programs.empty()) {
    const auto& from = known->second.programs.back();
    if (from->generation < most_generations) {
      program->parent = from;
      program->generation = from->generation + 1;
    } else {
      std::vector<const Program*> line;
      for (const Program* older = from.get(); older; older = older->parent.get()) line.push_back(older);
      for (auto older = line.rbegin(); older != line.rend(); ++older)
        program->mappings.insert(program->mappings.end(), (*older)->mappings.begin(), (*older)->mappings.end());
    }
  }
  program->since = time;
  Process& process = processes_[child];  // may move what `known` pointed to
  process.ended = 0;
  process.programs.push_back(std::move(program));
}

void Mappings::exit(std::uint32_t pid, std::uint64_t time) {
  if (const auto known = processes_.find(pid); known != processes_.end()) known->second.ended = time;
}

const Mapping* Mappings::find_in(const Program& program, std::uint64_t time, std::uint64_t address) {
  for (auto mapping = program.mappings.rbegin(); mapping != program.mappings.rend(); ++mapping)
    if (mapping->since <= time && mapping->holds(address)) return &*mapping;
  return program.parent ? find_in(*program.parent, program.since, address) : nullptr;
}

const Mapping* Mappings::find(std::uint32_t pid, std::uint64_t time, std::uint64_t address) const {
  const auto known = processes_.find(pid);
  if (known == processes_.end()) return nullptr;
  const auto& programs = known->second.programs;
  for (auto program = programs.rbegin(); program != programs.rend(); ++program)
    if ((*program)->since <= time) return find_in(**program, time, address);
  return nullptr;
}

void Mappings::forget(std::uint64_t time) {
  for (auto process = processes_.begin(); process != processes_.end();) {
    auto& programs = process->second.programs;
    // One is over when the next begins.
    while (programs.size() > 1 && programs[1]->since < time) programs.erase(programs.begin());
    if (process->second.ended && process->second.ended < time)
      process = processes_.erase(process);
    else
      ++process;
  }
}

}  // namespace sonde
