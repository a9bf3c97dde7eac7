/** Moving images: what a pull, a push, an archive and a long list cost. */
import type { Case, Things } from './cases.ts';
import type { Subject } from './measure.ts';

export function imageCases({ ctr, large, many, target }: Things): Case[] {
  const both = (describe: (tool: string) => Omit<Subject, 'label'>): Subject[] => [
    { label: 'ctr', ...describe(ctr) },
    { label: 'podman', ...describe('podman') },
  ];
  const archive = (tool: string) => `${tool === 'podman' ? 'podman' : 'ctr'}.tar`;
  const save = (tool: string) => [tool, 'save', '-q', '-o', archive(tool), large];
  const pull = (tool: string) => [tool, 'pull', '-q', large];
  const remove = (tool: string) => [tool, 'rmi', '-f', large];
  const all = (...commands: readonly string[][]) => ['sh', '-ec', commands.map((argv) => argv.join(' ')).join('; ')];
  return [
    {
      name: 'pull of 6 layers, 300 MB',
      rounds: 3,
      memory: true,
      subjects: both((tool) => ({ argv: pull(tool), reset: remove(tool) })),
    },
    {
      name: 'run that pulls 6 layers, 300 MB',
      rounds: 1,
      memory: true,
      subjects: both((tool) => ({
        argv: [tool, 'run', '--rm', '-q', '--pull', 'always', '--network', 'none', large, 'true'],
        reset: remove(tool),
      })),
    },
    {
      name: 'push of 6 layers, 300 MB',
      rounds: 2,
      memory: true,
      subjects: both((tool) => ({
        prepare: pull(tool),
        argv: [tool, 'push', '-q', large, `docker://${target.host}/pushed:1`],
        reset: () => target.clear(),
      })),
    },
    {
      name: 'save of 300 MB',
      rounds: 2,
      memory: true,
      subjects: both((tool) => ({ prepare: pull(tool), argv: save(tool), reset: ['rm', '-f', archive(tool)] })),
    },
    {
      name: 'load of 300 MB',
      rounds: 2,
      memory: true,
      subjects: both((tool) => ({
        prepare: all(pull(tool), save(tool), remove(tool)),
        argv: [tool, 'load', '-q', '-i', archive(tool)],
        reset: remove(tool),
      })),
    },
    {
      name: 'images, of 500',
      // podman takes minutes.
      rounds: 1,
      subjects: both((tool) => ({ prepare: [tool, 'load', '-q', '-i', many], argv: [tool, 'images'] })),
    },
  ];
}
