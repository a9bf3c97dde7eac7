import { defineConfig } from 'vitest/config';

/**
 * Four sizes of test. `unit` is pure and runs in `npm run check`; `integration` needs files and a registry;
 * `platform` says what this kernel and Node can do; `e2e` runs the built tool as an unprivileged user.
 */
const project = (name: string, include: string[], timeoutMs: number, globalSetup: string[] = []) => ({
  test: { name, include, pool: 'forks' as const, testTimeout: timeoutMs, hookTimeout: timeoutMs * 4, globalSetup },
});

export default defineConfig({
  test: {
    projects: [
      project('unit', ['test/unit/**/*.test.ts', 'test/architecture.test.ts'], 10_000),
      project('integration', ['test/integration/**/*.test.ts'], 60_000),
      project('platform', ['test/platform/**/*.test.ts'], 30_000),
      project('e2e', ['test/e2e/**/*.test.ts', 'test/security/**/*.test.ts', 'test/fault/**/*.test.ts'], 120_000, [
        'test/support/global-setup.ts',
      ]),
    ],
  },
});
