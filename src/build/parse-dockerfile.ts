/** Dockerfile text → stages of typed instructions (Dockerfile reference). Pure; every error is a CtrError. */
import { CtrError } from '../base/ctr-error.ts';
import { parseDirectives } from './directives.ts';
import type { ArgInstruction, FromInstruction, StageInstruction } from './instruction.ts';
import type { LintWarning } from './lint-warning.ts';
import { type LogicalLine, readLogicalLines } from './logical-line.ts';
import { parseInstruction, parseTrigger } from './parse-instruction.ts';
import { rules } from './rules.ts';
import type { Dockerfile, Stage } from './stage.ts';

export interface ParseOptions {
  /** For messages: `Dockerfile`. */
  readonly fileName: string;
}

/** More than any Dockerfile that somebody wrote. */
const maxBytes = 16 * 1024 * 1024;

export function parseDockerfile(text: string, { fileName }: ParseOptions): Dockerfile {
  if (text.length > maxBytes) throw new CtrError('INVALID', `${fileName}: larger than 16 MiB`);
  const content = text.replace(/^\uFEFF/, '');
  const source = { name: fileName, lines: content.split(/\r?\n/) };
  const directives = parseDirectives(source);
  const lines = readLogicalLines(source, content, directives.escape);
  if (lines.length === 0) {
    throw new CtrError('INVALID', `${fileName}: no instructions`, { hint: 'a Dockerfile begins with FROM' });
  }
  const { globalArgs, stages } = cutIntoStages(lines, directives.escape);
  if (stages.length === 0)
    throw new CtrError('INVALID', `${fileName}: no FROM`, { hint: 'a stage begins with FROM image' });
  const warnings = lines.flatMap(emptyContinuationWarnings);
  return { fileName, text: content, directives, globalArgs, stages, warnings };
}

function cutIntoStages(lines: readonly LogicalLine[], escapeCharacter: string) {
  const globalArgs: ArgInstruction[] = [];
  const stages: Array<Stage & { instructions: StageInstruction[] }> = [];
  for (const line of lines) {
    const instruction = parseInstruction(line, escapeCharacter);
    const stage = stages.at(-1);
    if (instruction.kind === 'from') stages.push(newStage(instruction, stages.length));
    else if (stage) stage.instructions.push(instruction);
    else if (instruction.kind === 'arg') globalArgs.push(instruction);
    else {
      const token = { start: 0, end: instruction.keyword.length };
      throw line.error(
        `${instruction.kind.toUpperCase()} before the first FROM`,
        token,
        'only ARG may stand before FROM',
      );
    }
  }
  return { globalArgs, stages };
}

function newStage(from: FromInstruction, index: number): Stage & { instructions: StageInstruction[] } {
  return { index, ...(from.name === undefined ? {} : { name: from.name }), from, instructions: [] };
}

function emptyContinuationWarnings({ emptyContinuations }: LogicalLine): LintWarning[] {
  const [first] = emptyContinuations;
  return first ? [rules.NoEmptyContinuation.found(first)] : [];
}

/** The triggers of a base image (config.OnBuild), to be run before the stage's own instructions. */
export function parseTriggers(triggers: readonly string[], image: string): StageInstruction[] {
  return triggers.map((trigger) => {
    const instruction = parseTrigger(trigger, `ONBUILD of ${image}`);
    if (instruction.kind !== 'from' && instruction.kind !== 'onbuild' && instruction.kind !== 'maintainer') {
      return instruction;
    }
    throw new CtrError('INVALID', `ONBUILD of ${image}: ${instruction.kind.toUpperCase()} cannot be a trigger`);
  });
}
