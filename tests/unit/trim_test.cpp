// SPDX-License-Identifier: GPL-2.0-or-later
// What the build drops from BPF objects (src/trim), on bytes put together here. That kernels take what is left, the
// verifier's tests say.
#include <elf.h>
#include <gtest/gtest.h>
#include <linux/btf.h>

#include <cstdint>
#include <cstring>

#include "core/btf.h"
#include "core/bytes.h"
#include "corpus.h"
#include "trim/btf.h"
#include "trim/object.h"
#include "trim/string_table.h"

namespace sonde::trim {
namespace {

using Words = std::vector<std::uint32_t>;

std::string bytes_of(const Words& words) {
  return {reinterpret_cast<const char*>(words.data()), words.size() * sizeof(std::uint32_t)};
}

Words words_of(std::string_view bytes) {
  Words words(bytes.size() / sizeof(std::uint32_t));
  std::memcpy(words.data(), bytes.data(), words.size() * sizeof(std::uint32_t));
  return words;
}

// .BTF.ext of functions, lines and relocations.
std::string ext_of(const Words& functions, const Words& lines, const Words& relocations) {
  const auto size = [](const Words& words) { return static_cast<std::uint32_t>(words.size() * sizeof(std::uint32_t)); };
  const std::uint32_t f = size(functions), l = size(lines), r = size(relocations);
  return bytes_of({BTF_MAGIC | 1U << 16, 32, 0, f, f, l, f + l, r}) + bytes_of(functions) + bytes_of(lines) +
         bytes_of(relocations);
}

// The words of one of its parts: 0 functions, 1 lines, 2 relocations.
Words part_of(const std::string& ext, unsigned number) {
  const auto offset = read_at<std::uint32_t>(ext, 8 + number * 8), size = read_at<std::uint32_t>(ext, 12 + number * 8);
  return words_of(part(ext, 32 + *offset, *size));
}

std::string btf_of(const Words& types, const std::string& strings) {
  const auto type_size = static_cast<std::uint32_t>(types.size() * sizeof(std::uint32_t));
  const auto string_size = static_cast<std::uint32_t>(strings.size());
  return bytes_of({BTF_MAGIC | 1U << 16, 24, 0, type_size, type_size, string_size}) + bytes_of(types) + strings;
}

constexpr std::uint32_t info(std::uint32_t kind, std::uint32_t length) { return kind << 24 | length; }

// struct s { int a; }; int f(int a), int g(int a) in one section, each with two lines.
struct Sample {
  StringTable strings;
  Words types;
  std::string ext;

