/**
 * The interpreter for arm64: position independent, no stack, no libc. The source is its assembly (GNU as), the code the
 * bytes that as makes of it; test/platform/interpreter.test.ts assembles the one and compares it with the other.
 * The record and header layout is in record.ts.
 */
export const arm64Source = `        mov   x19, x0               // x19: the header
        ldr   x20, [x19]            // x20: the current record; begin at header.start
next:   ldr   x8, [x20]
        tbnz  x8, #63, pseudo       // nr < 0: no system call
        ldp   x0, x1, [x20, #8]
        ldp   x2, x3, [x20, #24]
        ldp   x4, x5, [x20, #40]
        svc   #0
        ldr   x9, [x20, #56]        // dst: keep the result
        cbz   x9, 1f
        str   x0, [x9]
1:      cbz   x0, zero
        cmn   x0, #4095
        b.cs  error                 // -4095 .. -1 is -errno
step:   add   x20, x20, #80
        b     next
zero:   ldr   x9, [x20, #64]
        b     take
less:   ldr   x9, [x20, #72]
take:   cbz   x9, step
        mov   x20, x9
        b     next
error:  ldr   x9, [x20, #72]
        cbnz  x9, take
        neg   x0, x0                // nobody handles it: tell errno and record
        stp   x0, x20, [x19, #16]
        ldr   x20, [x19, #8]        // go on at header.failed
        b     next
pseudo: ldp   x1, x2, [x20, #8]
        adds  x8, x8, #1
        b.eq  zero                  // -1 jump
        adds  x8, x8, #1
        b.eq  compare               // -2 compare a0 with a1
        adds  x8, x8, #1
        b.eq  sum                   // -3 add
        adds  x8, x8, #1
        b.eq  difference            // -4 subtract
        ldr   x1, [x1]              // -5 load
        b     store
difference:
        sub   x1, x1, x2
        b     store
sum:    add   x1, x1, x2
store:  ldr   x9, [x20, #56]
        str   x1, [x9]
        b     step
compare:
        cmp   x1, x2
        b.eq  zero
        b.lt  less
        b     step
`;

export const arm64Code = Buffer.from(
  [
    'f30300aa740240f9880240f92803f8b7808640a9828e41a9849642a9010000d4891e40f9490000b4200100f9a00000b4',
    '1ffc3fb12201005494420191f3ffff17892240f902000014892640f969ffffb4f40309aaedffff17892640f989ffffb5',
    'e00300cb605201a9740640f9e7ffff17818a40a9080500b140feff54080500b1a0010054080500b1e0000054080500b1',
    '60000054210040f904000014210002cb020000142100028b891e40f9210100f9e2ffff173f0002eb40fcff546bfcff54',
    'deffff17',
  ].join(''),
  'hex',
);
