/** A real service from its beginning to a crash and back: PostgreSQL of Debian, its data in a volume. */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { needs } from '../support/needs.ts';
import { until } from '../support/run-as.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await openBed({ images: ['postgres'] });
}, 600_000);
afterAll(() => bed?.close());

const promise = needs('registry', 'skopeo', 'mmdebstrap', 'subordinate-ids');

const server = '/usr/lib/postgresql/15/bin/postgres';
const cluster = ['-D', '/var/lib/postgresql/15/main', '-c', 'config_file=/etc/postgresql/15/main/postgresql.conf'];
const sql = (text: string) => bed.ctr('exec', '-u', 'postgres', 'db', 'psql', '-tA', '-c', text);
const healthy = () => bed.ctr('wait', '--condition', 'healthy', 'db');

describe('PostgreSQL in a detached container [E]', () => {
  promise(
    'keeps what was committed, through kill -9 and a new start',
    async () => {
      const health = ['--health-cmd', 'pg_isready -q', '--health-interval', '500ms'];
      const mounts = ['-v', 'pgdata:/var/lib/postgresql', '--tmpfs', '/run/postgresql:mode=1777'];
      const flags = ['-d', '-q', '--name', 'db', '-u', 'postgres', '--network', 'none'];
      const started = await bed.ctr('run', ...flags, ...mounts, ...health, bed.image('postgres'), server, ...cluster);
      expect(started).toMatchObject({ code: 0 });
      expect(await healthy()).toMatchObject({ code: 0, stdout: '-1\n' });
      expect(await sql("CREATE TABLE seen (word text); INSERT INTO seen VALUES ('kept')")).toMatchObject({ code: 0 });
      expect((await bed.ctr('logs', 'db')).stderr).toContain('ready to accept connections');

      const { stdout: pid } = await bed.ctr('inspect', '-f', '{{.State.Pid}}', 'db');
      process.kill(Number(pid), 'SIGKILL');
      expect(await bed.ctr('wait', 'db')).toMatchObject({ stdout: '137\n' });
      await until('its processes to be gone', () => bed.processes().length === 0);

      expect(await bed.ctr('start', 'db')).toMatchObject({ code: 0 });
      expect(await healthy()).toMatchObject({ code: 0, stdout: '-1\n' });
      expect(await sql('SELECT word FROM seen')).toMatchObject({ code: 0, stdout: 'kept\n' });

      // An orderly end: PostgreSQL's own shutdown, no kill.
      expect(await bed.ctr('stop', '-t', '60', 'db')).toMatchObject({ code: 0, stderr: '' });
      expect(await bed.ctr('inspect', '-f', '{{.State.ExitCode}}', 'db')).toMatchObject({ stdout: '0\n' });
      expect((await bed.ctr('logs', '--tail', '3', 'db')).stderr).toContain('database system is shut down');
    },
    240_000,
  );
});
