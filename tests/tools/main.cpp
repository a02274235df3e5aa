// SPDX-License-Identifier: GPL-2.0-or-later
// The tests, and, with --act, the command that sonde starts in some of them.
#include <dirent.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <string>

#include "bashreadline.h"
#include "support/calls.h"
#include "support/undecided.h"

namespace sonde::test {
namespace {

// Descriptors that are open here beyond the standard ones, with what they are.
int list_descriptors() {
  DIR* directory = opendir("/proc/self/fd");
  while (const dirent* entry = readdir(directory)) {
    char target[256];
    const auto length = readlinkat(dirfd(directory), entry->d_name, target, sizeof(target) - 1);
    const int fd = std::atoi(entry->d_name);
    if (length > 0 && fd > STDERR_FILENO && fd != dirfd(directory))
      std::fprintf(stderr, "%d %.*s\n", fd, static_cast<int>(length), target);
  }
  closedir(directory);
  return 0;
}

// Takes each line of its input for one that was typed.
int take_lines() {
  std::array<char, 256> line{};
  while (std::fgets(line.data(), line.size(), stdin)) {
    line[std::strcspn(line.data(), "\n")] = 0;
    type_line(line.data());
  }
  return 0;
}

// lines | open PATH | children PATH | forever PATH | descriptors | signal N | nothing
int act(const std::string& what, const std::string& with) {
  if (what == "lines") return take_lines();
  if (what == "open") make_load(with, 1);
  if (what == "children") {
    Child([&] {
      return make_load(with + "/child", 1), Child([&] { return make_load(with + "/grandchild", 1), 0; }).wait();
    }).wait();
  }
  if (what == "forever") {
    make_load(with, 1);
    pause();
  }
  if (what == "descriptors") return list_descriptors();
  if (what == "signal") raise(std::stoi(with));
  return 3;
}

}  // namespace
}  // namespace sonde::test

int main(int argc, char** argv) {
  if (argc > 2 && std::string(argv[1]) == "--act") return sonde::test::act(argv[2], argc > 3 ? argv[3] : "");
  return sonde::test::run_tests(argc, argv);
}
