import { writeTextLog } from '../engine/text-log.ts';
import type { CommandSpec } from './command.ts';

/** Started beside a container with --log-driver json-file or k8s-file (engine/text-log.ts). */
export const command: CommandSpec = {
  usage: 'ID STARTED-AT LOGGING',
  examples: [],
  operands: [3, 3],
  async run({ host }, [id = '', startedAt = '', logging = '']) {
    await writeTextLog(host, id, startedAt, logging);
    return 0;
  },
};
