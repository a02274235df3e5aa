// SPDX-License-Identifier: GPL-2.0-or-later
// trim_object IN OUT: a step of the build (cmake/bpf.cmake). OUT is touched only if it changes: what only moved lines
// in a BPF source compiles nothing anew.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include "trim/object.h"

namespace {

std::optional<std::string> read(const char* path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

bool write(const char* path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  return file.write(bytes.data(), static_cast<std::streamsize>(bytes.size())).flush().good();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: trim_object IN OUT\n", stderr);
    return 2;
  }
  const auto object = read(argv[1]);
  const auto trimmed = object ? sonde::trim::trim_object(*object) : std::nullopt;
  if (!trimmed) {
    std::fprintf(stderr,
                 object ? "trim_object: '%s' is no linked BPF object of the kind that this knows. Configure with "
                          "-DSONDE_BPF_LINES=ON to do without.\n"
                        : "trim_object: '%s' cannot be read.\n",
                 argv[1]);
    return 1;
  }
  if (read(argv[2]) == trimmed || write(argv[2], *trimmed)) return 0;
  std::fprintf(stderr, "trim_object: '%s' cannot be written.\n", argv[2]);
  return 1;
}
