// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "app/common.h"
#include "app/help.h"
#include "app/lifecycle.h"
#include "app/tool.h"
#include "core/error.h"
#include "core/ndjson.h"
#include "core/output.h"
#include "core/text.h"
#include "kernel/log.h"

namespace sonde {
namespace {

Exit print(const std::string& text) {
  Output out(STDOUT_FILENO, "stdout");
  out.put(text);
  out.flush();
  return Exit::done;
}

Exit print_schema(const Tool& tool, const CommonOptions& common) {
  const auto all = tool.columns();
  std::vector<const ColumnInfo*> chosen;
  for (const auto i : choose_columns(all, common.column_spec())) chosen.push_back(all[i]);
  Output out(STDOUT_FILENO, "stdout");
  put_schema(out, tool.info().name, tool.row_kind(), chosen);
  out.flush();
  return Exit::done;
}

[[noreturn]] void refuse_tool(const std::string& name) {
  if (name.starts_with('-'))
    throw Error(Exit::usage, "There is no option '" + escaped(name) + "' without a tool.",
                "sonde alone lists the tools.");
  const auto names = Registry::names();
  const std::vector<std::string_view> views(names.begin(), names.end());
  const auto near = nearest(name, views);
  throw Error(Exit::usage, "There is no tool '" + escaped(name) + "'.",
              near.empty() ? "sonde alone lists the tools." : "Did you mean " + std::string(near) + "?");
}

// What makes no sense is said before root is asked for and before any file is opened.
void check(const Tool& tool, const CommonOptions& common) {
  common.check();
  choose_columns(tool.columns(), common.column_spec());
  if (common.backend.empty()) return;
  std::string known;
  for (const auto& backend : tool.backends()) {
    if (backend.name == common.backend) return;
    known += (known.empty() ? "" : ", ") + backend.name;
  }
  throw Error(Exit::usage, "There is no backend '" + escaped(common.backend) + "'.", "The backends are " + known + ".");
}

Exit run_tool(const std::string& name, std::vector<std::string> words, bool& verbose) {
  const auto tool = Registry::make(name);
  if (!tool) refuse_tool(name);

  CommonOptions common;
  const auto dashes = std::find(words.begin(), words.end(), "--");
  const bool has_command = dashes != words.end();
  common.command.assign(has_command ? dashes + 1 : dashes, words.end());
  words.erase(dashes, words.end());

  Options options;
  options.group("What " + name + " selects");
  tool->options(options);
  tool->common_options(options, common);
  // Who asks for help gets it, whatever else stands there.
  common.help =
      std::any_of(words.begin(), words.end(), [](const auto& word) { return word == "-h" || word == "--help"; });
  if (!common.help) parse_command_line(options, words);
  verbose = common.verbose;
  tool->settle(common);

  if (common.help) return print(help_text(*tool, options));
  if (common.version) return print("sonde " SONDE_VERSION "\n");
  if (common.schema) return print_schema(*tool, common);
  if (has_command && common.command.empty())
    throw Error(Exit::usage, "There is no command behind --.", "Give one, as in: -- make -j2.");
  check(*tool, common);
  return tool->run(common);
}

// `opensnoop ...` by a symbolic link, or `sonde opensnoop ...`.
Exit dispatch(std::vector<std::string> words, bool& verbose) {
  std::string name = words.front().substr(words.front().rfind('/') + 1);
  words.erase(words.begin());
  if (!Registry::make(name)) {
    const bool help = !words.empty() && (words[0] == "-h" || words[0] == "--help" || words[0] == "help");
    if (words.empty() || (help && words.size() == 1)) return print(overview());
    if (help) words = {words[1], "--help"};
    if (words[0] == "--version") return print("sonde " SONDE_VERSION "\n");
    name = words.front();
    words.erase(words.begin());
  }
  return run_tool(name, std::move(words), verbose);
}

// Standard descriptors that are closed would be taken by the first files opened, and rows written into them.
void open_standard_descriptors() {
  for (int fd = 0; fd <= STDERR_FILENO; ++fd)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) _exit(static_cast<int>(Exit::run_time));
}

// What the kernel or libbpf said, line by line.
void print_detail(std::string_view detail) {
  while (!detail.empty()) {
    const auto end = std::min(detail.find('\n'), detail.size());
    std::fprintf(stderr, "  %s\n", escaped(detail.substr(0, end)).c_str());
    detail.remove_prefix(std::min(end + 1, detail.size()));
  }
}

int run(std::vector<std::string> words) {
  bool verbose = false;
  try {
    return static_cast<int>(dispatch(std::move(words), verbose));
  } catch (const OutputClosed&) {
    return static_cast<int>(Exit::done);
  } catch (const Error& error) {
    std::fprintf(stderr, "sonde: %s %s\n", error.cause().c_str(), error.remedy().c_str());
    if (verbose) print_detail(error.detail());
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sonde: An unexpected error: %s. Please report it.\n", error.what());
    return static_cast<int>(Exit::run_time);
  }
}

}  // namespace
}  // namespace sonde

int main(int argc, char** argv) {
  sonde::open_standard_descriptors();
  sonde::install_signal_handlers();
  sonde::kernel::keep_log();
  return sonde::run(std::vector<std::string>(argv, argv + argc));
}
