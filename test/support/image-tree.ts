/**
 * What is in an image, read from an OCI or Docker archive without the product's own code: its layers applied one by one
 * (image-spec layer.md "Applying Changesets"), as one line for each path.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { extract, type Header } from 'tar-stream';

export interface ImageContent {
  /** `file 0644 0:0 "content"`, `dir 0755 0:0`, `link target` by path, without slashes at the ends. */
  readonly tree: Readonly<Record<string, string>>;
  /** The configuration's member `config`. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly author?: string;
  readonly layerCount: number;
}

interface Node {
  readonly header: Header;
  readonly content: Buffer;
}

export async function readImage(archive: string): Promise<ImageContent> {
  const entries = await entriesOf(readFileSync(archive));
  const files = new Map(entries.map(({ header, content }) => [clean(header.name), content]));
  const { config, layers } = files.has('index.json') ? ofOciArchive(files) : ofDockerArchive(files);
  const nodes = new Map<string, Node>();
  for (const layer of layers) applyLayer(nodes, await entriesOf(decompressed(layer)));
  const tree = [...nodes].map(([path, node]) => [path, describeNode(node)] as const);
  return {
    tree: Object.fromEntries(tree.sort(([a], [b]) => (a < b ? -1 : 1))),
    config: config.config ?? {},
    ...(config.author ? { author: config.author } : {}),
    layerCount: layers.length,
  };
}

interface Parts {
  readonly config: { readonly config?: Record<string, unknown>; readonly author?: string };
  readonly layers: readonly Buffer[];
}

const json = (bytes: Buffer | undefined) => JSON.parse((bytes ?? Buffer.from('{}')).toString());

function ofOciArchive(files: ReadonlyMap<string, Buffer>): Parts {
  const blob = (digest: string) => files.get(`blobs/${digest.replace(':', '/')}`) ?? Buffer.alloc(0);
  const manifest = json(blob(json(files.get('index.json')).manifests[0].digest));
  return {
    config: json(blob(manifest.config.digest)),
    layers: manifest.layers.map(({ digest }: { digest: string }) => blob(digest)),
  };
}

function ofDockerArchive(files: ReadonlyMap<string, Buffer>): Parts {
  const [manifest] = json(files.get('manifest.json'));
  const layers = manifest.Layers.map((name: string) => files.get(clean(name)) ?? Buffer.alloc(0));
  return { config: json(files.get(manifest.Config)), layers };
}

/** The paths whose description differs; null for those that are gone. */
export function changesBetween(base: ImageContent['tree'], tree: ImageContent['tree']): Record<string, string | null> {
  const paths = [...new Set([...Object.keys(base), ...Object.keys(tree)])].sort();
  return Object.fromEntries(
    paths.filter((path) => base[path] !== tree[path]).map((path) => [path, tree[path] ?? null] as const),
  );
}

const clean = (name: string) => name.replace(/^(\.?\/)+/, '').replace(/\/+$/, '');

function decompressed(bytes: Buffer): Buffer {
  if (bytes.length < 4) return bytes;
  if (bytes.readUInt16BE(0) === 0x1f8b) return gunzipSync(bytes);
  return bytes.readUInt32LE(0) === 0xfd2fb528 ? zstdDecompressSync(bytes) : bytes;
}

async function entriesOf(archive: Buffer): Promise<Node[]> {
  const nodes: Node[] = [];
  for await (const entry of Readable.from([archive]).pipe(extract())) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(Buffer.from(chunk as Uint8Array));
    nodes.push({ header: entry.header, content: Buffer.concat(chunks) });
  }
  return nodes;
}

function applyLayer(nodes: Map<string, Node>, layer: readonly Node[]): void {
  const below = new Set(nodes.keys());
  for (const node of layer) {
    const path = clean(node.header.name);
    const [directory, name] = splitPath(path);
    if (name === '.wh..wh..opq') for (const each of below) removeBelow(nodes, each, `${directory}/`);
    else if (name.startsWith('.wh.')) removeTree(nodes, join(directory, name.slice('.wh.'.length)));
  }
  for (const node of layer) {
    const path = clean(node.header.name);
    if (path === '' || splitPath(path)[1].startsWith('.wh.')) continue;
    const replaced = nodes.get(path);
    if (replaced?.header.type === 'directory' && node.header.type !== 'directory') removeTree(nodes, path);
    nodes.set(path, node.header.type === 'link' ? linked(nodes, node) : node);
  }
}

/** A hard link is the file that it leads to. */
function linked(nodes: Map<string, Node>, node: Node): Node {
  const target = nodes.get(clean(node.header.linkname ?? ''));
  if (target === undefined) throw new Error(`${node.header.name}: a hard link to nothing`);
  return target;
}

function removeBelow(nodes: Map<string, Node>, path: string, prefix: string): void {
  if (path.startsWith(prefix === '/' ? '' : prefix)) nodes.delete(path);
}

function removeTree(nodes: Map<string, Node>, path: string): void {
  nodes.delete(path);
  for (const each of [...nodes.keys()]) removeBelow(nodes, each, `${path}/`);
}

function splitPath(path: string): [directory: string, name: string] {
  const slash = path.lastIndexOf('/');
  return [path.slice(0, Math.max(slash, 0)), path.slice(slash + 1)];
}

const join = (directory: string, name: string) => (directory === '' ? name : `${directory}/${name}`);

function describeNode({ header, content }: Node): string {
  const owner = `${header.uid}:${header.gid}`;
  const mode = ((header.mode ?? 0) & 0o7777).toString(8).padStart(4, '0');
  switch (header.type) {
    case 'directory':
      return `dir ${mode} ${owner}`;
    case 'symlink':
      return owner === '0:0' ? `link ${header.linkname}` : `link ${header.linkname} ${owner}`;
    case 'file':
      return `file ${mode} ${owner} ${shortContent(content)}`;
    default:
      return `${header.type} ${mode} ${owner}`;
  }
}

function shortContent(content: Buffer): string {
  const text = content.toString();
  if (content.length <= 200 && Buffer.from(text).equals(content)) return JSON.stringify(text);
  return `${content.length} bytes, sha256 ${createHash('sha256').update(content).digest('hex').slice(0, 12)}`;
}
