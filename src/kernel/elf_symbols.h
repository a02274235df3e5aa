// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/call_frames.h"
#include "kernel/fd.h"

struct Elf;

namespace sonde::kernel {

/// The functions of an ELF file and where they are. It reads with libelf, which trusts what others wrote further than
/// sonde does: only for a process whose end is no loss.
class ElfSymbols {
 public:
  /// A regular file. Empty if it is no ELF file.
  static std::unique_ptr<ElfSymbols> read(Fd file);
  /// The one that the kernel maps into each process.
  static std::unique_ptr<ElfSymbols> vdso();
  ElfSymbols(const ElfSymbols&) = delete;
  ElfSymbols& operator=(const ElfSymbols&) = delete;
  ~ElfSymbols();

  /// Whether it has all its functions, not only those that others may call.
  [[nodiscard]] bool complete() const { return complete_; }
  [[nodiscard]] const std::string& build_id() const { return build_id_; }  ///< bytes
  /// Name and checksum of the file with what was stripped off; an empty name: not said.
  [[nodiscard]] const std::string& debug_link() const { return debug_link_; }
  [[nodiscard]] std::uint32_t debug_checksum() const { return debug_checksum_; }
  /// Takes the functions of such a file in place of its own.
  void take_functions(std::unique_ptr<ElfSymbols> debug);

  struct Found {
    std::string_view name;     ///< as the linker has it; empty: not known
    std::uint64_t offset = 0;  ///< in it
    bool has_frame = true;     ///< it keeps a frame pointer, as far as can be seen
    bool starts = false;       ///< what a program or a thread begins in
    /// Where there is no name and nothing begins: from where to where in the file that is so.
    std::uint64_t from = 0, to = 0;
  };
  /// By offset in the file. `returns`: it is where a call returns to.
  [[nodiscard]] Found find(std::uint64_t file_offset, bool returns) const;
  /// How callers are found there. Its `start` and `end` are offsets in the file, too. Empty: not by this file.
  [[nodiscard]] std::optional<UnwindRow> unwind_row(std::uint64_t file_offset);

 private:
  struct Function {
    std::uint64_t start, size;
    const char* name;
    int rank;  // which of several names of one place is the best: the lowest
  };
  struct Segment {
    std::uint64_t file_offset, size, address;
  };

  ElfSymbols() = default;
  bool read_all();
  void read_sections();
  void read_functions(void* section, std::uint64_t link, std::size_t entry_size);
  void read_notes(void* section);
  [[nodiscard]] const Segment* segment_of(std::uint64_t file_offset) const;
  void read_call_frames();
  [[nodiscard]] const Function* function_at(std::uint64_t address) const;
  void find_nameless(std::uint64_t address, const Segment& segment, Found& found) const;
  [[nodiscard]] const Function* function_named(std::string_view name) const;
  [[nodiscard]] bool keeps_frame(const Function& function, std::uint64_t address) const;
  [[nodiscard]] bool is_start(std::uint64_t address, const Function* function) const;
  [[nodiscard]] std::string code(std::uint64_t address, std::size_t size) const;

  Fd file_;
  ::Elf* elf_ = nullptr;
  std::string memory_;  // of the vdso
  std::unique_ptr<ElfSymbols> debug_;
  std::vector<Function> functions_;
  std::vector<Segment> segments_;
  struct CallFramesSection {
    void* section = nullptr;
    std::uint64_t address = 0;
    CallFrames::Format format{};
  } call_frames_section_;
  std::optional<CallFrames> call_frames_;  // read when it is first asked for
  std::uint64_t entry_ = 0, libc_start_ = 0, thread_create_ = 0;
  bool complete_ = false, x86_64_ = false, native_ = false;
  std::string build_id_, debug_link_;
  std::uint32_t debug_checksum_ = 0;
};

}  // namespace sonde::kernel
