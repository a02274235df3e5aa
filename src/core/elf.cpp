// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/elf.h"

#include <elf.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/bytes.h"

namespace sonde {
namespace {

constexpr std::uint64_t most_symbols_bytes = std::uint64_t{128} << 20;
constexpr std::uint64_t most_notes_bytes = std::uint64_t{4} << 20;
constexpr std::size_t most_note_sections = 64;
constexpr std::uint64_t most_dynamic_bytes = std::uint64_t{1} << 20;
constexpr std::size_t most_libraries = 4096;
constexpr std::size_t longest_name = 4096;
constexpr std::string_view owner{"stapsdt\0", 8};

std::uint64_t aligned(std::uint64_t size) { return (size + 3) & ~std::uint64_t{3}; }

template <class T>
void sort_once(std::vector<T>& all) {
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
}

}  // namespace

bool Elf::Symbol::is_function() const {
  const unsigned type = info & 0xf;
  return (type == STT_FUNC || type == STT_GNU_IFUNC) && section != SHN_UNDEF;
}

std::optional<Elf::Symbol> Elf::symbol_at(std::string_view table, std::uint64_t index) const {
  const auto take = [](const auto& symbol) -> std::optional<Symbol> {
    if (!symbol) return std::nullopt;
    return Symbol{symbol->st_name, symbol->st_value, symbol->st_info, symbol->st_shndx};
  };
  return wide_ ? take(read_at<Elf64_Sym>(table, index * sizeof(Elf64_Sym)))
               : take(read_at<Elf32_Sym>(table, index * sizeof(Elf32_Sym)));
}

std::optional<Elf> Elf::read(ReadBytes read) {
  Elf elf;
  elf.read_ = std::move(read);
  if (!elf.read_sections()) return std::nullopt;
  return elf;
}

bool Elf::read_sections() {
  const std::string start = read_(0, sizeof(Elf64_Ehdr));
  if (!start.starts_with(ELFMAG) || start.size() < sizeof(Elf32_Ehdr) || start[EI_DATA] != ELFDATA2LSB) return false;
  wide_ = start[EI_CLASS] == ELFCLASS64;
  std::uint64_t offset = 0, count = 0, each = 0;
  const auto take = [&](const auto& header, std::size_t size) {
    offset = header->e_shoff;
    count = header->e_shnum;
    each = header->e_shentsize;
    return each == size;
  };
  const auto header64 = read_at<Elf64_Ehdr>(start, 0);
  const auto header32 = read_at<Elf32_Ehdr>(start, 0);
  if (wide_ && !header64) return false;
  if (!(wide_ ? take(header64, sizeof(Elf64_Shdr)) : take(header32, sizeof(Elf32_Shdr)))) return false;
  const std::string table = read_(offset, count * each);
  const auto add = [this](const auto& section) {
    if (section)
      sections_.push_back({section->sh_type, section->sh_link, section->sh_addr, section->sh_offset, section->sh_size});
  };
  for (std::uint64_t i = 0; i < table.size() / each; ++i) {
    if (wide_)
      add(read_at<Elf64_Shdr>(table, i * each));
    else
      add(read_at<Elf32_Shdr>(table, i * each));
  }
  return !sections_.empty();
}

std::string_view Elf::load(const Section& section, std::uint64_t most) {
  loaded_.push_back(section.type == SHT_NOBITS ? std::string() : read_(section.offset, std::min(section.size, most)));
  if (loaded_.back().size() < section.size) cut_ = true;
  return loaded_.back();
}

void Elf::add_functions(const Section& symbols, std::vector<std::string_view>& names) {
  if (symbols.link >= sections_.size()) return;
  const std::string_view table = load(symbols, most_symbols_bytes);
  const std::string_view strings = load(sections_[symbols.link], most_symbols_bytes);
  std::vector<std::uint64_t> offsets;
  for (std::uint64_t i = 0;; ++i) {
    const auto symbol = symbol_at(table, i);
    if (!symbol) break;
    if (symbol->is_function()) offsets.push_back(symbol->name);
  }
  add_names(std::move(offsets), strings, names);
}

// Names may share their ends, and still all of them together are hardly longer than the table, unless it was made to
// be: millions of long names, one byte apart.
void Elf::add_names(std::vector<std::uint64_t> offsets, std::string_view strings,
                    std::vector<std::string_view>& names) {
  sort_once(offsets);
  std::size_t left = 2 * strings.size();
  for (const auto offset : offsets) {
    std::string_view name = text_at(strings, offset, longest_name);
    if (name.size() > left) {
      cut_ = true;
      return;
    }
    left -= name.size();
    name = name.substr(0, name.find('@'));  // a version
    if (!name.empty()) names.push_back(name);
  }
}

const std::vector<std::string_view>& Elf::functions() {
  if (functions_) return *functions_;
  auto& names = functions_.emplace();
  for (const unsigned type : {unsigned{SHT_SYMTAB}, unsigned{SHT_DYNSYM}}) {
    const auto symbols = std::find_if(sections_.begin(), sections_.end(), [&](auto& s) { return s.type == type; });
    if (symbols != sections_.end()) add_functions(*symbols, names);
  }
  sort_once(names);
  return names;
}

std::optional<std::uint64_t> Elf::file_offset(const Symbol& symbol) const {
  if (symbol.section >= sections_.size() || (symbol.info & 0xf) != STT_FUNC) return std::nullopt;
  const Section& section = sections_[symbol.section];
  if (symbol.value < section.address || symbol.value - section.address >= section.size || section.type == SHT_NOBITS)
    return std::nullopt;
  return section.offset + (symbol.value - section.address);
}

std::optional<std::uint64_t> Elf::function_offset(std::string_view name) {
  const std::string wanted = std::string(name) + '\0';
  for (const Section& section : sections_) {
    if ((section.type != SHT_SYMTAB && section.type != SHT_DYNSYM) || section.link >= sections_.size()) continue;
    const std::string_view table = load(section, most_symbols_bytes);
    const std::string_view strings = load(sections_[section.link], most_symbols_bytes);
    for (std::uint64_t i = 0;; ++i) {
      const auto symbol = symbol_at(table, i);
      if (!symbol) break;
      if (!symbol->is_function() || part(strings, symbol->name, wanted.size()) != wanted) continue;
      if (const auto offset = file_offset(*symbol)) return offset;
    }
  }
  return std::nullopt;
}

std::vector<std::string> Elf::libraries() {
  std::vector<std::string> names;
  const auto dynamic = std::find_if(sections_.begin(), sections_.end(), [](auto& s) { return s.type == SHT_DYNAMIC; });
  if (dynamic == sections_.end() || dynamic->link >= sections_.size()) return names;
  const std::string_view entries = load(*dynamic, most_dynamic_bytes);
  const std::string_view strings = load(sections_[dynamic->link], most_symbols_bytes);
  const auto take = [&](const auto& entry) {
    if (entry && entry->d_tag == DT_NEEDED)
      if (const auto name = text_at(strings, entry->d_un.d_val, longest_name); !name.empty()) names.emplace_back(name);
    return entry.has_value() && names.size() < most_libraries;
  };
  for (std::uint64_t i = 0;; ++i)
    if (!(wide_ ? take(read_at<Elf64_Dyn>(entries, i * sizeof(Elf64_Dyn)))
                : take(read_at<Elf32_Dyn>(entries, i * sizeof(Elf32_Dyn)))))
      break;
  return names;
}

void Elf::add_probes(std::string_view notes, std::vector<StaticProbe>& probes) const {
  const std::uint64_t addresses = 3 * (wide_ ? sizeof(Elf64_Addr) : sizeof(Elf32_Addr));  // place, base, semaphore
  for (std::uint64_t at = 0;;) {
    const auto note = read_at<Elf64_Nhdr>(notes, at);
    if (!note) break;
    const std::uint64_t name = at + sizeof(*note), body = name + aligned(note->n_namesz);
    at = body + aligned(note->n_descsz);
    if (note->n_type != 3 || part(notes, name, note->n_namesz) != owner) continue;
    std::string_view rest = part(part(notes, body, note->n_descsz), addresses, note->n_descsz);
    StaticProbe probe;
    for (auto* text : {&probe.provider, &probe.name, &probe.arguments}) {
      *text = text_at(rest, 0, longest_name);
      rest = part(rest, text->size() + 1, rest.size());
    }
    if (!probe.provider.empty() && !probe.name.empty()) probes.push_back(probe);
  }
}

const std::vector<StaticProbe>& Elf::static_probes() {
  if (static_probes_) return *static_probes_;
  auto& probes = static_probes_.emplace();
  std::size_t sections = 0;
  for (const auto& section : sections_) {
    if (section.type != SHT_NOTE || ++sections > most_note_sections) continue;
    add_probes(load(section, most_notes_bytes), probes);
  }
  sort_once(probes);
  return probes;
}

std::vector<StaticArgument> static_arguments(std::string_view text) {
  std::vector<StaticArgument> all;
  while (!text.empty()) {
    const std::size_t mark = text.find('@');
    if (mark == text.npos) break;
    // "-8f": a sign, a size in bytes, a letter for a floating point number
    std::string_view size = text.substr(0, mark);
    size.remove_prefix(size.find_last_of(' ') + 1);
    const bool negative = size.starts_with('-');
    StaticArgument argument;
    const std::string_view digits = size.substr(negative ? 1 : 0);
    std::from_chars(digits.data(), digits.data() + digits.size(), argument.bytes);
    if (argument.bytes > 16) argument.bytes = 0;
    if (argument.bytes)
      argument.type = (digits.ends_with('f') ? "f" : negative ? "s" : "u") + std::to_string(argument.bytes * 8);
    text.remove_prefix(mark + 1);
    // A place may have spaces in it ("[x0, 8]"); the next argument begins behind the last one before its @.
    const std::size_t next = text.find('@');
    const std::size_t end = next == text.npos ? text.size() : text.substr(0, next).find_last_of(' ');
    argument.place = text.substr(0, end);
    text.remove_prefix(std::min(argument.place.size(), text.size()));
    all.push_back(argument);
  }
  return all;
}

}  // namespace sonde
