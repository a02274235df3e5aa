// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/folded_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "app/lifecycle.h"
#include "core/error.h"
#include "core/names.h"
#include "core/text.h"
#include "core/units.h"
#include "kernel/fd.h"

namespace sonde {
namespace {

constexpr std::size_t piece_size = 256 * 1024;
constexpr const char* form =
    "A line is 'main;read;vfs_read 42'; stackcollapse-perf.pl makes such lines of perf script.";

[[noreturn]] void refuse_file(const std::string& name, int failure) {
  throw Error(Exit::run_time, name + " cannot be read: " + std::strerror(failure) + ".",
              "Give a file of folded stacks, or - for stdin.", std::string(errno_name(failure)));
}

void read_all(int fd, const std::string& name, FoldedReader& reader) {
  std::vector<char> piece(piece_size);
  while (true) {
    const ssize_t size = read(fd, piece.data(), piece.size());
    if (size == 0) return;
    if (size < 0 && errno == EINTR) {
      if (stop_requested()) throw Error(Exit::run_time, name + " was not read to its end.", "Nothing is drawn.");
      continue;
    }
    if (size < 0) refuse_file(name, errno);
    reader.take({piece.data(), static_cast<std::size_t>(size)});
  }
}

}  // namespace

void read_folded(const std::string& path, StackTree& tree, FoldedReader::Choice choice,
                 const std::function<void(std::string_view)>& note) {
  if (path.empty() && isatty(STDIN_FILENO))
    throw Error(Exit::usage, "No stacks are given.", "Name a file of folded stacks, or send them to stdin.");
  const bool piped = path.empty() || path == "-";
  const std::string name = piped ? "Stdin" : "'" + escaped(path) + "'";
  const kernel::Fd file(piped ? -1 : open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!piped && !file) refuse_file(name, errno);
  FoldedReader reader(tree, choice);
  read_all(file ? file.get() : STDIN_FILENO, name, reader);
  reader.end();

  const std::string first =
      "line " + format_count(reader.first_refused()) + ": '" + escaped(reader.refused_text()) + "'";
  if (!reader.stacks())
    throw Error(
        Exit::run_time,
        reader.refused() ? name + " holds no folded stacks, see its " + first + "." : name + " holds no stacks.", form);
  const auto& total = tree.total();
  if (!(choice.recording == StackTree::Recording::now ? total.now : total.before))
    throw Error(Exit::run_time, name + " has stacks, but all their amounts are 0.", form);
  if (reader.refused())
    note(name + " has " + format_count(reader.refused()) +
         (reader.refused() == 1 ? " line that is no folded stack: " : " lines that are no folded stacks, the first ") +
         first + ".");
  if (reader.is_difference())
    note(name + " has two numbers in each line, of which the last is taken. --diff compares two files as they are.");
}

}  // namespace sonde
