/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * chain PATH DEPTH HOW: opens PATH, sleeps for a millisecond and sends itself SIGCONT, all at the end of a chain of
 * calls that is known frame by frame, by no library: _start > begin > first (DEPTH + 1 times) > second > third, where
 * HOW is 0;
 *   ... > second > frameless > third, where it is 1: a function without a frame pointer, which hides `second`;
 *   ... > second > misused > third, where it is 2: one that has put something else into that register.
 * Where PATH is @, it computes there, for ever; where it is ~, it sleeps there for ever.
 */

__attribute__((used)) static long third(const char* path);

#if defined(__x86_64__)
__asm__(
    ".globl _start\n.type _start, @function\n_start:\n"
    "  xor %ebp, %ebp\n  mov %rsp, %rdi\n  call begin\n.size _start, . - _start\n"
    ".globl frameless\n.type frameless, @function\nframeless:\n"
    "  sub $8, %rsp\n  call third\n  add $8, %rsp\n  ret\n.size frameless, . - frameless\n"
    ".globl misused\n.type misused, @function\nmisused:\n"
    "  push %rbx\n  mov %rbp, %rbx\n  mov $0x123456, %ebp\n  call third\n  mov %rbx, %rbp\n  pop %rbx\n  ret\n"
    ".size misused, . - misused\n");

static inline __attribute__((always_inline)) long call(long number, long a, long b, long c) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}
enum { nr_openat = 257, nr_nanosleep = 35, nr_getpid = 39, nr_kill = 62, nr_exit_group = 231 };
#elif defined(__aarch64__)
__asm__(
    ".globl _start\n.type _start, @function\n_start:\n"
    "  mov x29, #0\n  mov x30, #0\n  mov x0, sp\n  bl begin\n.size _start, . - _start\n"
    ".globl frameless\nframeless:\n  b third\n.globl misused\nmisused:\n  b third\n");

static inline __attribute__((always_inline)) long call(long number, long a, long b, long c) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
  return x0;
}
enum { nr_openat = 56, nr_nanosleep = 101, nr_getpid = 172, nr_kill = 129, nr_exit_group = 94 };
#endif

long frameless(const char* path);
long misused(const char* path);

static int number(const char* text) {
  int n = 0;
  while (*text) n = n * 10 + *text++ - '0';
  return n;
}

static long third(const char* path) {
  const long millisecond[] = {0, 1000000};
  const long hour[] = {3600, 0};
  const int sigcont = 18;

  for (volatile unsigned long turns = 0; path[0] == '@'; turns++) {
  }
  while (path[0] == '~') call(nr_nanosleep, (long)hour, 0, 0);
  call(nr_openat, -100, (long)path, 0);
  call(nr_nanosleep, (long)millisecond, 0, 0);
  return call(nr_kill, call(nr_getpid, 0, 0, 0), sigcont, 0);
}

static long second(const char* path, int how) {
  if (how == 1) return frameless(path) + 1;
  if (how == 2) return misused(path) + 1;
  return third(path) + 1;
}

static long first(const char* path, int depth, int how) {
  if (depth > 0) return first(path, depth - 1, how) + 1;
  return second(path, how) + 1;
}

__attribute__((used)) void begin(long* stack) {
  char** words = (char**)(stack + 1);
  if (stack[0] > 3) first(words[1], number(words[2]), number(words[3]));
  call(nr_exit_group, 0, 0, 0);
}
