// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "core/bytes.h"
#include "core/demangle.h"
#include "core/kernel_text.h"
#include "kernel/elf_symbols.h"
#include "kernel/file.h"
#include "kernel/symbol_files.h"
#include "kernel/symbol_process.h"
#include "kernel/symbol_protocol.h"

namespace sonde::kernel {
namespace {

constexpr std::size_t most_files = 256;
constexpr std::int64_t clock_step = 1'000'000;  // ns
constexpr std::size_t longest_maps = std::size_t{64} << 20;
constexpr std::size_t most_perf_maps = 16;
constexpr std::chrono::milliseconds perf_map_age{200}, look_age{1000};
constexpr std::size_t most_looks = 4096;
constexpr std::size_t maps_packet = 32 * 1024;

template <class T>
void append(std::string& bytes, const T& value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

class Server {
 public:
  explicit Server(int socket) : socket_(socket) {}

  void run() {
    std::string packet(longest_packet, '\0');
    for (;;) {
      const ssize_t n = recv(socket_, packet.data(), packet.size(), 0);
      if (n <= 0) return;
      const std::string_view bytes(packet.data(), static_cast<std::size_t>(n));
      const auto question = read_at<SymbolQuestion>(bytes, 0);
      if (!question) return;
      if (question->kind == SymbolQuestion::mappings)
        tell_mappings(question->pid);
      else if (question->kind == SymbolQuestion::unwind)
        tell_row(*question, bytes.substr(sizeof(*question)));
      else
        tell_names(*question, bytes.substr(sizeof(*question)));
    }
  }

 private:
  void say(std::string_view bytes) { send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }

  void tell_mappings(std::uint32_t pid) {
    const auto maps = read_file("/proc/" + std::to_string(pid) + "/maps", AT_FDCWD, longest_maps);
    std::string packet;
    each_line(maps.value_or(""), [&](std::string_view line) {
      const auto rights = line.find(' ');
      if (line.size() < rights + 4 || line[rights + 3] != 'x') return;
      packet.append(line).append("\n");
      if (packet.size() < maps_packet) return;
      say(packet);
      packet.clear();
    });
    if (!packet.empty()) say(packet);
    say({});
  }

  // Takes it off the front of `rest`.
  static Mapping mapping_of(const SymbolQuestion& question, std::string_view& rest) {
    Mapping mapping{question.start, question.end, question.file_offset, question.since, {}, {}};
    mapping.file = {question.major, question.minor, question.inode};
    mapping.path = part(rest, 0, question.path_size);
    rest = part(rest, question.path_size, rest.size());
    return mapping;
  }

  static bool is_of_file(const Mapping& mapping) { return mapping.is_file() || mapping.path == "[vdso]"; }

  void tell_row(const SymbolQuestion& question, std::string_view rest) {
    const Mapping mapping = mapping_of(question, rest);
    const auto wanted = read_at<WantedName>(rest, 0).value_or(WantedName{});
    ElfSymbols* file = is_of_file(mapping) ? file_of(question.pid, mapping) : nullptr;
    const auto row = file ? file->unwind_row(wanted.at) : std::nullopt;
    std::string packet;
    append(packet, SymbolAnswer{file ? 1U : 0U, row ? 1U : 0U, changed_, size_});
    if (row) put_row(*row, packet);
    say(part(packet, 0, longest_packet));
  }

  void tell_names(const SymbolQuestion& question, std::string_view rest) {
    const Mapping mapping = mapping_of(question, rest);
    const bool of_file = is_of_file(mapping);
    const ElfSymbols* file = of_file ? file_of(question.pid, mapping) : nullptr;
    const bool compiled = !of_file || (!file && mapping.path.starts_with("/memfd:"));
    // A perf map speaks of addresses.
    const std::uint64_t start = mapping.path.empty() ? 0 : mapping.start - mapping.file_offset;
    const PerfMap* map = compiled ? map_of(question.pid) : nullptr;
    std::string packet;
    append(packet, SymbolAnswer{file || map ? 1U : 0U, question.count, changed_, size_});
    for (std::uint32_t i = 0; i < question.count; ++i) {
      const auto wanted = read_at<WantedName>(rest, i * sizeof(WantedName)).value_or(WantedName{});
      if (file)
        add(packet, file->find(wanted.at, wanted.returns));
      else
        add(packet, map ? in_map(*map, wanted.at + start, wanted.returns) : ElfSymbols::Found{});
    }
    say(packet);
  }

  static ElfSymbols::Found in_map(const PerfMap& map, std::uint64_t address, std::uint64_t returns) {
    const auto found = map.find(address - returns);
    if (!found) return {};
    return {found->name, found->offset + returns, true, false};
  }

  // They grow all the time, and can be long.
  const PerfMap* map_of(std::uint32_t pid) {
    if (maps_.size() > most_perf_maps) maps_.clear();
    auto& [read_at, map] = maps_[pid];
    const auto time = std::chrono::steady_clock::now();
    if (read_at != std::chrono::steady_clock::time_point() && time - read_at < perf_map_age) return map.get();
    map = read_perf_map(pid);
    read_at = time;
    return map.get();
  }

  static void add(std::string& packet, const ElfSymbols::Found& found) {
    std::string name = demangled(found.name, longest_packet_name);
    if (name.size() > longest_packet_name) name.resize(longest_packet_name);
    append(packet, SymbolName{found.offset, static_cast<std::uint32_t>(name.size()), found.has_frame, found.starts,
                              found.from, found.to});
    packet.append(name);
  }

  ElfSymbols* file_of(std::uint32_t pid, const Mapping& mapping) {
    if (mapping.path == "[vdso]") {
      if (!vdso_) vdso_ = ElfSymbols::vdso();
      constexpr std::uint64_t end_of_32_bits = std::uint64_t{1} << 32;
      return mapping.start < end_of_32_bits ? nullptr : vdso_.get();  // 32-bit programs have another
    }
    const auto time = std::chrono::steady_clock::now();
    const auto seen = looks_.find({pid, mapping.start, mapping.since});
    if (seen != looks_.end() && seen->second.fits(mapping) && time - seen->second.time < look_age) {
      changed_ = seen->second.file->changed;
      size_ = seen->second.file->size;
      return seen->second.file->symbols.get();
    }
    auto mapped = open_mapped_file(pid, mapping);
    if (!mapped) return nullptr;  // another process may still have it
    if (files_.size() > most_files || looks_.size() > most_looks) looks_.clear();
    if (files_.size() > most_files) files_.clear();
    auto& known = files_[std::tuple(mapping.path, mapping.file.major, mapping.file.minor, mapping.file.inode)];
    changed_ = mapped->changed;
    size_ = mapped->size;
    // A number may be that of another file by now. The clocks are not read at the same moment each time.
    const bool same = known.symbols && known.size == size_ && std::abs(known.changed - changed_) < clock_step;
    if (!same) known = {read_mapped_file(pid, mapping, std::move(mapped->file)), changed_, size_};
    if (!same) std::erase_if(looks_, [&known](const auto& look) { return look.second.file == &known; });
    looks_[{pid, mapping.start, mapping.since}] = {&known, mapping.end, mapping.file, mapping.path, time};
    return known.symbols.get();
  }

  struct File {
    std::unique_ptr<ElfSymbols> symbols;
    std::int64_t changed = 0;
    std::uint64_t size = 0;
  };
  // That a mapping is of a file: to look again for each question takes as long as to answer it.
  struct Look {
    const File* file = nullptr;
    std::uint64_t end = 0;
    FileNumber number;
    std::string path;
    std::chrono::steady_clock::time_point time;

    [[nodiscard]] bool fits(const Mapping& mapping) const {
      return end == mapping.end && number == mapping.file && path == mapping.path;
    }
  };

  int socket_;
  std::map<std::uint32_t, std::pair<std::chrono::steady_clock::time_point, std::unique_ptr<PerfMap>>> maps_;
  std::unique_ptr<ElfSymbols> vdso_;
  std::map<std::tuple<std::string, std::uint32_t, std::uint32_t, std::uint64_t>, File> files_;
  std::map<std::tuple<std::uint32_t, std::uint64_t, std::uint64_t>, Look> looks_;  // pid, start, since
  std::int64_t changed_ = 0;                                                       // of the file that is asked for
  std::uint64_t size_ = 0;
};

}  // namespace

void serve_symbols(int socket) { Server(socket).run(); }

}  // namespace sonde::kernel
