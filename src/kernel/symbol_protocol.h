// SPDX-License-Identifier: GPL-2.0-or-later
// What SymbolProcess and the process beside it say to each other: a packet each way, but for mappings, which come in
// several, the last one empty. The answer to `unwind` is a SymbolAnswer and, where there is one, a row (put_row()).
#pragma once

#include <cstdint>

namespace sonde::kernel {

inline constexpr std::size_t longest_packet = 160 * 1024;
inline constexpr std::size_t longest_packet_name = 1000;

struct SymbolQuestion {
  enum Kind : std::uint32_t { names, mappings, unwind };
  std::uint32_t kind = names;
  std::uint32_t pid = 0;
  std::uint64_t start = 0, end = 0, file_offset = 0, since = 0;
  std::uint32_t major = 0, minor = 0;
  std::uint64_t inode = 0;
  std::uint32_t path_size = 0;
  std::uint32_t count = 0;  // the path, and then so many WantedName
};

struct SymbolAnswer {
  std::uint32_t has_file = 0;
  std::uint32_t count = 0;   // so many SymbolName
  std::int64_t changed = 0;  // see MappedFile
  std::uint64_t size = 0;
};

struct SymbolName {
  std::uint64_t offset = 0;
  std::uint32_t size = 0;  // of the name behind it
  std::uint16_t has_frame = 1;
  std::uint16_t starts = 0;
  std::uint64_t from = 0, to = 0;  // see ElfSymbols::Found
};

/// The life of that process: answers until the other end is closed.
void serve_symbols(int socket);

}  // namespace sonde::kernel
