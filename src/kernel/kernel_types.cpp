// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/kernel_types.h"

#include <bpf/btf.h>
#include <linux/btf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <unordered_map>

#include "core/btf.h"
#include "kernel/btf_file.h"

namespace sonde::kernel {
namespace {

// btf.h has functions of these names
using Array = struct ::btf_array;
using EnumItem = struct ::btf_enum;
using Enum64Item = struct ::btf_enum64;

bool can_be_asked_for(unsigned kind) {
  return kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION || kind == BTF_KIND_ENUM || kind == BTF_KIND_ENUM64;
}

// The two parts of BTF; none if it is not understood.
struct Sections {
  std::span<const char> types, strings;

  explicit Sections(std::span<const char> full) {
    const auto sections = btf_sections({full.data(), full.size()});
    if (!sections) return;
    types = sections->types;
    strings = sections->strings;
  }
  [[nodiscard]] std::string_view text(std::uint32_t offset) const {
    if (offset >= strings.size()) return {};
    return {strings.data() + offset, strnlen(strings.data() + offset, strings.size() - offset)};
  }
  [[nodiscard]] bool is(std::uint32_t offset, std::string_view name) const {
    return offset < strings.size() && strings.size() - offset > name.size() &&
           std::memcmp(strings.data() + offset, name.data(), name.size()) == 0 && !strings[offset + name.size()];
  }
  // Calls take(offset, type) for each type in turn, until it says false. False if there are no types, or one that is
  // not understood.
  template <class Take>
  bool walk(const Take& take) const {
    for (std::size_t at = 0; at + sizeof(btf_type) <= types.size();) {
      const auto* type = reinterpret_cast<const btf_type*>(types.data() + at);
      const auto tail = btf_tail(BTF_INFO_KIND(type->info), BTF_INFO_VLEN(type->info));
      if (!tail || at + sizeof(btf_type) + *tail > types.size()) return false;
      if (!take(static_cast<std::uint32_t>(at), *type)) break;
      at += sizeof(btf_type) + *tail;
    }
    return !types.empty();
  }
};

class Extraction {
 public:
  explicit Extraction(const Sections& full) : full_(full) {}

  // False if the types are not understood.
  bool index(const std::unordered_set<std::string_view>& names) {
    offsets_.reserve(full_.types.size() / 24);  // about the mean size of a type
    return full_.walk([&](std::uint32_t at, const btf_type& type) {
      offsets_.push_back(at);
      if (can_be_asked_for(BTF_INFO_KIND(type.info)) && type.name_off && names.contains(full_.text(type.name_off)))
        take(static_cast<std::uint32_t>(offsets_.size()));
      return true;
    });
  }

  std::vector<char> write() {
    // NOLINTNEXTLINE(modernize-loop-convert): it grows while it runs
    for (std::size_t i = 0; i < taken_.size(); ++i) put_type(taken_[i]);
    btf_header header{};
    header.magic = BTF_MAGIC;
    header.version = BTF_VERSION;
    header.hdr_len = sizeof(header);
    header.type_len = header.str_off = static_cast<std::uint32_t>(out_types_.size());
    header.str_len = static_cast<std::uint32_t>(out_strings_.size());
    std::vector<char> out(sizeof(header) + out_types_.size() + out_strings_.size());
    std::memcpy(out.data(), &header, sizeof(header));
    std::memcpy(out.data() + sizeof(header), out_types_.data(), out_types_.size());
    std::memcpy(out.data() + sizeof(header) + out_types_.size(), out_strings_.data(), out_strings_.size());
    return out;
  }

 private:
  [[nodiscard]] const btf_type* at_offset(std::size_t at) const {
    return reinterpret_cast<const btf_type*>(full_.types.data() + at);
  }

  // The new number of a type, which will be written.
  std::uint32_t take(std::uint32_t id) {
    if (id == 0 || id > offsets_.size()) return 0;
    const auto [found, fresh] = numbers_.try_emplace(id, static_cast<std::uint32_t>(taken_.size() + 1));
    if (fresh) taken_.push_back(id);
    return found->second;
  }

  std::uint32_t put_text(std::uint32_t offset) {
    const auto string = full_.text(offset);
    if (string.empty()) return 0;
    const auto [found, fresh] = texts_.try_emplace(offset, static_cast<std::uint32_t>(out_strings_.size()));
    if (fresh) out_strings_.append(string).push_back('\0');
    return found->second;
  }

  template <class T>
  void put(const T& value) {
    out_types_.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }

  // Items behind a type, each changed by `edit` so that it fits its new surroundings.
  template <class Item, class Edit>
  void put_items(const btf_type* type, std::size_t count, const Edit& edit) {
    const auto* items = reinterpret_cast<const Item*>(type + 1);
    for (std::size_t i = 0; i < count; ++i) {
      Item item = items[i];
      edit(item);
      put(item);
    }
  }

