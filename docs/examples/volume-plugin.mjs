// A volume plugin for ctr (and Docker): each volume is a directory below ROOT. Run it as yourself:
//   node volume-plugin.mjs ~/plugin-volumes "$XDG_RUNTIME_DIR/ctr/plugins/folders.sock"
//   ctr run -v photos:/photos --volume-driver folders alpine touch /photos/one
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname } from 'node:path';

const [root, socket] = process.argv.slice(2);
const pathOf = (name) => `${root}/${encodeURIComponent(name)}`;
const volume = (name) => ({ Name: name, Mountpoint: pathOf(name) });

const methods = {
  'Plugin.Activate': () => ({ Implements: ['VolumeDriver'] }),
  'VolumeDriver.Capabilities': () => ({ Capabilities: { Scope: 'local' } }),
  'VolumeDriver.Create': ({ Name }) => void mkdirSync(pathOf(Name), { recursive: true }),
  'VolumeDriver.Remove': ({ Name }) => void rmSync(pathOf(Name), { recursive: true }),
  'VolumeDriver.Mount': ({ Name }) => ({ Mountpoint: pathOf(Name) }),
  'VolumeDriver.Unmount': () => ({}),
  'VolumeDriver.Path': ({ Name }) => ({ Mountpoint: pathOf(Name) }),
  'VolumeDriver.Get': ({ Name }) => ({ Volume: volume(Name) }),
  'VolumeDriver.List': () => ({ Volumes: readdirSync(root).map(decodeURIComponent).map(volume) }),
};

const server = createServer(async (request, response) => {
  const chunks = await Array.fromAsync(request);
  try {
    const method = methods[request.url.slice(1)];
    if (!method) throw new Error(`unknown method ${request.url}`);
    response.end(JSON.stringify({ Err: '', ...method(JSON.parse(Buffer.concat(chunks).toString() || '{}')) }));
  } catch (error) {
    response.writeHead(500).end(JSON.stringify({ Err: error.message }));
  }
});
for (const directory of [root, dirname(socket)]) mkdirSync(directory, { recursive: true });
rmSync(socket, { force: true });
server.listen(socket, () => console.log(`listening on ${socket}`));
