import { unpauseContainer } from '../engine/pause-container.ts';
import { containerVerb } from './container-verb.ts';

export const command = containerVerb({
  description: 'Let the processes of paused containers go on.',
  examples: ['unpause web', 'unpause --all'],
  all: 'all that are paused',
  candidates: ({ status }) => status.name === 'paused',
  action: () => unpauseContainer,
});