  Sample() {
    const auto s = [this](const char* text) { return strings.put(text); };
    s("nobody's");
    types = {s("int"), info(BTF_KIND_INT, 0),        4, 32,  // 1
             s("s"),   info(BTF_KIND_STRUCT, 1),     4, s("a"), 1,
             0,                                                     // 2
             0,        info(BTF_KIND_FUNC_PROTO, 1), 1, s("a"), 1,  // 3
             s("f"),   info(BTF_KIND_FUNC, 1),       3, s("g"), info(BTF_KIND_FUNC, 1),
             3};  // 4, 5
    const auto code = s("tc"), file = s("f.c");
    ext = ext_of({8, code, 2, 0, 4, 48, 5},
                 {16, code, 4, 0, file, s("int f(int a)"), 1 << 10,  //
                  8, file, s("  return a;"), 2 << 10,                //
                  48, file, s("int g(int a)"), 4 << 10,              //
                  56, file, s("  return -a;"), 5 << 10},
                 {16, code, 1, 8, 2, s("0:0"), 0});
  }
  [[nodiscard]] std::string btf() const { return btf_of(types, strings.bytes()); }
};

std::string strings_of(const std::string& btf) { return std::string(btf_sections(btf)->strings); }

std::string text(const std::string& btf, std::uint32_t offset) {
  return std::string(text_at(btf_sections(btf)->strings, offset, 100));
}

TEST(Trim, EachFunctionKeepsItsFirstLine) {
  const Sample sample;
  const auto trimmed = trim_types(sample.btf(), sample.ext);
  ASSERT_TRUE(trimmed);
  const Words lines = part_of(trimmed->ext, 1);
  ASSERT_EQ(lines.size(), 11U);
  EXPECT_EQ(lines[0], 16U);
  EXPECT_EQ(text(trimmed->btf, lines[1]), "tc");
  EXPECT_EQ(lines[2], 2U);
  EXPECT_EQ(lines[3], 0U);
  EXPECT_EQ(text(trimmed->btf, lines[4]), "f.c");
  EXPECT_EQ(text(trimmed->btf, lines[5]), "int f(int a)");
  EXPECT_EQ(lines[6], 1U << 10);
  EXPECT_EQ(lines[7], 48U);
  EXPECT_EQ(text(trimmed->btf, lines[9]), "int g(int a)");
}

TEST(Trim, FunctionsAndRelocationsStay) {
  const Sample sample;
  const auto trimmed = trim_types(sample.btf(), sample.ext);
  ASSERT_TRUE(trimmed);
  const Words functions = part_of(trimmed->ext, 0), relocations = part_of(trimmed->ext, 2);
  EXPECT_EQ(text(trimmed->btf, functions.at(1)), "tc");
  EXPECT_EQ(Words(functions.begin() + 2, functions.end()), (Words{2, 0, 4, 48, 5}));
  ASSERT_EQ(relocations.size(), 7U);
  EXPECT_EQ(text(trimmed->btf, relocations[1]), "tc");
  EXPECT_EQ(Words(relocations.begin() + 2, relocations.begin() + 5), (Words{1, 8, 2}));
  EXPECT_EQ(text(trimmed->btf, relocations[5]), "0:0");
}

TEST(Trim, TypesKeepTheirNumbersAndNames) {
  const Sample sample;
  const auto trimmed = trim_types(sample.btf(), sample.ext);
  ASSERT_TRUE(trimmed);
  const std::string untrimmed = sample.btf();
  const auto before = Btf::read(untrimmed), after = Btf::read(trimmed->btf);
  ASSERT_TRUE(before && after);
  for (std::uint32_t id = 1; id < 7; ++id) EXPECT_EQ(before->type(id), after->type(id)) << id;
  ASSERT_EQ(after->functions().size(), 2U);
  EXPECT_EQ(after->functions()[1].name, "g");
  EXPECT_EQ(after->functions()[1].id, 5U);
  ASSERT_TRUE(after->prototype(4));
  EXPECT_EQ(after->prototype(4)->parameters.at(0).name, "a");
  const Words types = words_of(btf_sections(trimmed->btf)->types);
  EXPECT_EQ(text(trimmed->btf, types.at(7)), "a");  // the member
}

TEST(Trim, StringsThatNobodyRefersToAreGone) {
  const Sample sample;
  const auto trimmed = trim_types(sample.btf(), sample.ext);
  ASSERT_TRUE(trimmed);
  const std::string strings = strings_of(trimmed->btf);
  EXPECT_EQ(strings.find("nobody's"), std::string::npos);
  EXPECT_EQ(strings.find("return"), std::string::npos);
  EXPECT_EQ(strings.find("a"), strings.rfind("\0a\0", std::string::npos, 3) + 1) << "a member and two parameters";
  EXPECT_EQ(strings.front(), '\0');
  EXPECT_EQ(strings.back(), '\0');
}

TEST(Trim, TwiceIsOnce) {
  const Sample sample;
  const auto once = trim_types(sample.btf(), sample.ext);
  ASSERT_TRUE(once);
  const auto twice = trim_types(once->btf, once->ext);
  ASSERT_TRUE(twice);
  EXPECT_EQ(once->btf, twice->btf);
  EXPECT_EQ(once->ext, twice->ext);
}

TEST(Trim, RefusesTypesThatItDoesNotKnow) {
  Sample sample;
  EXPECT_FALSE(trim_types("", sample.ext));
  EXPECT_FALSE(trim_types(sample.btf(), ""));
  EXPECT_FALSE(trim_types(sample.btf(), sample.ext.substr(0, sample.ext.size() - 4)));
  sample.types[1] = info(31, 0);
  EXPECT_FALSE(trim_types(sample.btf(), sample.ext));
}

// An object with that sample, two labels and two relocations.
class Linked {
 public:
  Linked() {
    add("", SHT_NULL, "", 1);
    add(".strtab", SHT_STRTAB, "", 1);
    add(".symtab", SHT_SYMTAB, "", 8);
    add("tc", SHT_PROGBITS, std::string(64, 'i'), 8);
    add(".reltc", SHT_REL, "", 8);
    add(".bss", SHT_NOBITS, "", 8);
    add("license", SHT_PROGBITS, std::string("GPL", 4), 1);
    add(".BTF", SHT_PROGBITS, sample_.btf(), 8);
    add(".BTF.ext", SHT_PROGBITS, sample_.ext, 8);
    symbol("", 0, 0, 0);
    symbol("", ELF64_ST_INFO(STB_LOCAL, STT_SECTION), 3, 0);
    symbol("LBB0_1", ELF64_ST_INFO(STB_LOCAL, STT_NOTYPE), 3, 16);
    symbol("LBB0_2", ELF64_ST_INFO(STB_LOCAL, STT_NOTYPE), 3, 24);
    symbol("f", ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), 3, 0);
    symbol("data", ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT), 5, 0);
    relocation(0, 5);
    relocation(32, 3);
  }
  // Relocations of .BTF.ext, as clang leaves them to the linker.
  void unlink() {
    add(".rel.BTF.ext", SHT_REL, "", 8);
    sections_.back().sh_info = 8;
  }
  [[nodiscard]] std::string bytes() {
    bytes_[2] = items_bytes(symbols_), bytes_[4] = items_bytes(relocations_);
    bytes_[1] = names_.bytes();
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64, header.e_ident[EI_DATA] = ELFDATA2LSB, header.e_ident[EI_VERSION] = 1;
    header.e_type = ET_REL, header.e_machine = EM_BPF, header.e_ehsize = sizeof(header);
    header.e_shentsize = sizeof(Elf64_Shdr), header.e_shnum = static_cast<std::uint16_t>(sections_.size());
    header.e_shstrndx = 1;
    sections_[2].sh_link = 1, sections_[2].sh_entsize = sizeof(Elf64_Sym);
    sections_[4].sh_link = 2, sections_[4].sh_info = 3;
    std::string out(sizeof(header), '\0');
    for (std::size_t i = 0; i < sections_.size(); ++i) {
      sections_[i].sh_offset = out.size();
      sections_[i].sh_size = sections_[i].sh_type == SHT_NOBITS ? 40 : bytes_[i].size();
      out += bytes_[i];
    }
    header.e_shoff = out.size();
    out += items_bytes(sections_);
    std::memcpy(out.data(), &header, sizeof(header));
    return out;
  }

