/** Whether programs of another architecture run here: by the kernel itself, or by a handler of binfmt_misc. */
import { readFileSync, writeFileSync } from 'node:fs';
import { CtrError } from '../../base/ctr-error.ts';
import type { Host } from '../../base/host.ts';
import type { BuildPlan, PlannedStage } from '../../build/graph.ts';
import { programFor } from '../../linux/foreign-program.ts';
import { hostPlatform, parsePlatform, platformMatches } from '../../oci/platform.ts';
import { namesIn } from '../../storage/roots.ts';
import { reserveStaging } from '../../storage/staging.ts';

const handlers = '/proc/sys/fs/binfmt_misc';

export class Emulation {
  readonly #host: Host;
  readonly #known = new Map<string, string | undefined>();

  constructor(host: Host) {
    this.#host = host;
  }

  /** Throws UNSUPPORTED, before anything is run, where a stage of the plan has a RUN for what does not run here. */
  check({ stages }: BuildPlan, target: string): void {
    for (const stage of stages) {
      if (!stage.instructions.some(({ kind }) => kind === 'run')) continue;
      this.require(platformOf(stages, stage, target), `the stage ${stage.label} has a RUN`);
    }
  }

  require(platform: string, why: string): void {
    const problem = this.#problem(platform);
    if (problem === undefined) return;
    throw new CtrError('UNSUPPORTED', `${platform}: ${why}, but ${problem}`, {
      hint: 'as root: apt-get install qemu-user-static binfmt-support; or build that stage with FROM --platform=$BUILDPLATFORM',
    });
  }

  #problem(platform: string): string | undefined {
    const { architecture } = parsePlatform(platform);
    if (platformMatches(hostPlatform(), parsePlatform(platform))) return undefined;
    if (!this.#known.has(architecture)) this.#known.set(architecture, this.#try(architecture));
    return this.#known.get(architecture);
  }

  /** By outcome: a program that ends with an exit code of its own. */
  #try(architecture: string): string | undefined {
    const [exitCode, none] = [42, `no handler of binfmt_misc runs programs of ${architecture} here`];
    const program = programFor(architecture, exitCode);
    if (!program) return none;
    const { spawnSync } = process.getBuiltinModule('node:child_process');
    using file = reserveStaging(this.#host);
    writeFileSync(file.path, program, { mode: 0o700 });
    // Where the kernel knows no such program, execvp(3) lets a shell try.
    if (spawnSync(file.path, { stdio: 'ignore', timeout: 10_000 }).status !== exitCode) return none;
    const handler = handlerFor(program);
    if (!handler || /^flags: .*F/m.test(handler)) return undefined;
    return `the handler for ${architecture} has no flag F: its interpreter is not found inside of a container`;
  }
}

/** Of the stage at the bottom. */
function platformOf(stages: readonly PlannedStage[], { base, platform }: PlannedStage, target: string): string {
  const below = base.kind === 'stage' ? stages.find(({ index }) => index === base.index) : undefined;
  return below ? platformOf(stages, below, target) : (platform ?? target);
}

/** The description of the enabled handler for such a program; undefined where none is to be seen. */
function handlerFor(program: Buffer): string | undefined {
  const names = namesIn(handlers).filter((name) => name !== 'register' && name !== 'status');
  return names.map((name) => readFileSync(`${handlers}/${name}`, 'utf8')).find((text) => fits(text, program));
}

function fits(text: string, program: Buffer): boolean {
  const bytes = (name: string) => Buffer.from(new RegExp(`^${name} ([0-9a-f]+)$`, 'm').exec(text)?.[1] ?? '', 'hex');
  const [magic, mask] = [bytes('magic'), bytes('mask')];
  if (!text.startsWith('enabled') || magic.length === 0) return false;
  const offset = Number(/^offset (\d+)$/m.exec(text)?.[1] ?? 0);
  return magic.every((byte, at) => ((program[offset + at] ?? 0) & (mask[at] ?? 0xff)) === (byte & (mask[at] ?? 0xff)));
}
