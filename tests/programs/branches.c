/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * branches HOW CHAINS ROUNDS: goes once in each round to the end of each of so many chains of calls, no two of which
 * are alike: main < left or right < ... < left or right, as the binary digits of its number are 0 or 1. There it sleeps
 * for a moment (~) or computes for about 100 us (@).
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define APART __attribute__((noinline, noclone))
static char how;

APART int left(unsigned path, int more);
APART int right(unsigned path, int more);

/* In the function that calls it: libc has one without a frame pointer, which would hide who called. */
static inline __attribute__((always_inline)) void sleep_a_moment(void) {
  static const struct timespec moment = {0, 20000};
#if defined(__x86_64__)
  long number = SYS_clock_nanosleep;
  register long remaining __asm__("r10") = 0;

  __asm__ volatile("syscall"
                   : "+a"(number)
                   : "D"((long)CLOCK_MONOTONIC), "S"(0L), "d"(&moment), "r"(remaining)
                   : "rcx", "r11", "memory");
#else
  clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, NULL);
#endif
}

/* How often the thread went to sleep: where a timer is too fast for it, it goes on instead. */
static long sleeps(void) {
  struct rusage usage;

  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nvcsw;
}

static inline __attribute__((always_inline)) int go_on(unsigned path, int more) {
  if (more) return (path & 1 ? right(path >> 1, more - 1) : left(path >> 1, more - 1)) + 1;
  if (how == '~')
    for (const long before = sleeps(); sleeps() == before;) sleep_a_moment();
  else
    for (volatile int turns = 0; turns < 300000; turns++) {
    }
  return 0;
}

APART int left(unsigned path, int more) { return go_on(path, more); }
APART int right(unsigned path, int more) { return go_on(path, more); }

int main(int words, char** word) {
  int digits = 1, done = 0;

  if (words < 4) return 2;
  how = word[1][0];
  while (strtol(word[2], NULL, 10) >> digits) digits++;
  prctl(PR_SET_TIMERSLACK, 1L, 0L, 0L, 0L);
  for (long round = strtol(word[3], NULL, 10); round > 0; round--)
    for (long chain = strtol(word[2], NULL, 10); chain > 0; chain--)
      done += chain & 1 ? right((unsigned)chain >> 1, digits - 1) : left((unsigned)chain >> 1, digits - 1);
  return done < 0;
}
