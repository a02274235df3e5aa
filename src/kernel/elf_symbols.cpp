// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/elf_symbols.h"

#include <gelf.h>
#include <libelf.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "core/bytes.h"
#include "core/kernel_text.h"
#include "core/mappings.h"
#include "kernel/file.h"

namespace sonde::kernel {
namespace {

constexpr std::size_t most_functions = std::size_t{4} << 20;
constexpr std::size_t most_headers = 65536;
constexpr std::size_t prologue = 128;
constexpr int looked_back = 32;

#if defined(__aarch64__)
constexpr unsigned native_machine = EM_AARCH64;
#else
constexpr unsigned native_machine = EM_X86_64;
#endif

// glibc's functions that call main() and a thread's function have no names in a stripped libc: they stand before these.
constexpr std::uint64_t before_libc_start = 0x100;
constexpr std::uint64_t before_thread_create = 0x800;
constexpr std::uint64_t entry_size = 64;

constexpr std::array<std::string_view, 22> starts{"_start",
                                                  "_start_c",
                                                  "__libc_start_main",
                                                  "__libc_start_main_impl",
                                                  "__libc_start_call_main",
                                                  "start_thread",
                                                  "clone",
                                                  "__clone",
                                                  "clone3",
                                                  "__clone3",
                                                  "thread_start",
                                                  "_dl_start",
                                                  "_dl_start_user",
                                                  "generic_start_main",
                                                  "libc_start_main_stage2",
                                                  "runtime.goexit",
                                                  "runtime.goexit.abi0",
                                                  "runtime.mstart",
                                                  "runtime.mstart.abi0",
                                                  "runtime.rt0_go.abi0",
                                                  "__clone_internal",
                                                  "_dlstart"};

// Of several names the exported ones, and of those the one that a program calls.
int rank_of(unsigned binding, const char* name) {
  int underscores = 0;
  while (name[underscores] == '_') ++underscores;
  return (binding == STB_GLOBAL ? 0 : binding == STB_WEAK ? 100 : 200) + std::min(underscores, 99);
}

}  // namespace

std::unique_ptr<ElfSymbols> ElfSymbols::read(Fd file) {
  elf_version(EV_CURRENT);
  std::unique_ptr<ElfSymbols> symbols(new ElfSymbols);
  symbols->file_ = std::move(file);
  // By reading, never by mapping: the file may be cut meanwhile.
  symbols->elf_ = elf_begin(symbols->file_.get(), ELF_C_READ, nullptr);
  return symbols->read_all() ? std::move(symbols) : nullptr;
}

std::unique_ptr<ElfSymbols> ElfSymbols::vdso() {
  const std::uint64_t at = getauxval(AT_SYSINFO_EHDR);
  std::uint64_t end = at;
  each_line(read_file("/proc/self/maps").value_or(""), [&](std::string_view line) {
    const auto mapping = mapping_of_line(line);
    if (mapping && mapping->start == at) end = mapping->end;
  });
  if (end == at) return nullptr;
  elf_version(EV_CURRENT);
  std::unique_ptr<ElfSymbols> symbols(new ElfSymbols);
  symbols->memory_.assign(reinterpret_cast<const char*>(at), end - at);
  symbols->elf_ = elf_memory(symbols->memory_.data(), symbols->memory_.size());
  return symbols->read_all() ? std::move(symbols) : nullptr;
}

ElfSymbols::~ElfSymbols() { elf_end(elf_); }

bool ElfSymbols::read_all() {
  GElf_Ehdr header;
  if (!elf_ || elf_kind(elf_) != ELF_K_ELF || !gelf_getehdr(elf_, &header)) return false;
  entry_ = header.e_entry;
  x86_64_ = header.e_machine == EM_X86_64;
  native_ = header.e_ident[EI_CLASS] == ELFCLASS64 && header.e_machine == native_machine;
  std::size_t count = 0;
  if (elf_getphdrnum(elf_, &count) != 0) count = 0;
  for (std::size_t i = 0; i < std::min(count, most_headers); ++i) {
    GElf_Phdr segment;
    if (gelf_getphdr(elf_, static_cast<int>(i), &segment) && segment.p_type == PT_LOAD)
      segments_.push_back({segment.p_offset, segment.p_filesz, segment.p_vaddr});
  }
  read_sections();
  std::sort(functions_.begin(), functions_.end(),
            [](const Function& a, const Function& b) { return std::tie(a.start, a.rank) < std::tie(b.start, b.rank); });
  if (const auto* function = function_named("__libc_start_main")) libc_start_ = function->start;
  if (const auto* function = function_named("pthread_create")) thread_create_ = function->start;
  return true;
}

void ElfSymbols::read_sections() {
  std::size_t names = 0, seen = 0;
  if (elf_getshdrstrndx(elf_, &names) != 0) names = 0;
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf_, section)) && ++seen < most_headers;) {
    GElf_Shdr header;
    if (!gelf_getshdr(section, &header)) continue;
    const char* name = names ? elf_strptr(elf_, names, header.sh_name) : nullptr;
    if (header.sh_type == SHT_SYMTAB || header.sh_type == SHT_DYNSYM) {
      const std::size_t before = functions_.size();
      read_functions(section, header.sh_link, header.sh_entsize);
      if (header.sh_type == SHT_SYMTAB && functions_.size() > before) complete_ = true;
    } else if (header.sh_type == SHT_NOTE) {
      read_notes(section);
    } else if (name && header.sh_type != SHT_NOBITS && std::strcmp(name, ".eh_frame") == 0) {
      call_frames_section_ = {section, header.sh_addr, CallFrames::Format::eh_frame};
    } else if (name && !call_frames_section_.section && !(header.sh_flags & SHF_COMPRESSED) &&
               header.sh_type == SHT_PROGBITS && std::strcmp(name, ".debug_frame") == 0) {
      call_frames_section_ = {section, 0, CallFrames::Format::debug_frame};
    } else if (name && std::strcmp(name, ".gnu_debuglink") == 0) {
      const Elf_Data* data = elf_rawdata(section, nullptr);
      if (!data || !data->d_buf) continue;
      const std::string_view bytes(static_cast<const char*>(data->d_buf), data->d_size);
      debug_link_ = text_at(bytes, 0, 256);
      debug_checksum_ = read_at<std::uint32_t>(bytes, (debug_link_.size() + 4) & ~std::size_t{3}).value_or(0);
    }
  }
}

