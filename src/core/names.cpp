// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/names.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <iterator>
#include <mutex>

namespace sonde {

namespace {

// The generic numbers (x86-64, arm64): 41 and 58 were never given out.
// clang-format off
constexpr std::string_view user_errnos[] = {
    "", "EPERM", "ENOENT", "ESRCH", "EINTR", "EIO", "ENXIO", "E2BIG", "ENOEXEC", "EBADF", "ECHILD", "EAGAIN",
    "ENOMEM", "EACCES", "EFAULT", "ENOTBLK", "EBUSY", "EEXIST", "EXDEV", "ENODEV", "ENOTDIR", "EISDIR", "EINVAL",
    "ENFILE", "EMFILE", "ENOTTY", "ETXTBSY", "EFBIG", "ENOSPC", "ESPIPE", "EROFS", "EMLINK", "EPIPE", "EDOM",
    "ERANGE", "EDEADLK", "ENAMETOOLONG", "ENOLCK", "ENOSYS", "ENOTEMPTY", "ELOOP", "", "ENOMSG", "EIDRM", "ECHRNG",
    "EL2NSYNC", "EL3HLT", "EL3RST", "ELNRNG", "EUNATCH", "ENOCSI", "EL2HLT", "EBADE", "EBADR", "EXFULL", "ENOANO",
    "EBADRQC", "EBADSLT", "", "EBFONT", "ENOSTR", "ENODATA", "ETIME", "ENOSR", "ENONET", "ENOPKG", "EREMOTE",
    "ENOLINK", "EADV", "ESRMNT", "ECOMM", "EPROTO", "EMULTIHOP", "EDOTDOT", "EBADMSG", "EOVERFLOW", "ENOTUNIQ",
    "EBADFD", "EREMCHG", "ELIBACC", "ELIBBAD", "ELIBSCN", "ELIBMAX", "ELIBEXEC", "EILSEQ", "ERESTART", "ESTRPIPE",
    "EUSERS", "ENOTSOCK", "EDESTADDRREQ", "EMSGSIZE", "EPROTOTYPE", "ENOPROTOOPT", "EPROTONOSUPPORT",
    "ESOCKTNOSUPPORT", "EOPNOTSUPP", "EPFNOSUPPORT", "EAFNOSUPPORT", "EADDRINUSE", "EADDRNOTAVAIL", "ENETDOWN",
    "ENETUNREACH", "ENETRESET", "ECONNABORTED", "ECONNRESET", "ENOBUFS", "EISCONN", "ENOTCONN", "ESHUTDOWN",
    "ETOOMANYREFS", "ETIMEDOUT", "ECONNREFUSED", "EHOSTDOWN", "EHOSTUNREACH", "EALREADY", "EINPROGRESS", "ESTALE",
    "EUCLEAN", "ENOTNAM", "ENAVAIL", "EISNAM", "EREMOTEIO", "EDQUOT", "ENOMEDIUM", "EMEDIUMTYPE", "ECANCELED",
    "ENOKEY", "EKEYEXPIRED", "EKEYREVOKED", "EKEYREJECTED", "EOWNERDEAD", "ENOTRECOVERABLE", "ERFKILL", "EHWPOISON",
};
// clang-format on

// include/linux/errno.h: meant to stay inside the kernel, but probes see them.
constexpr int first_kernel_errno = 512;
// clang-format off
constexpr std::string_view kernel_errnos[] = {
    "ERESTARTSYS", "ERESTARTNOINTR", "ERESTARTNOHAND", "ENOIOCTLCMD", "ERESTART_RESTARTBLOCK", "EPROBE_DEFER",
    "EOPENSTALE", "ENOPARAM", "", "EBADHANDLE", "ENOTSYNC", "EBADCOOKIE", "ENOTSUPP", "ETOOSMALL", "ESERVERFAULT",
    "EBADTYPE", "EJUKEBOX", "EIOCBQUEUED", "ERECALLCONFLICT", "ENOGRACE",
};
// clang-format on

constexpr int max_errno = 4095;  // beyond it a negative return value is a result, not an error

struct Alias {
  std::string_view name;
  int number;
};
constexpr Alias errno_aliases[] = {{"EWOULDBLOCK", 11}, {"EDEADLOCK", 35}, {"ENOTSUP", 95}};

std::string_view known_errno(int number) {
  if (number >= 0 && number < static_cast<int>(std::size(user_errnos)))
    return user_errnos[static_cast<std::size_t>(number)];
  const int kernel = number - first_kernel_errno;
  if (number >= first_kernel_errno && kernel < static_cast<int>(std::size(kernel_errnos)))
    return kernel_errnos[static_cast<std::size_t>(kernel)];
  return {};
}

bool same_name(std::string_view a, std::string_view b) {
  const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return upper(x) == upper(y); });
}

