/* SPDX-License-Identifier: GPL-2.0-or-later */
/* corpus/elf is made of this:
 *   gcc -c -DPTR=.quad probes.S -o u64.o; gcc -m32 -c -DPTR=.long probes.S -o u32.o
 *   gcc -shared -nostdlib -DPTR=.quad probes.S -Wl,--build-id=none -o u64.so
 *   gcc -shared -nostdlib -DPTR=.quad probes.S -Wl,-soname,libreadline.so.8 -o libreadline.so.8
 *   gcc -shared -nostdlib -DPTR=.quad probes.S -Wl,--build-id=none,-z,noseparate-code,--no-as-needed -L. \
 *     -l:libreadline.so.8 -o needs.so */
.text
.globl work
.type work,@function
work: nop
 ret
.size work,.-work
.type hidden,@function
hidden: nop
 ret
.size hidden,.-hidden
.globl pick
.type pick,@gnu_indirect_function
pick: ret
.globl number
.type number,@object
.data
number: .long 1
.section .note.stapsdt,"",@note
.balign 4
.long 8, 2f-1f, 3
.asciz "stapsdt"
1: PTR work
 PTR 0
 PTR 0
.asciz "app"
.asciz "start"
.asciz "8@%rdi -4@-80(%rbx) 8f@%xmm0"
2: .balign 4
.long 8, 4f-3f, 3
.asciz "stapsdt"
3: PTR hidden
 PTR 0
 PTR 0
.asciz "app"
.asciz "stop"
.asciz ""
4: .balign 4
