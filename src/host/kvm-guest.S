# A boot sector that proves a CPU runs guest code: real mode, then 64-bit long mode with paging, then QEMU ends with
# status 99 through its isa-debug-exit device. kvm-guest.ts holds it as bytes; after a change:
#
#   as --32 -o kvm-guest.o kvm-guest.S && ld -m elf_i386 -Ttext 0x7c00 --oformat binary -o kvm-guest.bin kvm-guest.o
#   base64 kvm-guest.bin

.equ PML4, 0x1000
.equ PDPT, 0x2000
.equ PAGE_DIRECTORY, 0x3000
.equ EXIT_PORT, 0xf4
.equ EXIT_VALUE, 0x31                   # QEMU exits with (value << 1) | 1

.code16
.globl _start
_start:
    cli
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw $0x7c00, %sp

    # Three empty tables, then one entry each: the first 2 MiB are mapped onto themselves.
    cld
    movw $PML4, %di
    movw $(3 * 4096 / 2), %cx
    rep stosw
    movw $(PDPT | 3), (PML4)            # present, writable
    movw $(PAGE_DIRECTORY | 3), (PDPT)
    movw $0x83, (PAGE_DIRECTORY)        # present, writable, 2 MiB page at 0

    movl %cr4, %eax
    orl $(1 << 5), %eax                 # PAE
    movl %eax, %cr4
    movl $PML4, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx              # EFER
    rdmsr
    orl $(1 << 8), %eax                 # LME
    wrmsr
    lgdt gdt_pointer
    movl %cr0, %eax
    orl $0x80000001, %eax               # paging and protection at once: straight into long mode
    movl %eax, %cr0
    ljmp $8, $long_mode

.code64
long_mode:
    # 64-bit arithmetic that a CPU in another mode would get wrong.
    .byte 0x48, 0xb8                    # movabs $0x3100000000, %rax (this file assembles as 32-bit)
    .quad EXIT_VALUE << 32
    .byte 0x48, 0xc1, 0xe8, 0x20        # shr $32, %rax
    outb %al, $EXIT_PORT
    hlt

.balign 8
gdt:
    .quad 0
    .quad 0x00209a0000000000            # 64-bit code
gdt_pointer:
    .word . - gdt - 1
    .long gdt

.org 510
    .word 0xaa55