  void put_type(std::uint32_t id) {
    const btf_type* from = at_offset(offsets_[id - 1]);
    const unsigned kind = BTF_INFO_KIND(from->info), length = BTF_INFO_VLEN(from->info);
    btf_type type = *from;
    type.name_off = put_text(from->name_off);
    switch (kind) {
      case BTF_KIND_PTR:
        type.type = 0;
        break;
      case BTF_KIND_TYPEDEF:
      case BTF_KIND_VOLATILE:
      case BTF_KIND_CONST:
      case BTF_KIND_RESTRICT:
      case BTF_KIND_TYPE_TAG:
        type.type = take(from->type);
        break;
      default:
        break;
    }
    put(type);
    const auto rename = [this](auto& item) { item.name_off = put_text(item.name_off); };
    switch (kind) {
      case BTF_KIND_INT:
        put_items<std::uint32_t>(from, 1, [](auto&) {});
        break;
      case BTF_KIND_ARRAY:
        put_items<Array>(from, 1, [this](auto& array) {
          array.type = take(array.type);
          array.index_type = take(array.index_type);
        });
        break;
      case BTF_KIND_STRUCT:
      case BTF_KIND_UNION:
        put_items<btf_member>(from, length, [&](auto& member) {
          rename(member);
          member.type = take(member.type);
        });
        break;
      case BTF_KIND_ENUM:
        put_items<EnumItem>(from, length, rename);
        break;
      case BTF_KIND_ENUM64:
        put_items<Enum64Item>(from, length, rename);
        break;
      default:
        break;
    }
  }

  const Sections& full_;
  std::vector<std::uint32_t> offsets_;  // by number, less one
  std::vector<std::uint32_t> taken_;    // in the order of the new numbers
  std::unordered_map<std::uint32_t, std::uint32_t> numbers_, texts_;
  std::string out_types_, out_strings_ = std::string(1, '\0');
};

}  // namespace

std::vector<char> extract_types(std::span<const char> full, const std::unordered_set<std::string_view>& names) {
  const Sections sections(full);
  Extraction extraction(sections);
  return extraction.index(names) ? extraction.write() : std::vector<char>{};
}

std::vector<std::uint32_t> kernel_type_numbers(std::span<const TypeName> wanted) {
  const BtfFile kernel(kernel_btf);
  const Sections sections(kernel.bytes());
  std::vector<std::uint32_t> numbers(wanted.size(), 0);
  std::uint32_t number = 0;
  std::size_t left = wanted.size();
  const bool understood = sections.walk([&](std::uint32_t, const btf_type& type) {
    ++number;
    const unsigned kind = BTF_INFO_KIND(type.info);
    for (std::size_t i = 0; i < wanted.size(); ++i)
      if (wanted[i].kind == kind && !numbers[i] && sections.is(type.name_off, wanted[i].name)) {
        numbers[i] = number;
        --left;
      }
    return left > 0;
  });
  return understood ? numbers : std::vector<std::uint32_t>(wanted.size(), 0);
}

bool kernel_has_member(std::string_view structure, std::string_view member) {
  const BtfFile kernel(kernel_btf);
  const Sections sections(kernel.bytes());
  bool found = false;
  sections.walk([&](std::uint32_t, const btf_type& type) {
    if (BTF_INFO_KIND(type.info) != BTF_KIND_STRUCT || !sections.is(type.name_off, structure)) return true;
    const auto* members = reinterpret_cast<const btf_member*>(&type + 1);
    for (unsigned i = 0; i < BTF_INFO_VLEN(type.info); ++i) found = found || sections.is(members[i].name_off, member);
    return !found;
  });
  return found;
}

std::unordered_set<std::string_view> type_names(const btf* types) {
  std::unordered_set<std::string_view> names;
  for (std::uint32_t id = 1; id < btf__type_cnt(types); ++id) {
    const btf_type* type = btf__type_by_id(types, id);
    if (!can_be_asked_for(btf_kind(type)) || !type->name_off) continue;
    const std::string_view name = btf__name_by_offset(types, type->name_off);
    names.insert(name.substr(0, name.find("___")));
  }
  return names;
}

TypesFile::TypesFile() : file_(memfd_create("types", MFD_CLOEXEC)) {
  const std::string path = "/proc/self/fd/" + std::to_string(file_.get());
  if (file_ && access(path.c_str(), R_OK) == 0) path_ = path;
}

bool TypesFile::fill(const btf* types) {
  const BtfFile kernel(kernel_btf);
  const auto part = extract_types(kernel.bytes(), type_names(types));
  return !part.empty() && ftruncate(file_.get(), 0) == 0 &&
         pwrite(file_.get(), part.data(), part.size(), 0) == static_cast<ssize_t>(part.size());
}

}  // namespace sonde::kernel
