// SPDX-License-Identifier: GPL-2.0-or-later
#include "trim/object.h"

#include <elf.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "core/bytes.h"
#include "trim/btf.h"
#include "trim/string_table.h"

namespace sonde::trim {
namespace {

static_assert(std::endian::native == std::endian::little, "objects are written as they lie in memory");

struct Section {
  Elf64_Shdr header{};
  std::string_view name;
  std::string bytes;
};

template <class T>
std::vector<T> items(const std::string& bytes) {
  std::vector<T> all(bytes.size() / sizeof(T));
  std::memcpy(all.data(), bytes.data(), all.size() * sizeof(T));
  return all;
}

template <class T>
std::string bytes_of(const std::vector<T>& all) {
  return {reinterpret_cast<const char*>(all.data()), all.size() * sizeof(T)};
}

class Object {
 public:
  // False if it is none that we know.
  bool read(std::string_view bytes) {
    const auto header = read_at<Elf64_Ehdr>(bytes, 0);
    if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_ident[EI_CLASS] != ELFCLASS64 ||
        header->e_ident[EI_DATA] != ELFDATA2LSB || header->e_machine != EM_BPF || header->e_phnum != 0 ||
        header->e_shentsize != sizeof(Elf64_Shdr))
      return false;
    header_ = *header;
    for (std::size_t i = 0; i < header_.e_shnum; ++i) {
      const auto section = read_at<Elf64_Shdr>(bytes, header_.e_shoff + i * sizeof(Elf64_Shdr));
      if (!section) return false;
      const std::uint64_t size = section->sh_type == SHT_NOBITS ? 0 : section->sh_size;
      sections_.push_back({*section, {}, std::string(part(bytes, section->sh_offset, size))});
      if (sections_.back().bytes.size() != size) return false;
    }
    if (header_.e_shstrndx >= sections_.size()) return false;
    names_ = sections_[header_.e_shstrndx].bytes;
    for (auto& section : sections_) section.name = name(section.header.sh_name);
    const auto is_symbols = [](const Section& section) { return section.header.sh_type == SHT_SYMTAB; };
    const auto symbols = std::find_if(sections_.begin(), sections_.end(), is_symbols);
    if (symbols == sections_.end() || symbols->header.sh_link != header_.e_shstrndx) return false;
    symbols_ = static_cast<std::size_t>(symbols - sections_.begin());
    return std::none_of(sections_.begin(), sections_.end(), [this](const Section& section) {
      return section.header.sh_type == SHT_RELA || section.header.sh_type == SHT_GROUP || is_unlinked(section);
    });
  }

  bool trim_types() {
    Section *btf = section(".BTF"), *ext = section(".BTF.ext");
    if (!btf || !ext) return false;
    auto trimmed = trim::trim_types(btf->bytes, ext->bytes);
    if (!trimmed) return false;
    btf->bytes = std::move(trimmed->btf);
    ext->bytes = std::move(trimmed->ext);
    return true;
  }

  // Labels inside of functions: local symbols that are neither section nor function nor object.
  void drop_labels() {
    auto symbols = items<Elf64_Sym>(sections_[symbols_].bytes);
    std::vector<bool> used(symbols.size(), false);
    each_relocation([&](std::uint64_t symbol) {
      if (symbol < used.size()) used[symbol] = true;
      return symbol;
    });
    std::vector<std::uint64_t> numbers(symbols.size(), 0);
    std::vector<Elf64_Sym> kept;
    std::uint32_t local = 0;  // the first symbol behind these
    for (std::size_t i = 0; i < symbols.size(); ++i) {
      const Elf64_Sym& symbol = symbols[i];
      const bool is_local = ELF64_ST_BIND(symbol.st_info) == STB_LOCAL;
      const bool label = is_local && ELF64_ST_TYPE(symbol.st_info) == STT_NOTYPE && symbol.st_shndx != SHN_UNDEF;
      if (label && !used[i]) continue;
      numbers[i] = kept.size();
      kept.push_back(symbol);
      if (is_local) local = static_cast<std::uint32_t>(kept.size());
    }
    each_relocation([&](std::uint64_t symbol) { return symbol < numbers.size() ? numbers[symbol] : symbol; });
    sections_[symbols_].header.sh_info = local;
    sections_[symbols_].bytes = bytes_of(kept);
  }

  [[nodiscard]] std::string write() {
    write_names();
    std::string out(sizeof(header_), '\0');
    const auto align = [&out](std::uint64_t to) { out.resize((out.size() + to - 1) / to * to, '\0'); };
    for (auto& [header, name, bytes] : sections_) {
      if (header.sh_type == SHT_NULL) continue;
      align(std::max<std::uint64_t>(header.sh_addralign, 1));
      header.sh_offset = out.size();
      if (header.sh_type != SHT_NOBITS) header.sh_size = bytes.size();
      out += bytes;
    }
    align(alignof(Elf64_Shdr));
    header_.e_shoff = out.size();
    for (const auto& section : sections_)
      out.append(reinterpret_cast<const char*>(&section.header), sizeof(section.header));
    std::memcpy(out.data(), &header_, sizeof(header_));
    return out;
  }

 private:
  // Relocations of the types themselves, which the linker resolves, hold offsets that do not stay.
  [[nodiscard]] bool is_unlinked(const Section& section) const {
    return section.header.sh_type == SHT_REL && section.header.sh_info < sections_.size() &&
           sections_[section.header.sh_info].name.starts_with(".BTF");
  }

  [[nodiscard]] std::string_view name(std::uint32_t offset) const { return text_at(names_, offset, names_.size()); }

  Section* section(std::string_view wanted) {
    const auto found = std::find_if(sections_.begin(), sections_.end(), [&](auto& one) { return one.name == wanted; });
    return found == sections_.end() ? nullptr : &*found;
  }

  // Calls number(symbol) for each relocation; the symbol is that number from then on.
  template <class Number>
  void each_relocation(const Number& number) {
    for (auto& section : sections_) {
      if (section.header.sh_type != SHT_REL) continue;
      auto relocations = items<Elf64_Rel>(section.bytes);
      for (auto& relocation : relocations)
        relocation.r_info = ELF64_R_INFO(number(ELF64_R_SYM(relocation.r_info)), ELF64_R_TYPE(relocation.r_info));
      section.bytes = bytes_of(relocations);
    }
  }

  void write_names() {
    StringTable names;
    auto symbols = items<Elf64_Sym>(sections_[symbols_].bytes);
    for (auto& symbol : symbols) symbol.st_name = names.put(name(symbol.st_name));
    sections_[symbols_].bytes = bytes_of(symbols);
    for (auto& section : sections_) section.header.sh_name = names.put(section.name);
    sections_[header_.e_shstrndx].bytes = names.bytes();
  }

  Elf64_Ehdr header_{};
  std::string names_;  // as they were read; the sections' point into them
  std::vector<Section> sections_;
  std::size_t symbols_ = 0;
};

}  // namespace

std::optional<std::string> trim_object(std::string_view object) {
  Object trimmed;
  if (!trimmed.read(object) || !trimmed.trim_types()) return std::nullopt;
  trimmed.drop_labels();
  return trimmed.write();
}

}  // namespace sonde::trim
