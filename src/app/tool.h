// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/common.h"
#include "core/column.h"
#include "core/error.h"
#include "core/output.h"
#include "core/sink.h"
#include "kernel/object.h"

namespace sonde {

struct Example {
  std::string command;
  std::string meaning;
};

/// What help says about a tool.
struct ToolInfo {
  std::string name;
  std::string family;   ///< heading in the list of tools: "files"
  std::string summary;  ///< one line
  std::string prose;    ///< a short paragraph
  std::vector<Example> examples;
};

/// A way to the events, by the name that --backend takes.
struct Backend {
  std::string name;
  bool on_request = false;  ///< never taken unless named
};

/// A file in a format of the tool's own, which a run writes in place of rows.
struct OwnFile {
  std::string path;
  /// `telling` takes what does not belong into the file. Both outlive the sink.
  std::function<std::unique_ptr<Sink>(Output& file, Sink& telling)> sink;
};

class Tool;

/// What a tool's rows can be under an option, beside what they are otherwise.
struct Form {
  std::string option;
  const Tool* tool;  ///< knows its columns and backends; lives as long as the tool itself
};

/// One verb of the binary. The order of calls: options() and settle() once, then any of columns() and run().
class Tool {
 public:
  Tool() = default;
  Tool(const Tool&) = delete;
  Tool& operator=(const Tool&) = delete;
  virtual ~Tool() = default;

  [[nodiscard]] virtual const ToolInfo& info() const = 0;
  /// Declares the tool's own options; what they set must outlive the run.
  virtual void options(Options& options) = 0;
  [[nodiscard]] virtual std::vector<const ColumnInfo*> columns() const = 0;
  /// Ways to the events, the cheapest first.
  [[nodiscard]] virtual std::vector<Backend> backends() const { return {}; }
  /// Called once the command line is known: what is shown without being asked for may depend on it.
  virtual void settle(const CommonOptions& /*options*/) {}
  /// What its rows stand for.
  [[nodiscard]] virtual RowKind row_kind() const { return RowKind::event; }
  [[nodiscard]] virtual std::vector<Form> other_forms() const { return {}; }
  /// Null unless it was asked for; lives as long as the tool.
  [[nodiscard]] virtual const OwnFile* own_file() const { return nullptr; }
  /// Declares those of the common options that the tool understands: all of them, unless it traces nothing.
  virtual void common_options(Options& options, CommonOptions& common);
  /// Declares --kstack and --ustack, and adds their columns, where events can have stacks.
  virtual void stack_options(Options& /*options*/, CommonOptions& /*common*/) {}
  /// What would come of starting it here, as its defaults are; empty: it traces nothing. Whether tracepoints can be
  /// attached by perf has been found out before, and is not tried again for each tool.
  virtual std::optional<kernel::Prospect> prospect(const kernel::Finding& /*tracepoints*/) { return std::nullopt; }
  /// Runs to the end. Returns the exit code; throws Error when it cannot start.
  virtual Exit run(const CommonOptions& options) = 0;
};

using ToolFactory = std::function<std::unique_ptr<Tool>()>;

/// All tools by name, in alphabetical order.
struct Registry {
  static void add(std::string name, ToolFactory make);
  [[nodiscard]] static std::vector<std::string> names();
  /// Null if there is none of that name.
  [[nodiscard]] static std::unique_ptr<Tool> make(std::string_view name);
};

/// A static object of this type in the tool's file is all that registers it.
template <class T>
struct Register {
  explicit Register(const char* name) {
    Registry::add(name, [] { return std::make_unique<T>(); });
  }
};

}  // namespace sonde
