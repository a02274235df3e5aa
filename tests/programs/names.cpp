// SPDX-License-Identifier: GPL-2.0-or-later
// names @: computes for ever at the end of main > mill::Wheel<int>::turn > a function that is called as Rust does;
// names ~: sleeps there.
#include <unistd.h>

extern "C" [[gnu::noinline]] void call_terminal(char how) asm("_RNvMs2_Cs6ygKICNz7jq_7exampleNtB5_8Terminal4call");

void call_terminal(char how) {
  while (how == '~') pause();
  for (volatile unsigned long turns = 0;;) turns = turns + 1;
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
