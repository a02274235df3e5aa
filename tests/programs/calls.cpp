// SPDX-License-Identifier: GPL-2.0-or-later
// calls HOW: as `callbacks`, in C++. HOW is
//   sort        spin < how two are compared, a lambda < ... < order < main < ...
//   function    spin < a lambda < std::function < ... < apply < main < ...
//   once        spin < a lambda < ... < the library's once < ... < first < main < ...
//   terminate   spin < give_up < std::terminate < ... < what throws < ... < fail < main < ...
//   destructor  spin < a destructor, while an exception passes < pass < attempt < main < ...
//   caught      spin < recover, where an exception was caught < main < ...
#include <unistd.h>
#include <unwind.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <exception>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string_view>
#include <vector>

#define APART [[gnu::noinline]]

namespace {

volatile int going = 1;

_Unwind_Reason_Code one_more(_Unwind_Context* context, void* depth) {
  if (_Unwind_GetIP(context)) ++*static_cast<int*>(depth);
  return _URC_NO_REASON;
}

APART void tell(int depth) {
  std::array<char, 16> line{};
  const int length = std::snprintf(line.data(), line.size(), "%d\n", depth);
  if (write(STDOUT_FILENO, line.data(), static_cast<std::size_t>(length)) != length) _exit(1);
}

}  // namespace

extern "C" {

APART int spin() {
  volatile unsigned long turns = 0;
  int depth = 0;

  _Unwind_Backtrace(one_more, &depth);
  tell(depth);
  while (going) turns = turns + 1;
  return static_cast<int>(turns);
}

APART int order() {
  std::vector<int> numbers(100);
  std::sort(numbers.begin(), numbers.end(), [](int a, int b) { return a + spin() < b; });
  return numbers.front();
}

APART int apply(const std::function<int(int)>& each) { return each(1) + 1; }

APART int first() {
  static std::once_flag done;
  int turns = 0;
  std::call_once(done, [&turns] { turns = spin() + 1; });
  return turns + 1;
}

APART void give_up() {
  spin();
  _exit(going);
}

APART int fail(int number) {
  if (number > 0) throw std::runtime_error("nobody waits for this");
  return number + 1;
}

}  // extern "C"

struct Guard {
  APART ~Guard() { turns = spin() + 1; }
  int turns = 0;
};

extern "C" {

APART int pass(int number) {
  const Guard guard;
  return fail(number) + guard.turns;
}

APART int attempt(int number) {
  try {
    return pass(number) + 1;
  } catch (const std::exception&) {
    return 2;
  }
}

APART int recover(int number) {
  try {
    return fail(number) + 1;
  } catch (const std::exception& error) {
    return spin() + static_cast<int>(std::strlen(error.what()));
  }
}

}  // extern "C"

int main(int words, char** word) {
  const std::string_view how = words > 1 ? word[1] : "";
  if (how == "sort") return order() + 1;
  if (how == "function") return apply([](int number) { return spin() + number; }) + 1;
  if (how == "once") return first() + 1;
  if (how == "destructor") return attempt(words) + 1;
  if (how == "caught") return recover(words) + 1;
  if (how != "terminate") return 2;
  std::set_terminate(give_up);
  return fail(words) + 1;
}
