/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * callbacks HOW [US]: computes for ever in a function that a library calls back, in a program and a library without
 * frame pointers; with US it sleeps there instead, so long each time. HOW is
 *   qsort, bsearch   spin < compare < ... < sort or search < main < ...
 *   once             spin < begin < ... < once < main < ...
 *   signal           spin < handle < the return from a signal's handler < ... < interrupt < main < ...
 *   thread           spin < compute < ...
 *   deep             spin < dig (with 24 KiB of locals) < main < ...
 * Before that it says how many functions there are from spin() outwards, as libgcc finds them.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <unwind.h>

#define APART __attribute__((noinline, noclone))

static volatile int going = 1;
static struct timespec nap;
static int numbers[] = {5, 3, 4, 1, 2};
enum { count = sizeof(numbers) / sizeof(numbers[0]) };

static _Unwind_Reason_Code one_more(struct _Unwind_Context* context, void* depth) {
  if (_Unwind_GetIP(context)) ++*(int*)depth;
  return _URC_NO_REASON;
}

static APART void tell(int depth) {
  char line[16];
  const int length = snprintf(line, sizeof(line), "%d\n", depth);

  if (write(STDOUT_FILENO, line, (size_t)length) != length) _exit(1);
}

APART int spin(void) {
  volatile unsigned long turns = 0;
  int depth = 0;

  _Unwind_Backtrace(one_more, &depth);
  tell(depth);
  while (going && nap.tv_nsec) nanosleep(&nap, NULL);
  while (going) turns++;
  return (int)turns;
}

APART int compare(const void* a, const void* b) { return spin() + *(const int*)a - *(const int*)b; }

APART int sort(void) {
  qsort(numbers, count, sizeof(numbers[0]), compare);
  return numbers[0];
}

APART int search(void) {
  const int* found = bsearch(&numbers[1], numbers, count, sizeof(numbers[0]), compare);

  return found ? *found : 0;
}

APART void begin(void) { numbers[0] += spin(); }

APART int once(void) {
  static pthread_once_t done = PTHREAD_ONCE_INIT;

  return pthread_once(&done, begin) + numbers[0];
}

APART void handle(int number) { numbers[0] += spin() + number; }

APART int interrupt(void) {
  signal(SIGUSR1, handle);
  return raise(SIGUSR1) + numbers[0];
}

APART void* compute(void* nothing) {
  numbers[0] += spin();
  return nothing;
}

APART int thread(void) {
  pthread_t other;

  if (pthread_create(&other, NULL, compute, NULL) != 0) return 1;
  return pthread_join(other, NULL) + numbers[0];
}

APART int dig(void) {
  volatile char locals[24 * 1024];

  for (size_t i = 0; i < sizeof(locals); i += 1024) locals[i] = 1; /* no page of it is missing */
  return spin() + locals[0] + locals[sizeof(locals) - 1];
}

int main(int words, char** word) {
  const struct {
    const char* name;
    int (*run)(void);
  } ways[] = {{"qsort", sort},       {"bsearch", search}, {"once", once},
              {"signal", interrupt}, {"thread", thread},  {"deep", dig}};

  if (words > 2) nap.tv_nsec = 1000 * atol(word[2]);
  for (size_t i = 0; words > 1 && i < sizeof(ways) / sizeof(ways[0]); i++)
    if (strcmp(word[1], ways[i].name) == 0) return ways[i].run() + 1;
  return 2;
}
