/** What the corpus downloads: `file.txt`, `t.tar`, and `repo.git` (two commits, the first one tagged v1) over smart HTTP. */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { archiveOf } from './oci-image.ts';

export async function startFileServer(work: string): Promise<{ readonly url: string; close(): void }> {
  const tar = await archiveOf([{ name: 'f', content: 'f', mode: 0o644, uid: 3, gid: 4 }]);
  const plain: Readonly<Record<string, string | Buffer>> = { '/file.txt': 'from the web\n', '/t.tar': tar };
  makeRepository(work);
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://x');
    if (url.pathname.startsWith('/repo.git/')) return serveGit(work, url, request, response);
    const body = plain[url.pathname];
    response.statusCode = body === undefined ? 404 : 200;
    response.end(body ?? 'not found\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
}

function makeRepository(work: string): void {
  const script = `
    git init -q -b main source && cd source
    git config user.email t@example.test && git config user.name T
    mkdir docs && echo one > README && echo d > docs/d && git add . && git commit -qm one && git tag v1
    echo two > README && git commit -qam two && cd .. && git clone -q --bare source repo.git`;
  mkdirSync(work, { recursive: true });
  chmodSync(work, 0o755);
  const environment = { PATH: process.env.PATH ?? '', HOME: work, GIT_CONFIG_NOSYSTEM: '1' };
  execFileSync('sh', ['-ec', script], { cwd: work, env: environment });
}

/** git-http-backend(1) as a CGI program: headers, an empty line, the body. */
function serveGit(work: string, url: URL, request: IncomingMessage, response: ServerResponse): void {
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: work,
    GIT_PROJECT_ROOT: work,
    GIT_HTTP_EXPORT_ALL: '1',
    GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    REQUEST_METHOD: request.method ?? 'GET',
    PATH_INFO: url.pathname,
    QUERY_STRING: url.search.slice(1),
    CONTENT_TYPE: request.headers['content-type'] ?? '',
    HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
  };
  const child = spawn('git', ['http-backend'], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  request.pipe(child.stdin);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.on('close', () => {
    const answer = Buffer.concat(chunks);
    const end = answer.indexOf('\r\n\r\n');
    const headers = answer.subarray(0, end).toString().split('\r\n');
    for (const header of headers) {
      const [name = '', value = ''] = header.split(/: (.*)/);
      if (name === 'Status') response.statusCode = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.end(answer.subarray(end + 4));
  });
}
