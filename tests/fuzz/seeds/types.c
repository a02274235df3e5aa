// SPDX-License-Identifier: GPL-2.0-or-later
// corpus/btf/kernel is two bytes of length and the section .BTF of this:
//   clang -target bpf -g -O1 -c types.c && llvm-objcopy --dump-section .BTF=types.btf types.o
struct inner {
  int a;
  const char* b[4];
};
union both {
  int x;
  long y;
};
enum color { red, green };
typedef int (*callback_t)(struct inner*, const volatile void*, ...);
typedef void (*btf_trace_thing)(void*, struct inner*, enum color);
struct outer {
  struct inner i;
  callback_t f;
  union both u;
  float g;
  char name[16];
};
static __attribute__((noinline)) int helper(struct outer* o, callback_t f, int (*table[2])(void)) {
  return o->i.a + (f != 0) + (table != 0);
}
btf_trace_thing thing;
int entry(struct outer* o, const char* name, unsigned long n) { return helper(o, o->f, 0) + name[n] + (thing != 0); }
__attribute__((section("maps"))) int data;