 private:
  template <class T>
  static std::string items_bytes(const std::vector<T>& all) {
    return {reinterpret_cast<const char*>(all.data()), all.size() * sizeof(T)};
  }
  void add(const char* name, std::uint32_t type, std::string bytes, std::uint64_t align) {
    Elf64_Shdr section{};
    section.sh_name = names_.put(name), section.sh_type = type, section.sh_addralign = align;
    sections_.push_back(section);
    bytes_.push_back(std::move(bytes));
  }
  void symbol(const char* name, unsigned char info, std::uint16_t section, std::uint64_t value) {
    symbols_.push_back({names_.put(name), info, 0, section, value, 0});
  }
  void relocation(std::uint64_t offset, std::uint64_t symbol) {
    relocations_.push_back({offset, ELF64_R_INFO(symbol, R_X86_64_64)});
  }

  Sample sample_;
  StringTable names_;
  std::vector<Elf64_Shdr> sections_;
  std::vector<std::string> bytes_;
  std::vector<Elf64_Sym> symbols_;
  std::vector<Elf64_Rel> relocations_;
};

// What is read back of an object.
struct Found {
  std::string bytes;
  std::vector<Elf64_Shdr> sections;

  explicit Found(std::string from) : bytes(std::move(from)) {
    const auto header = read_at<Elf64_Ehdr>(bytes, 0);
    for (std::size_t i = 0; i < header->e_shnum; ++i)
      sections.push_back(*read_at<Elf64_Shdr>(bytes, header->e_shoff + i * sizeof(Elf64_Shdr)));
  }
  [[nodiscard]] std::string_view contents(std::size_t number) const {
    return part(bytes, sections.at(number).sh_offset, sections.at(number).sh_size);
  }
  [[nodiscard]] std::string name(std::uint32_t offset) const { return std::string(text_at(contents(1), offset, 100)); }
  [[nodiscard]] std::string symbol(std::uint64_t number) const {
    const auto symbol = read_at<Elf64_Sym>(contents(2), number * sizeof(Elf64_Sym));
    return symbol ? name(symbol->st_name) : "none";
  }
};

