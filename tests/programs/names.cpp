// SPDX-License-Identifier: GPL-2.0-or-later
// names @: computes for ever at the end of main > mill::Wheel<int>::turn > a function that is called as Rust does;
// names ~: sleeps there.
#include <unistd.h>

namespace {

// In the function that calls it: libc has one without a frame pointer, which would hide who called.
[[gnu::always_inline]] inline void sleep_for_ever() {
#ifdef __x86_64__
  long number = 34;  // pause
  asm volatile("syscall" : "+a"(number) : : "rcx", "r11", "memory");
#else
  pause();
#endif
}

}  // namespace

extern "C" [[gnu::noinline]] void call_terminal(char how) asm("_RNvMs2_Cs6ygKICNz7jq_7exampleNtB5_8Terminal4call");

void call_terminal(char how) {
  volatile unsigned long turns = 0;  // here, so that no path does without a frame
  while (how == '~') sleep_for_ever();
  for (;;) turns = turns + 1;
}

namespace mill {

template <class T>
struct Wheel {
  [[gnu::noinline]] void turn(const char* how) {
    call_terminal(*how);
    turned = turned + 1;
  }
  volatile T turned = 0;
};

}  // namespace mill

int main(int argc, char** argv) {
  mill::Wheel<int> wheel;
  if (argc > 1) wheel.turn(argv[1]);
  return wheel.turned;
}
