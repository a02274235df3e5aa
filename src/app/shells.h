// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/tracing.h"
#include "kernel/ladder.h"
#include "kernel/program_file.h"

namespace sonde {

/// The files in which shells read their lines, each once: bash, or the library that it leaves this to.
class Shells {
 public:
  /// Looks for those of all shells that run, and of the one that PATH has; with `binary` for that file alone, named by
  /// its path or as PATH has it. Throws Error if there is none, or none that can be probed.
  void find(const std::string& binary);
  /// A shell was started: its file, if it is not known yet.
  std::vector<kernel::Attachment> started(std::uint32_t pid, bpf_program* program);
  /// The same for all shells that run: some may have been started before it was told of.
  std::vector<kernel::Attachment> look_again(bpf_program* program);

  [[nodiscard]] bool found() const { return !files_.empty(); }
  [[nodiscard]] std::vector<kernel::Attachment> attachments(bpf_program* program) const;
  /// Their names for people, the first `most` of them.
  [[nodiscard]] std::string names(std::size_t most) const;
  [[nodiscard]] Remarks remarks() const;

 private:
  struct File {
    kernel::ProgramFile file;
    std::uint64_t offset;  // of readline
  };
  bool add(const std::optional<kernel::ProgramFile>& file, std::string& trouble);
  bool add_with_library(std::uint32_t pid, const kernel::ProgramFile& shell);
  void find_named(const std::string& binary);
  void find_default();
  [[nodiscard]] bool knows(const kernel::FileIdentity& identity) const;
  void count_waiting(const std::vector<std::uint32_t>& shells);

  std::vector<File> files_;
  std::vector<kernel::ProgramFile> seen_;  // shells, with readline in them or not
  std::vector<std::string> unwatched_;     // sentences
  std::vector<std::string> late_;          // files found while the run lasted
  std::size_t waiting_ = 0;
};

}  // namespace sonde
