// SPDX-License-Identifier: GPL-2.0-or-later
#include "trim/btf.h"

#include <linux/btf.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <set>
#include <utility>
#include <vector>

#include "core/btf.h"
#include "core/bytes.h"
#include "trim/string_table.h"

namespace sonde::trim {
namespace {

// Documentation/bpf/btf.rst; linux/btf.h does not have it.
struct ExtHeader {
  std::uint16_t magic = 0;
  std::uint8_t version = 0, flags = 0;
  std::uint32_t header_size = 0;
  struct Part {
    std::uint32_t offset = 0, size = 0;
  } functions, lines, relocations;
};

// A record of any part begins with the offset of an instruction. These are offsets of strings in it.
constexpr std::size_t line_file = 4, line_text = 8, relocation_path = 8;

template <class T>
void append(std::string& bytes, const T& value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

// The records of one section of code.
struct Block {
  std::string_view section;
  std::vector<std::string> records;
};

struct Infos {
  std::uint32_t record_size = 0;
  std::vector<Block> blocks;
};

class Trimming {
 public:
  explicit Trimming(const BtfSections& from) : from_(from) {}

  // False if a type is not understood.
  bool take_types() {
    types_ = from_.types;
    for (std::size_t at = 0; at < types_.size();) {
      const auto type = read_at<btf_type>(types_, at);
      if (!type) return false;
      const unsigned kind = BTF_INFO_KIND(type->info), length = BTF_INFO_VLEN(type->info);
      const auto tail = btf_tail(kind, length);
      if (!tail || *tail > types_.size() - at - sizeof(btf_type)) return false;
      rename(types_, at);
      if (has_named_items(kind))
        for (std::size_t i = 0; i < length; ++i) rename(types_, at + sizeof(btf_type) + i * (*tail / length));
      at += sizeof(btf_type) + *tail;
    }
    return true;
  }

  // Of a part of .BTF.ext.
  [[nodiscard]] std::optional<Infos> read(std::string_view bytes) const {
    Infos infos;
    if (bytes.empty()) return infos;
    const auto record_size = read_at<std::uint32_t>(bytes, 0);
    if (!record_size || *record_size < 8 || *record_size % 4) return std::nullopt;
    infos.record_size = *record_size;
    for (std::size_t at = 4; at < bytes.size();) {
      const auto section = read_at<std::uint32_t>(bytes, at), count = read_at<std::uint32_t>(bytes, at + 4);
      at += 8;
      if (!section || !count || std::uint64_t{*count} * *record_size > bytes.size() - at) return std::nullopt;
      Block& block = infos.blocks.emplace_back();
      block.section = text(*section);
      for (std::uint32_t i = 0; i < *count; ++i, at += *record_size)
        block.records.emplace_back(bytes.substr(at, *record_size));
    }
    return infos;
  }

  std::string write(Infos infos, const std::vector<std::size_t>& strings) {
    std::string bytes;
    if (infos.blocks.empty()) return bytes;
    append(bytes, infos.record_size);
    for (Block& block : infos.blocks) {
      append(bytes, strings_.put(block.section));
      append(bytes, static_cast<std::uint32_t>(block.records.size()));
      for (std::string& record : block.records) {
        for (const std::size_t at : strings) rename(record, at);
        bytes += record;
      }
    }
    return bytes;
  }

  [[nodiscard]] std::string btf() const {
    btf_header header{};
    header.magic = BTF_MAGIC;
    header.version = BTF_VERSION;
    header.hdr_len = sizeof(header);
    header.type_len = header.str_off = static_cast<std::uint32_t>(types_.size());
    header.str_len = static_cast<std::uint32_t>(strings_.bytes().size());
    std::string bytes;
    append(bytes, header);
    return bytes + types_ + strings_.bytes();
  }

 private:
  static bool has_named_items(unsigned kind) {
    return kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION || kind == BTF_KIND_ENUM || kind == BTF_KIND_ENUM64 ||
           kind == BTF_KIND_FUNC_PROTO;
  }

  [[nodiscard]] std::string_view text(std::uint32_t offset) const {
    return text_at(from_.strings, offset, from_.strings.size());
  }

  // The offset of a string is there, as a type and each item with a name begin with it.
  void rename(std::string& bytes, std::size_t at) {
    const auto old = read_at<std::uint32_t>(bytes, at);
    if (!old) return;
    const std::uint32_t now = strings_.put(text(*old));
    std::memcpy(bytes.data() + at, &now, sizeof(now));
  }

  BtfSections from_;
  std::string types_;
  StringTable strings_;
};

std::uint32_t instruction(const std::string& record) { return read_at<std::uint32_t>(record, 0).value_or(0); }

void keep_first_lines(Infos& lines, const Infos& functions) {
  std::set<std::pair<std::string_view, std::uint32_t>> begins;
  for (const Block& block : functions.blocks)
    for (const std::string& record : block.records) begins.emplace(block.section, instruction(record));
  for (Block& block : lines.blocks)
    std::erase_if(block.records, [&](const auto& record) {
      return !begins.contains({block.section, instruction(record)});
    });
  std::erase_if(lines.blocks, [](const Block& block) { return block.records.empty(); });
}

}  // namespace

std::optional<TypeSections> trim_types(std::string_view btf, std::string_view ext) {
  const auto sections = btf_sections(btf);
  const auto header = read_at<ExtHeader>(ext, 0);
  if (!sections || !header || header->magic != BTF_MAGIC || header->header_size != sizeof(ExtHeader))
    return std::nullopt;
  const auto of = [&](ExtHeader::Part place) {
    return part(ext, std::uint64_t{header->header_size} + place.offset, place.size);
  };
  Trimming trimming(*sections);
  const auto functions = trimming.read(of(header->functions)), relocations = trimming.read(of(header->relocations));
  auto lines = trimming.read(of(header->lines));
  if (!functions || !lines || !relocations || (!lines->blocks.empty() && lines->record_size < line_text + 4) ||
      (!relocations->blocks.empty() && relocations->record_size < relocation_path + 4) || !trimming.take_types())
    return std::nullopt;
  keep_first_lines(*lines, *functions);

  ExtHeader now = *header;
  std::string infos;
  const auto put = [&](const std::string& bytes) {
    const ExtHeader::Part place{static_cast<std::uint32_t>(infos.size()), static_cast<std::uint32_t>(bytes.size())};
    infos += bytes;
    return place;
  };
  now.functions = put(trimming.write(*functions, {}));
  now.lines = put(trimming.write(*lines, {line_file, line_text}));
  now.relocations = put(trimming.write(*relocations, {relocation_path}));
  std::string head;
  append(head, now);
  return TypeSections{trimming.btf(), head + infos};
}

}  // namespace sonde::trim
