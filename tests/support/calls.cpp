// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/calls.h"

#include <elf.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

namespace sonde::test {
namespace {

std::int64_t now(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

template <class... A>
long raw(long number, A... arguments) {
  const long result = syscall(number, arguments...);
  return result < 0 ? -errno : result;
}

#if defined(__x86_64__)
constexpr int nr32[] = {5, 295, 437, 8};  // open, openat, openat2, creat

// 32-bit calls reach only the lowest 4 GiB.
long compat_call(const Request& request) {
  static char* const low =
      static_cast<char*>(mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0));
  if (request.path.size() >= 4096) fail("too long a path for a 32-bit call");
  std::memcpy(low, request.path.c_str(), request.path.size() + 1);
  const auto path = reinterpret_cast<long>(low), how_at = path + 4096;
  const open_how how{request.flags, request.mode, 0};
  std::memcpy(low + 4096, &how, sizeof(how));
  const auto flags = static_cast<int>(request.flags), mode = static_cast<int>(request.mode);
  const int number = nr32[static_cast<int>(request.via)];
  switch (request.via) {
    case Via::open:
      return compat_syscall(number, path, flags, mode, 0);
    case Via::openat:
      return compat_syscall(number, request.dirfd, path, flags, mode);
    case Via::openat2:
      return compat_syscall(number, request.dirfd, path, how_at, sizeof(how));
    default:
      return compat_syscall(number, path, mode, 0, 0);
  }
}
#else
long compat_call(const Request&) { fail("no 32-bit calls on this machine"); }
#endif

template <class Header, class Segment>
std::string elf(unsigned char elf_class, std::uint16_t machine, std::string code) {
  constexpr std::uint64_t base = 0x400000, entry = base + sizeof(Header) + sizeof(Segment);
  Header header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = elf_class;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_EXEC;
  header.e_machine = machine;
  header.e_version = EV_CURRENT;
  header.e_entry = entry;
  header.e_phoff = header.e_ehsize = sizeof(Header);
  header.e_phentsize = sizeof(Segment);
  header.e_phnum = 1;
  Segment segment{};
  segment.p_type = PT_LOAD;
  segment.p_flags = PF_R | PF_X;
  segment.p_align = 4096;
  segment.p_vaddr = base;
  segment.p_filesz = segment.p_memsz =
      static_cast<decltype(segment.p_filesz)>(sizeof(Header) + sizeof(Segment) + code.size());
  return std::string(reinterpret_cast<const char*>(&header), sizeof(header)) +
         std::string(reinterpret_cast<const char*>(&segment), sizeof(segment)) + code;
}

}  // namespace

#if defined(__x86_64__)
long compat_syscall(long number, long b, long c, long d, long si, long di) {
  asm volatile("int $0x80"
               : "+a"(number)
               : "b"(b), "c"(c), "d"(d), "S"(si), "D"(di)
               : "memory", "r8", "r9", "r10", "r11");
  return static_cast<int>(number);
}
#else
long compat_syscall(long, long, long, long, long, long) { fail("no 32-bit calls on this machine"); }
#endif

const char* name_of(Via via) {
  static constexpr const char* names[] = {"open", "openat", "openat2", "creat"};
  return names[static_cast<int>(via)];
}

long call(const Request& request) {
  const char* path = request.path.c_str();
  if (request.compat) return compat_call(request);
  if (request.via == Via::openat) return raw(SYS_openat, request.dirfd, path, request.flags, request.mode);
  if (request.via != Via::openat2) return call_at(request.via, path, request.flags, request.mode);
  const open_how how{request.flags, request.mode, 0};
  return raw(SYS_openat2, request.dirfd, path, &how, sizeof(how));
}

long call_at(Via via, const void* path, std::uint64_t flags, mode_t mode) {
#ifdef SYS_open
  if (via == Via::open) return raw(SYS_open, path, flags, mode);
  if (via == Via::creat) return raw(SYS_creat, path, mode);
#endif
  const open_how how{flags, mode, 0};
  if (via == Via::openat2) return raw(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
  return raw(SYS_openat, AT_FDCWD, path, flags, mode);
}

long call_openat2(const char* path, const void* how, std::size_t size) {
  return raw(SYS_openat2, AT_FDCWD, path, how, size);
}

long Diary::make(const Request& request) const {
  return make(request, [&] { return call(request); });
}

long Diary::make(const Request& request, const std::function<long()>& call) const {
  Made made{};
  made.pid = getpid();
  made.tid = static_cast<pid_t>(syscall(SYS_gettid));
  made.ppid = getppid();
  made.uid = getuid();
  prctl(PR_GET_NAME, made.comm);
  if (!getcwd(made.cwd, sizeof(made.cwd))) fail("no working directory");
  std::strncpy(made.path, request.path.c_str(), sizeof(made.path) - 1);
  made.flags = request.via == Via::creat ? O_CREAT | O_WRONLY | O_TRUNC : request.flags;
  made.mode = request.mode;
  made.dirfd = request.via == Via::openat || request.via == Via::openat2 ? request.dirfd : AT_FDCWD;
  made.wall_before = now(CLOCK_REALTIME);
  made.before = now(CLOCK_MONOTONIC);
  made.result = call();
  made.after = now(CLOCK_MONOTONIC);
  made.wall_after = now(CLOCK_REALTIME);
  if (made.result >= 0) close(static_cast<int>(made.result));
  const int page = __atomic_fetch_add(&book_->used, 1, __ATOMIC_RELAXED);
  if (page >= most) fail("the diary is full");
  book_->made[page] = made;
  return made.result;
}

std::vector<Made> Diary::entries() const { return {book_->made, book_->made + book_->used}; }

std::vector<Made> Diary::of_thread(pid_t tid) const {
  auto own = entries();
  own.erase(std::remove_if(own.begin(), own.end(), [&](const Made& made) { return made.tid != tid; }), own.end());
  return own;
}

void make_load(const std::string& path, int count) {
  for (int i = 0; i < count; ++i) syscall(SYS_openat, AT_FDCWD, path.c_str(), O_RDONLY);
}

bool has_compat() {
#if defined(__x86_64__)
  constexpr long getpid32 = 20;
  // A kernel without them answers with a signal or ENOSYS.
  return Child([] { return compat_syscall(getpid32) == getpid() ? 0 : 1; }).wait() == 0;
#else
  return false;
#endif
}

std::string tiny_program(const std::string& path, bool compat) {
  // open(path, 0, 0), where the path stands behind the code; exit(7).
  const std::string code32("\xB8\x05\0\0\0\xBB\0\0\0\0\x31\xC9\x31\xD2\xCD\x80\xB8\x01\0\0\0\xBB\x07\0\0\0\xCD\x80",
                           28);
  const std::string code64("\xB8\x02\0\0\0\xBF\0\0\0\0\x31\xF6\x31\xD2\x0F\x05\xB8\x3C\0\0\0\xBF\x07\0\0\0\x0F\x05",
                           28);
  constexpr std::size_t address_at = 6;
  std::string code = compat ? code32 : code64;
  const auto headers = compat ? sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr) : sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr);
  const auto address = static_cast<std::uint32_t>(0x400000 + headers + code.size());
  std::memcpy(code.data() + address_at, &address, sizeof(address));
  code += path + '\0';
  return compat ? elf<Elf32_Ehdr, Elf32_Phdr>(ELFCLASS32, EM_386, code)
                : elf<Elf64_Ehdr, Elf64_Phdr>(ELFCLASS64, EM_X86_64, code);
}

std::int64_t wall_ns(const std::string& text) {
  std::tm parts{};
  const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S.", &parts);
  if (!rest || std::strlen(rest) != 10 || rest[9] != 'Z') fail("no time: " + text);
  return std::int64_t{timegm(&parts)} * 1'000'000'000 + std::strtoll(rest, nullptr, 10);
}

}  // namespace sonde::test