TEST(Trim, LabelsWithoutARelocationAreGone) {
  const auto trimmed = trim_object(Linked().bytes());
  ASSERT_TRUE(trimmed);
  const Found found(*trimmed);
  ASSERT_EQ(found.sections[2].sh_size, 5 * sizeof(Elf64_Sym));
  EXPECT_EQ(found.sections[2].sh_info, 3U) << "the first that is not local";
  EXPECT_EQ(found.symbol(2), "LBB0_2");
  EXPECT_EQ(found.symbol(3), "f");
  EXPECT_EQ(trimmed->find("LBB0_1"), std::string::npos);
  const auto first = read_at<Elf64_Rel>(found.contents(4), 0);
  const auto second = read_at<Elf64_Rel>(found.contents(4), sizeof(Elf64_Rel));
  ASSERT_TRUE(first && second);
  EXPECT_EQ(found.symbol(ELF64_R_SYM(first->r_info)), "data");
  EXPECT_EQ(found.symbol(ELF64_R_SYM(second->r_info)), "LBB0_2");
  EXPECT_EQ(ELF64_R_TYPE(second->r_info), static_cast<unsigned>(R_X86_64_64));
  EXPECT_EQ(second->r_offset, 32U);
}

TEST(Trim, SectionsKeepTheirPlaceAndAreAligned) {
  const auto trimmed = trim_object(Linked().bytes());
  ASSERT_TRUE(trimmed);
  const Found before(Linked().bytes()), after(*trimmed);
  ASSERT_EQ(before.sections.size(), after.sections.size());
  for (std::size_t i = 1; i < after.sections.size(); ++i) {
    EXPECT_EQ(before.name(before.sections[i].sh_name), after.name(after.sections[i].sh_name));
    EXPECT_EQ(after.sections[i].sh_offset % after.sections[i].sh_addralign, 0U) << i;
  }
  EXPECT_EQ(after.contents(3), std::string(64, 'i'));
  EXPECT_EQ(after.contents(6), std::string("GPL", 4));
  EXPECT_EQ(after.sections[5].sh_size, 40U) << "what has no bytes has a size";
  const auto types = trim_types(before.contents(7), before.contents(8));
  ASSERT_TRUE(types);
  EXPECT_EQ(after.contents(7), types->btf);
  EXPECT_EQ(after.contents(8), types->ext);
  EXPECT_EQ(trim_object(*trimmed), trimmed);
}

TEST(Trim, RefusesWhatIsNoLinkedObject) {
  EXPECT_FALSE(trim_object(""));
  EXPECT_FALSE(trim_object(test::corpus("elf/u64.o")));
  EXPECT_FALSE(trim_object(test::corpus("elf/a.bpf.o"))) << "as clang made it";
  Linked unlinked;
  EXPECT_TRUE(trim_object(unlinked.bytes()));
  unlinked.unlink();
  EXPECT_FALSE(trim_object(unlinked.bytes()));
  const std::string whole = Linked().bytes();
  for (std::size_t size = 0; size < whole.size(); size += 7) EXPECT_FALSE(trim_object(whole.substr(0, size))) << size;
}

}  // namespace
}  // namespace sonde::trim
