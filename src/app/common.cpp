// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/common.h"

#include "core/error.h"
#include "core/text.h"

namespace sonde {
namespace {

constexpr std::uint64_t shortest_interval = 10'000'000;
constexpr std::uint64_t smallest_buffer = 4096;
constexpr std::uint64_t largest_buffer = std::uint64_t{1} << 30;

std::uint64_t parse_buffer(std::string_view text) {
  const std::uint64_t size = parse_size(text);
  if (!size) throw Error(Exit::usage, "A buffer of 0 bytes holds nothing.", "Give a size such as 512k or 8M.");
  std::uint64_t power = smallest_buffer;  // the kernel wants a power of two, in whole pages
  while (power < size && power < largest_buffer) power *= 2;
  if (size > power) throw Error(Exit::usage, "A buffer of '" + escaped(text) + "' is too large.", "Give at most 1G.");
  return power;
}

std::function<void(std::string_view)> list_into(std::optional<ItemList>& target) {
  return [&target](std::string_view text) { target = parse_list(text); };
}

std::function<void(std::string_view)> ids_into(std::optional<ItemList>& target) {
  return [&target](std::string_view text) {
    target = parse_list(text);
    for (const auto& item : target->items) parse_natural(item, INT32_MAX);
  };
}

}  // namespace

GlobChoice GlobChoice::parse(std::string_view text) {
  const bool negated = !text.empty() && text.front() == '^';
  return {Glob::compile(text.substr(negated ? 1 : 0)), negated};
}

void CommonOptions::declare_filter(Options& options) {
  options.group("Which tasks (a leading ^ negates; PIDs are those of this PID namespace)");
  options.value("-p, --pid", "LIST", "processes, as 12,34", ids_into(filter.pids));
  options.value("-t, --tid", "LIST", "threads", ids_into(filter.tids));
  options.value("-u, --user", "LIST", "users, by name or number", list_into(filter.users));
  options.value("-c, --comm", "GLOB", "names of threads",
                [this](std::string_view text) { filter.comm = GlobChoice::parse(text); });
  options.value("--ppid", "LIST", "children of these processes", ids_into(filter.ppids));
  options.value("--cgroup", "PATH", "members of this cgroup (v2) or one below it", [this](std::string_view text) {
    filter.cgroup_negated = !text.empty() && text.front() == '^';
    filter.cgroup = filter.cgroup_negated ? text.substr(1) : text;
    if (filter.cgroup.empty())
      throw Error(Exit::usage, "--cgroup wants a path.", "Give a directory below the cgroup2 mount.");
  });
  options.flag("--follow", "also the descendants of those tasks", filter.follow);
  options.text("--as", "USER", "run the COMMAND as this user", as_user);
}

void CommonOptions::declare_duration(Options& options) {
  options.group("How long");
  options.value(
      "-d, --duration", "TIME", "end after 10s, 500ms, 2m; a bare number is seconds", [this](std::string_view text) {
        duration_ns = parse_duration(text, BareNumber::seconds);
        if (!duration_ns)
          throw Error(Exit::usage, "A duration of 0 would show nothing.", "Give a time such as 10s or 500ms.");
      });
}

void CommonOptions::declare_count(Options& options, const std::string& what) {
  options.value("-n, --max-events", "N", "end after N " + what, [this, what](std::string_view text) {
    max_events = parse_natural(text);
    if (!max_events) throw Error(Exit::usage, "0 " + what + " would show nothing.", "Give a number from 1 on.");
  });
}

void CommonOptions::declare_interval(Options& options) {
  options.value("-i, --interval", "TIME", "report every 1s, 500ms, 1m, and at the end", [this](std::string_view text) {
    interval_ns = parse_duration(text, BareNumber::seconds);
    if (interval_ns < shortest_interval)
      throw Error(Exit::usage, "An interval of '" + escaped(text) + "' is too short.", "Give at least 10ms.");
  });
}

void CommonOptions::declare_rate(Options& options) {
  options.value("--max-rate", "N", "show at most N events a second, count the rest", [this](std::string_view text) {
    max_rate = parse_natural(text);
    if (!max_rate) throw Error(Exit::usage, "0 events a second would show nothing.", "Give at least 1.");
  });
}

void CommonOptions::declare_strict(Options& options) {
  options.flag("--strict", "exit 5 if anything was lost", strict);
}

void CommonOptions::declare_order(Options& options) {
  options.text("--sort", "COLUMN", "largest first by this column; texts in their order", sort);
  options.value("--top", "N", "only the first N rows of each interval (on a terminal: 20)",
                [this](std::string_view text) {
                  top = parse_natural(text);
                  if (!top) throw Error(Exit::usage, "0 rows would show nothing.", "Give a number from 1 on.");
                });
}

void CommonOptions::declare_run(Options& options) {
  declare_duration(options);
  declare_count(options, "events");
  declare_rate(options);
  declare_strict(options);
}

void CommonOptions::declare_intervals(Options& options) {
  declare_duration(options);
  declare_interval(options);
  declare_count(options, "intervals");
  declare_strict(options);
  declare_order(options);
}

void CommonOptions::declare_run_or_intervals(Options& options) {
  declare_duration(options);
  declare_interval(options);
  declare_count(options, "events or intervals");
  declare_rate(options);
  declare_strict(options);
  declare_order(options);
}

void CommonOptions::declare_output(Options& options) {
  options.group("What is shown");
  options.value("-f, --format", "FORMAT", "table or json (one object a line)", [this](std::string_view text) {
    if (text != "table" && text != "json")
      throw Error(Exit::usage, "There is no format '" + escaped(text) + "'.", "The formats are table and json.");
    json = text == "json";
  });
  options.text("-o, --output", "FILE", "write there (mode 0600), not to stdout", output);
  options.text("-C, --columns", "LIST", "these columns; +a,-b edits the standard ones", columns);
  options.flag("--utc", "times in UTC", utc);
  options.flag("--schema", "print the JSON Schema of the events and end", schema);
}

void CommonOptions::declare_probe(Options& options) {
  declare_backend(options);
  options.flag("--compat", "also calls of 32-bit tasks, where the backend does not see them by itself", compat);
  declare_buffer(options);
}

void CommonOptions::declare_buffer(Options& options) {
  options.value("--buffer-size", "SIZE", "of the ring buffer, as 512k or 8M",
                [this](std::string_view text) { buffer_bytes = parse_buffer(text); });
}

void CommonOptions::declare_backend(Options& options) {
  options.group("How");
  options.text("--backend", "NAME", "force a backend (listed below), not the cheapest that works", backend);
  options.text("--btf", "FILE", "the kernel's types from a file", btf_file);
  options.value("--max-entries", "N", "room for so many processes, calls or counts in the kernel's maps",
                [this](std::string_view text) {
                  max_entries = static_cast<std::uint32_t>(parse_natural(text, 1 << 26));
                  if (!max_entries) throw Error(Exit::usage, "A map of 0 entries holds nothing.", "Give at least 1.");
                });
  options.flag("--stats", "what each BPF program costs, in the summary", stats);
}

void CommonOptions::declare_telling(Options& options) {
  options.flag("-v, --verbose", "say which ways were tried, and why not", verbose);
  options.flag("-q, --quiet", "no notes and no summary; losses are shown all the same", quiet);
  options.flag("-h, --help", "this text", help);
  options.flag("--version", "print the version and end", version);
}

std::string CommonOptions::column_spec() const {
  std::string spec = columns;
  const bool list = !spec.empty() && !spec.starts_with('+') && !spec.starts_with('-');
  for (const auto& column : asked_columns) {
    if (list && ("," + columns + ",").find("," + column + ",") != spec.npos) continue;
    spec += (spec.empty() ? "" : ",") + std::string(list ? "" : "+") + column;
  }
  return spec;
}

void CommonOptions::check() const {
  if (command.empty() && !as_user.empty())
    throw Error(Exit::usage, "--as wants a command to run.", "Put it behind --, as in: -- make -j2.");
  if (!filter.follow) return;
  if (!command.empty())
    throw Error(Exit::usage, "--follow and a COMMAND do not go together.",
                "A COMMAND is followed anyway: leave out --follow.");
  if (!filter.any())
    throw Error(Exit::usage, "--follow wants somebody to follow.",
                "Say whose descendants are meant, with -p for instance.");
}

}  // namespace sonde
