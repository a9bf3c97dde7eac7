/** A program that outlives ctr gives back all of Node that it inherited: it unmaps what lies between its own mappings. */
import { keptRanges, type LoadedProgram, loadProgram, type Mapping, reserve } from '../linux/clone.ts';
import type { Program, Variable } from '../linux/program.ts';

const maxGaps = 6;
const pageBytes = 4096;

/** Arguments of munmap(2), known only when the program's address is. */
export type UnmapVariables = ReadonlyArray<readonly [start: Variable, bytes: Variable]>;

export function unmapVariables(program: Program): UnmapVariables {
  return Array.from({ length: maxGaps }, () => [program.variable(), program.variable(pageBytes)] as const);
}

/** Load `program` and fill in what it has to unmap: all but its own memory and `others`. */
export function loadAlone(program: Program, unmap: UnmapVariables, ...others: readonly Mapping[]): LoadedProgram {
  const mapping = reserve(program.sizeBytes);
  fillUnmaps(program, unmap, [mapping, ...others]);
  return loadProgram(program, mapping);
}

/** Let `program` unmap all but `mappings` (its own among them). Slots that are left over unmap the zero page: nothing. */
export function fillUnmaps(program: Program, unmap: UnmapVariables, mappings: readonly Mapping[]): void {
  const kept = keptRanges(...mappings);
  let from = 0;
  const gaps = kept.map(({ start, end }) => {
    const gap = { start: from, bytes: start - from };
    from = end;
    return gap;
  });
  gaps.push({ start: from, bytes: userSpaceEnd - from });
  gaps
    .filter(({ bytes }) => bytes > 0)
    .forEach(({ start, bytes }, index) => {
      const slot = unmap[index];
      if (!slot) return;
      program.patch(slot[0], start);
      program.patch(slot[1], bytes);
    });
}

/** End of user space with 48-bit (x86-64: 47) addresses; arch/x86/include/asm/page_64_types.h, arm64 memory.rst. */
const userSpaceEnd = process.arch === 'arm64' ? 0x1000000000000 : 0x7ffffffff000;
