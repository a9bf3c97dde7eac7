/** Real applications built from Debian's packages and asked over HTTP: apt in RUN, a compiler stage, a slim result. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import { type Bed, openBed } from '../support/bed.ts';
import { needs } from '../support/needs.ts';
import { until } from '../support/run-as.ts';

let bed: Bed;
let single: Bed;
const promise = needs('root', 'registry', 'skopeo', 'mmdebstrap', 'subordinate-ids', 'pasta');
const lines = (...text: readonly string[]) => `${text.join('\n')}\n`;

beforeAll(async () => {
  bed = await openBed({ images: ['debian'] });
  single = await openBed({ images: ['debian'], ranges: false });
  for (const at of [bed, single]) {
    await at.ctr('pull', '-q', at.image('debian'));
    await at.ctr('tag', at.image('debian'), 'localhost/debian');
  }
});
afterEach(async () => {
  for (const at of [bed, single]) await at.ctr('rm', '-f', '-t', '0', '--all');
});
afterAll(async () => {
  await single?.close();
  await bed?.close();
});

function context(at: Bed, name: string, files: Readonly<Record<string, string>>): string {
  const directory = at.directory(name);
  mkdirSync(directory, { recursive: true });
  for (const [path, content] of Object.entries(files)) writeFileSync(`${directory}/${path}`, content);
  execFileSync('chown', ['-R', `${at.user.uid}:${at.user.gid}`, directory]);
  return directory;
}

/** What the service of the image says at `/`, over a port of the host. */
async function answerOf(at: Bed, image: string, port: number): Promise<string> {
  const started = await at.ctr('run', '-d', '--name', 'service', '-p', `127.0.0.1::${port}`, image);
  expect(started.code, started.stderr).toBe(0);
  const address = (await at.ctr('port', 'service', String(port))).stdout.trim();
  let answer = '';
  await until('an answer', async () => {
    const asked = await at.sh(`curl -sf http://${address}/`);
    answer = asked.stdout;
    return asked.code === 0;
  });
  return answer;
}

const service = lines(
  '#include <netinet/in.h>',
  '#include <string.h>',
  '#include <sys/socket.h>',
  '#include <unistd.h>',
  'int main(void) {',
  '  const char *reply = "HTTP/1.0 200 OK\\r\\n\\r\\nhello from C\\n";',
  '  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(8080)};',
  '  int one = 1, server = socket(AF_INET, SOCK_STREAM, 0);',
  '  setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);',
  '  if (bind(server, (struct sockaddr *)&at, sizeof at) || listen(server, 8)) return 1;',
  '  for (;;) {',
  '    char request[4096];',
  '    int client = accept(server, 0, 0);',
  '    if (read(client, request, sizeof request) > 0) write(client, reply, strlen(reply));',
  '    close(client);',
  '  }',
  '}',
);

const install = (packages: string) =>
  `RUN apt-get update -q && apt-get install -yq --no-install-recommends ${packages} && rm -rf /var/lib/apt/lists/*`;

describe('real applications [E]', () => {
  promise('a C service: compiled in one stage by Debian’s gcc, alone in the other', async () => {
    const Dockerfile = lines(
      'FROM localhost/debian AS compile',
      install('gcc libc6-dev'),
      'COPY service.c /src/',
      'RUN gcc -O2 -Wall -Werror -static -o /service /src/service.c',
      'FROM scratch',
      'COPY --from=compile /service /service',
      'USER 1000:1000',
      'EXPOSE 8080',
      'ENTRYPOINT ["/service"]',
    );
    const built = await bed.ctr(
      'build',
      '-q',
      '-t',
      'service',
      context(bed, 'c', { Dockerfile, 'service.c': service }),
    );
    expect(built.code, built.stderr).toBe(0);
    expect(await answerOf(bed, 'localhost/service', 8080)).toBe('hello from C\n');
    const size = Number((await bed.ctr('image', 'inspect', '-f', '{{.Size}}', 'service')).stdout);
    expect(size).toBeLessThan(3_000_000);
  });

  promise('nginx from its package, by plain apt-get, for a user without subordinate ids', async () => {
    const Dockerfile = lines(
      'FROM localhost/debian',
      install('nginx-light'),
      'RUN echo "hello from nginx" >/var/www/html/index.html && chown -R www-data: /var/www',
      'CMD ["nginx", "-g", "daemon off;"]',
    );
    const built = await single.ctr('build', '-q', '-t', 'web', context(single, 'nginx', { Dockerfile }));
    expect(built.code, built.stderr).toBe(0);
    expect(await answerOf(single, 'localhost/web', 80)).toBe('hello from nginx\n');
    // What made apt work is in no layer.
    single.file('Dockerfile', 'FROM scratch\nCOPY --from=localhost/web /etc/apt/apt.conf.d /\n');
    const files = await single.sh('ctr build -q -o files -f Dockerfile nginx && ls files');
    expect(files.stdout).toContain('01autoremove');
    expect(files.stdout).not.toContain('ctr-single-id');
  });
});
