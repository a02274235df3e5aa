// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/stack_pictures.h"

#include <sys/utsname.h>

#include <algorithm>

#include "app/outputs.h"
#include "core/error.h"
#include "core/folded.h"
#include "core/text.h"
#include "core/units.h"
#include "kernel/file.h"

namespace sonde {
namespace {

std::string command_line() {
  std::string line = kernel::read_file("/proc/self/cmdline").value_or("");
  while (line.ends_with('\0')) line.pop_back();
  std::replace(line.begin(), line.end(), '\0', ' ');
  return line;
}

GraphHeader header_of(const Summary& summary, const std::string& unit) {
  utsname system{};
  uname(&system);
  GraphHeader header;
  header.title = "sonde " + summary.tool;
  header.unit = unit;
  header.facts = {{"Host", system.nodename},
                  {"Kernel", system.release},
                  {"Command", command_line()},
                  {"Duration", format_duration(summary.window_ns)}};
  for (const auto& rung : summary.rungs) header.facts.emplace_back("By", rung.rung);
  for (const auto& loss : summary.losses)
    header.warnings.push_back(format_count(loss.count) + " lost: " + loss.reason + ".");
  return header;
}

}  // namespace

void StackPictures::declare(Options& options) {
  const auto named = [](const char* option, std::string_view path) {
    if (path.empty()) throw Error(Exit::usage, std::string(option) + " wants a file.", "Name one.");
    return std::string(path);
  };
  options.value("--flamegraph", "FILE", "also draw a flame graph: a page to zoom and search, .html or .svg",
                [this, named](std::string_view path) {
                  graph_.path = named("--flamegraph", path);
                  const auto kind = picture_kind(path);
                  if (!kind)
                    throw Error(Exit::usage, "A flame graph is a page or a picture.",
                                "Give a file whose name ends in .html or .svg.");
                  kind_ = *kind;
                });
  options.value("--folded", "FILE", "also write the stacks as lines, for flamegraph.pl or speedscope",
                [this, named](std::string_view path) { folded_.path = named("--folded", path); });
}

void StackPictures::open() {
  if (!folded_.path.empty() && folded_.path == graph_.path)
    throw Error(Exit::usage, "--folded and --flamegraph are two files.", "Give them two names.");
  for (File* file : {&folded_, &graph_}) file->fd = open_output(file->path);
}

void StackPictures::add(std::string_view owner, std::span<const GraphFrame> outermost_first, std::uint64_t amount) {
  stack_ = {{owner, {}, FrameKind::other}};
  stack_.insert(stack_.end(), outermost_first.begin(), outermost_first.end());
  tree_.add(stack_, amount);
}

template <class Writer>
std::string StackPictures::write(File& file, Writer writer) {
  const std::string name = "'" + escaped(file.path) + "'";
  Output out(file.fd.get(), name);
  out.replace();
  writer(out);
  out.flush();
  return name;
}

std::vector<std::string> StackPictures::write(const Summary& summary, const std::string& unit) {
  const std::vector<std::string> cuts = tree_.cuts();
  std::vector<std::string> sentences = cuts;
  if (folded_.fd)
    sentences.push_back("The stacks are in " + write(folded_, [&](Output& out) { write_folded(tree_, out); }) +
                        ", folded.");
  if (!graph_.fd) return sentences;
  GraphHeader header = header_of(summary, unit);
  header.warnings.insert(header.warnings.end(), cuts.begin(), cuts.end());
  sentences.push_back("The flame graph is " +
                      write(graph_, [&](Output& out) { write_flamegraph(tree_, header, kind_, out); }) + ".");
  return sentences;
}

}  // namespace sonde