void ElfSymbols::read_functions(void* section, std::uint64_t link, std::size_t entry) {
  Elf_Data* data = elf_getdata(static_cast<Elf_Scn*>(section), nullptr);
  if (!data || !entry) return;
  const std::size_t count = std::min(data->d_size / entry, most_functions);
  for (std::size_t i = 0; i < count && functions_.size() < most_functions; ++i) {
    GElf_Sym symbol;
    if (!gelf_getsym(data, static_cast<int>(i), &symbol) || symbol.st_shndx == SHN_UNDEF || !symbol.st_value) continue;
    const unsigned type = GELF_ST_TYPE(symbol.st_info);
    if (type != STT_FUNC && type != STT_GNU_IFUNC && (type != STT_NOTYPE || symbol.st_shndx >= SHN_LORESERVE)) continue;
    const char* name = elf_strptr(elf_, link, symbol.st_name);
    if (!name || !*name || *name == '$') continue;
    // A label of the assembler's: a name only where there is no better one.
    const int rank = rank_of(GELF_ST_BIND(symbol.st_info), name) + (type == STT_NOTYPE ? 1000 : 0);
    functions_.push_back({symbol.st_value, symbol.st_size, name, rank});
  }
}

void ElfSymbols::read_notes(void* section) {
  Elf_Data* data = elf_getdata(static_cast<Elf_Scn*>(section), nullptr);
  GElf_Nhdr note;
  std::size_t at = 0, name = 0, body = 0;
  while (data && data->d_buf && at < data->d_size && (at = gelf_getnote(data, at, &note, &name, &body)) > 0) {
    const std::string_view bytes(static_cast<const char*>(data->d_buf), data->d_size);
    if (note.n_type == NT_GNU_BUILD_ID && part(bytes, name, note.n_namesz) == std::string_view("GNU\0", 4))
      build_id_ = part(bytes, body, std::min<std::size_t>(note.n_descsz, 64));
  }
}

void ElfSymbols::take_functions(std::unique_ptr<ElfSymbols> debug) {
  if (!debug || !debug->complete_) return;
  functions_ = debug->functions_;
  complete_ = true;
  debug_ = std::move(debug);  // it owns the names
}

const ElfSymbols::Segment* ElfSymbols::segment_of(std::uint64_t file_offset) const {
  for (const auto& segment : segments_)
    if (file_offset >= segment.file_offset && file_offset - segment.file_offset < segment.size) return &segment;
  return nullptr;
}

void ElfSymbols::read_call_frames() {
  const auto& [section, address, format] = call_frames_section_;
  const Elf_Data* data = section ? elf_rawdata(static_cast<Elf_Scn*>(section), nullptr) : nullptr;
  const bool any = native_ && data && data->d_buf;
  call_frames_.emplace(any ? std::string_view(static_cast<const char*>(data->d_buf), data->d_size) : std::string_view(),
                       address, format);
}

std::optional<UnwindRow> ElfSymbols::unwind_row(std::uint64_t file_offset) {
  const Segment* segment = segment_of(file_offset);
  if (!segment) return std::nullopt;
  if (!call_frames_) read_call_frames();
  UnwindRow row = call_frames_->find(file_offset - segment->file_offset + segment->address);
  const auto offset_of = [segment](std::uint64_t address) {
    const std::uint64_t inside = address < segment->address ? 0 : address - segment->address;
    return segment->file_offset + std::min(inside, segment->size);
  };
  row.start = offset_of(row.start);
  row.end = offset_of(row.end);
  return row;
}

