/**
 * The interpreter for x86-64: position independent, no stack, no libc. The source is its assembly (GNU as), the code the
 * bytes that as makes of it; test/platform/interpreter.test.ts assembles the one and compares it with the other.
 * The record and header layout is in record.ts.
 */
export const x64Source = `.intel_syntax noprefix
        mov   r12, rdi              # r12: the header
        mov   rbx, [r12]            # rbx: the current record; begin at header.start
next:   mov   rax, [rbx]
        test  rax, rax
        js    pseudo                # nr < 0: no system call
        mov   rdi, [rbx+8]
        mov   rsi, [rbx+16]
        mov   rdx, [rbx+24]
        mov   r10, [rbx+32]
        mov   r8,  [rbx+40]
        mov   r9,  [rbx+48]
        syscall
        mov   rcx, [rbx+56]         # dst: keep the result
        test  rcx, rcx
        jz    1f
        mov   [rcx], rax
1:      test  rax, rax
        jz    zero
        cmp   rax, -4095
        jae   error                 # unsigned: -4095 .. -1 is -errno
step:   add   rbx, 80
        jmp   next
zero:   mov   rcx, [rbx+64]
        jmp   take
less:   mov   rcx, [rbx+72]
take:   test  rcx, rcx
        jz    step
        mov   rbx, rcx
        jmp   next
error:  mov   rcx, [rbx+72]
        test  rcx, rcx
        jnz   take
        neg   rax                   # nobody handles it: tell errno and record
        mov   [r12+16], rax
        mov   [r12+24], rbx
        mov   rbx, [r12+8]          # go on at header.failed
        jmp   next
pseudo: mov   rsi, [rbx+8]
        mov   rdi, [rbx+16]
        inc   rax
        jz    zero                  # -1 jump
        inc   rax
        jz    compare               # -2 compare a0 with a1
        inc   rax
        jz    sum                   # -3 add
        inc   rax
        jz    difference            # -4 subtract
        mov   rsi, [rsi]            # -5 load
        jmp   store
difference:
        sub   rsi, rdi
        jmp   store
sum:    add   rsi, rdi
store:  mov   rcx, [rbx+56]
        mov   [rcx], rsi
        jmp   step
compare:
        cmp   rsi, rdi
        je    zero
        jl    less
        jmp   step
`;

export const x64Code = Buffer.from(
  [
    '4989fc498b1c24488b034885c0786a488b7b08488b7310488b53184c8b53204c8b43284c8b4b300f05488b4b384885c9',
    '74034889014885c0740e483d01f0ffff731a4883c350ebbf488b4b40eb04488b4b484885c974eb4889cbebab488b4b48',
    '4885c975ed48f7d8498944241049895c2418498b5c2408eb8e488b7308488b7b1048ffc074c248ffc0742048ffc0740f',
    '48ffc07405488b36eb084829feeb034801fe488b4b38488931eb974839fe74987c9ceb8e',
  ].join(''),
  'hex',
);
