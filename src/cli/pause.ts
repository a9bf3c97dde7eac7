import { pauseContainer } from '../engine/pause-container.ts';
import { containerVerb } from './container-verb.ts';

export const command = containerVerb({
  description: 'Freeze all processes of containers, until they are unpaused.',
  examples: ['pause web', 'pause --all'],
  all: 'all that run',
  candidates: ({ status }) => status.name === 'running',
  action: () => pauseContainer,
});