const ElfSymbols::Function* ElfSymbols::function_at(std::uint64_t address) const {
  auto function = std::upper_bound(functions_.begin(), functions_.end(), address,
                                   [](std::uint64_t a, const Function& f) { return a < f.start; });
  const std::uint64_t next = function == functions_.end() ? UINT64_MAX : function->start;
  const Function* best = nullptr;
  for (int i = 0; i < looked_back && function != functions_.begin(); ++i) {
    --function;
    if (best && function->start != best->start) break;
    // One without a size reaches to the next, if that is not too far to be believed.
    const std::uint64_t size = function->size ? function->size : std::min<std::uint64_t>(next - function->start, 4096);
    if (address - function->start < size && (!best || function->rank < best->rank)) best = &*function;
  }
  return best;
}

const ElfSymbols::Function* ElfSymbols::function_named(std::string_view name) const {
  const auto found = std::find_if(functions_.begin(), functions_.end(), [&](const auto& f) { return f.name == name; });
  return found == functions_.end() ? nullptr : &*found;
}

std::string ElfSymbols::code(std::uint64_t address, std::size_t size) const {
  for (const auto& segment : segments_) {
    if (address < segment.address || address - segment.address >= segment.size) continue;
    const std::uint64_t offset = address - segment.address + segment.file_offset;
    if (!memory_.empty()) return std::string(part(memory_, offset, size));
    std::string bytes(size, '\0');
    const ssize_t n = pread(file_.get(), bytes.data(), size, static_cast<off_t>(offset));
    bytes.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
    return bytes;
  }
  return {};
}

// Whether it has done "push %rbp" and then "mov %rsp,%rbp", in either encoding, where it is: a compiler may leave that
// to the path that needs it, and a sample may come before it. On other architectures compilers keep frame pointers
// unless told not to.
bool ElfSymbols::keeps_frame(const Function& function, std::uint64_t address) const {
  if (!x86_64_) return true;
  const std::string bytes = code(function.start, std::min<std::uint64_t>(address - function.start, prologue));
  const auto push = bytes.find('\x55');
  if (push == bytes.npos) return false;
  return bytes.find("\x48\x89\xe5", push) != bytes.npos || bytes.find("\x48\x8b\xec", push) != bytes.npos;
}

bool ElfSymbols::is_start(std::uint64_t address, const Function* function) const {
  if (function)
    return function->start == entry_ || std::find(starts.begin(), starts.end(), function->name) != starts.end();
  const auto shortly_before = [address](std::uint64_t start, std::uint64_t distance) {
    return address < start && start - address <= distance;
  };
  return (entry_ && address >= entry_ && address - entry_ < entry_size) ||
         shortly_before(libc_start_, before_libc_start) || shortly_before(thread_create_, before_thread_create);
}

// Between the functions around, as function_at() sees them, and outside of what is_start() asks for.
void ElfSymbols::find_nameless(std::uint64_t address, const Segment& segment, Found& found) const {
  std::uint64_t from = segment.address, to = segment.address + segment.size;
  const auto next = std::upper_bound(functions_.begin(), functions_.end(), address,
                                     [](std::uint64_t a, const Function& f) { return a < f.start; });
  if (next != functions_.end()) to = std::min(to, next->start);
  auto function = next;
  for (int i = 0; i < looked_back && function != functions_.begin(); ++i) {
    --function;
    const std::uint64_t size = function->size ? function->size : std::min<std::uint64_t>(to - function->start, 4096);
    from = std::max(from, function->start + size);
  }
  for (const auto& [begin, end] : {std::pair{entry_, entry_ + entry_size},
                                   {libc_start_ - before_libc_start, libc_start_},
                                   {thread_create_ - before_thread_create, thread_create_}}) {
    if (end <= address) from = std::max(from, end);
    if (begin > address) to = std::min(to, begin);
  }
  if (address < from || address >= to) return;
  found.from = from - segment.address + segment.file_offset;
  found.to = to - segment.address + segment.file_offset;
}

ElfSymbols::Found ElfSymbols::find(std::uint64_t file_offset, bool returns) const {
  const Segment* segment = segment_of(file_offset);
  if (!segment) return {};
  const std::uint64_t address = file_offset - segment->file_offset + segment->address;
  const std::uint64_t inside = address - (returns ? 1 : 0);
  const Function* function = function_at(inside);
  Found found;
  // A thread that is inside clone() itself calls it, and did not begin there.
  found.starts = is_start(inside, function) && (returns || (function && function->start == entry_));
  if (!function) {
    if (!found.starts && !is_start(inside, nullptr)) find_nameless(inside, *segment, found);
    return found;
  }
  found.name = function->name;
  found.offset = address - function->start;
  found.has_frame = found.starts || keeps_frame(*function, inside);
  return found;
}

}  // namespace sonde::kernel