std::optional<int> errno_from_digits(std::string_view digits) {
  int number = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool whole = failure == std::errc{} && end == digits.data() + digits.size();
  if (!whole || number < 1 || number > max_errno) return std::nullopt;
  return number;
}

}  // namespace

std::string_view errno_name(int number) {
  if (const std::string_view known = known_errno(number); !known.empty()) return known;
  static std::mutex guard;
  static std::unordered_map<int, std::string> made;  // elements stay where they are
  const std::lock_guard lock(guard);
  std::string& name = made[number];
  if (name.empty()) name = "E" + std::to_string(number);
  return name;
}

std::optional<int> errno_number(std::string_view name) {
  if (name.empty()) return std::nullopt;
  for (int number = 1; number < first_kernel_errno + static_cast<int>(std::size(kernel_errnos)); ++number)
    if (same_name(name, known_errno(number))) return number;
  for (const Alias& alias : errno_aliases)
    if (same_name(name, alias.name)) return alias.number;
  if (name.front() == 'E' || name.front() == 'e') name.remove_prefix(1);
  return errno_from_digits(name);
}

namespace {

struct FlagName {
  std::uint64_t bits;
  std::string_view name;
};

constexpr std::uint64_t access_mode = 3;
constexpr std::string_view access_names[] = {"O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"};

// Compound flags come before their parts, which they use up.
constexpr FlagName open_flags[] = {
    {0x101000, "O_SYNC"},     {0x410000, "O_TMPFILE"}, {0x40, "O_CREAT"},      {0x80, "O_EXCL"},
    {0x100, "O_NOCTTY"},      {0x200, "O_TRUNC"},      {0x400, "O_APPEND"},    {0x800, "O_NONBLOCK"},
    {0x1000, "O_DSYNC"},      {0x2000, "O_ASYNC"},     {0x4000, "O_DIRECT"},   {0x8000, "O_LARGEFILE"},
    {0x10000, "O_DIRECTORY"}, {0x20000, "O_NOFOLLOW"}, {0x40000, "O_NOATIME"}, {0x80000, "O_CLOEXEC"},
    {0x200000, "O_PATH"},
};

}  // namespace

std::string hexadecimal(std::uint64_t number) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16).ptr;
  return "0x" + std::string(digits.data(), end);
}

std::string open_flag_names(std::uint64_t flags) {
  std::string result(access_names[flags & access_mode]);
  flags &= ~access_mode;
  for (const FlagName& flag : open_flags) {
    if ((flags & flag.bits) != flag.bits) continue;
    result.append("|").append(flag.name);
    flags &= ~flag.bits;
  }
  if (flags != 0) result.append("|").append(hexadecimal(flags));
  return result;
}

std::string_view OpenFlagNames::operator()(std::uint64_t flags) {
  // A program that opens files with random flags must not make us grow.
  constexpr std::size_t most = 4096;
  const auto found = made_.find(flags);
  if (found != made_.end()) return found->second;
  if (made_.size() >= most) made_.clear();
  return made_.emplace(flags, open_flag_names(flags)).first->second;
}

std::string path_from_names(std::string_view names) {
  std::string path;
  while (!names.empty()) {
    names.remove_suffix(1);
    const auto begin = names.rfind('\0') + 1;
    path.append(1, '/').append(names.substr(begin));
    names = names.substr(0, begin);
  }
  return path.empty() ? "/" : path;
}

std::string joined_path(std::string directory, std::string_view path) {
  if (directory.ends_with('/')) directory.pop_back();
  return directory.append(path.starts_with('/') ? "" : "/").append(path);
}

std::string octal_mode(unsigned mode) {
  constexpr unsigned bits_a_digit = 3;
  std::string digits(4, '0');
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, mode >>= bits_a_digit)
    *digit = static_cast<char>('0' + mode % 8);
  return digits;
}

}  // namespace sonde
