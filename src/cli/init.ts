import { initContainer } from '../engine/init-container.ts';
import { containerVerb } from './container-verb.ts';

export const command = containerVerb({
  description:
    'Check everything that a start needs, and write the OCI configuration (`inspect` says where, as OCIConfigPath).\nNamespaces and mounts begin with the first process: nothing is left running or mounted.',
  examples: ['init web', 'container init --all'],
  all: 'all that were never started',
  candidates: ({ status }) => status.name === 'created',
  action: () => initContainer,
});
