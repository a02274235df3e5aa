/* SPDX-License-Identifier: GPL-2.0-or-later */
/* corpus/call_frames is made of this:
 *   gcc -c frames.S -o frames.o
 *   ld -Ttext=0x400000 --section-start=.eh_frame=0x402000 -e work frames.o -o frames
 *   objcopy -O binary -j .eh_frame frames eh_frame
 *   gcc -c -DDEBUG frames.S -o frames.o; ld -Ttext=0x400ff0 -e work frames.o -o frames
 *   objcopy -O binary -j .debug_frame --set-section-flags .debug_frame=alloc frames debug_frame */
#ifdef DEBUG
.cfi_sections .debug_frame
#endif
.text
.globl work
work:
 .cfi_startproc
 push %rbp
 .cfi_def_cfa_offset 16
 .cfi_offset 6, -16
 mov %rsp, %rbp
 .cfi_def_cfa_register 6
 push %rbx
 .cfi_offset 3, -24
 .cfi_remember_state
 leave
 .cfi_restore 6
 .cfi_def_cfa 7, 8
 ret
 .cfi_restore_state
 nop
 .cfi_undefined 12
 nop
 .cfi_same_value 12
 nop
 .cfi_register 13, 14
 nop
 .cfi_val_offset 7, 8
 ret
 .cfi_endproc
.skip 0xff0 - (. - work)
plt:
 .cfi_startproc
 .cfi_def_cfa_offset 16
 nop
 /* what linkers write for .plt: rsp + 8 + ((rip & 15) >= 11) * 8 */
 .cfi_escape 0x0f, 0x0b, 0x77, 0x08, 0x80, 0x00, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22
 .skip 32, 0x90
 .cfi_endproc
returns:
 .cfi_startproc
 .cfi_signal_frame
 .cfi_escape 0x0f, 0x04, 0x77, 0xa0, 0x01, 0x06
 .cfi_escape 0x10, 0x10, 0x03, 0x77, 0xa8, 0x01
 .cfi_escape 0x10, 0x06, 0x02, 0x77, 0x78
 .cfi_escape 0x16, 0x03, 0x02, 0x77, 0x10
 nop
 nop
 .cfi_endproc
start:
 .cfi_startproc
 .cfi_undefined 16
 nop
 .cfi_endproc
