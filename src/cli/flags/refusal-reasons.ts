/**
 * Flags of Docker's and Podman's commands that ctr knows and cannot obey (those of `run` and `create`: refused.ts). They are declared nowhere: when
 * a flag is unknown to its command, the reason is looked up here, so that a known one is never just "unknown".
 */
import { CtrError } from '../../base/ctr-error.ts';

const unsigned = 'images are not signed here; sign what is pushed by its digest (cosign, notation)';
const unencrypted = 'encrypted layers are not supported';
const onePlatform = 'a name stands for one image, or for the whole list that was built; an ID chooses one of it';
const noSignatures: Readonly<Record<string, string>> = {
  'sign-by': unsigned,
  'sign-by-sigstore': unsigned,
  'sign-by-sigstore-private-key': unsigned,
  'sign-by-sq-fingerprint': unsigned,
  'sign-passphrase-file': unsigned,
};
const features = 'the image-spec reserves `features` and gives it no meaning; --os-features is there';
const insecure = '--tls-verify=false speaks to registries without HTTPS';
const addCompression =
  'a second image with another compression is made by `ctr image copy` and joined by `ctr manifest add`';

const noStars = 'registries tell the names of their repositories, but no stars and not what is official';
const onlySwarm = 'there is no swarm: it needs a daemon';
const noAddresses = 'addresses are given out by ctr itself';
const groupLimits: Readonly<Record<string, string>> = {
  'cpu-rt-period': 'real-time scheduling of groups exists in cgroup v1 only',
  'cpu-rt-runtime': 'real-time scheduling of groups exists in cgroup v1 only',
  'memory-swappiness': 'swappiness of groups exists in cgroup v1 only',
};
const noCheckpoint = 'checkpoints need CRIU, which needs root';

const hostFiles =
  'what a step reads of the host has to be in its key: --build-context NAME=DIR with RUN --mount=type=bind,from=NAME';
const noPolicy = 'sources are pinned in the Dockerfile: FROM name@sha256:…, ADD --checksum';
const steps = 'a step has namespaces of its own, with the ids of `ctr run`';
const ownNamespaces: Readonly<Record<string, string>> = {
  ...{ cgroupns: steps, ipc: steps, pid: steps, uts: steps, userns: steps },
  ...{ 'userns-uid-map': steps, 'userns-gid-map': steps, 'userns-uid-map-user': steps, 'userns-gid-map-group': steps },
};
const noRuntimeHere = 'ctr starts the containers of steps itself, no OCI runtime or hook is used';
const noRuntime: Readonly<Record<string, string>> = {
  ...{ runtime: noRuntimeHere, 'runtime-flag': noRuntimeHere, 'hooks-dir': noRuntimeHere },
};
const noScannerHere = 'no scanner is run; --sbom=true lists what the package databases of the image say';
const noScanner: Readonly<Record<string, string>> = {
  ...{ 'sbom-scanner-image': noScannerHere, 'sbom-scanner-command': noScannerHere },
  ...{ 'sbom-merge-strategy': noScannerHere, 'sbom-output': noScannerHere, 'sbom-image-output': noScannerHere },
  ...{ 'sbom-purl-output': noScannerHere, 'sbom-image-purl-output': noScannerHere },
};

/** By the command's name and the flag's, without dashes. */
export const refusalReasons: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  push: {
    ...noSignatures,
    'encryption-key': unencrypted,
    'encrypt-layer': unencrypted,
    'add-compression': addCompression,
    platform: onePlatform,
  },
  build: {
    ...noSignatures,
    ...noRuntime,
    ...ownNamespaces,
    ...noScanner,
    'all-platforms': '--platform names them',
    'cache-ttl':
      'a step is found by all that it reads, however old; --no-cache runs it, `ctr builder prune` forgets old ones',
    'compat-volumes': 'a RUN may always change what is below a VOLUME',
    'cpp-flag': 'Dockerfiles are not run through a preprocessor; `cpp -E` makes one that -f - reads',
    cw: 'images for confidential machines are not made',
    'decryption-key': unencrypted,
    'layer-label': 'layers have no labels of their own; --label is for the image, --annotation for the manifest',
    logfile: 'progress goes to standard error: 2>FILE',
    logsplit: 'progress goes to standard error, each line with its platform',
    mount: hostFiles,
    'no-hostname': 'the host name of a RUN is always the same and is in no layer',
    'os-feature': 'it belongs to images for Windows',
    'os-version': 'it belongs to images for Windows',
    policy: noPolicy,
    'save-stages': '--target builds a stage, -t names it',
    'source-policy-file': noPolicy,
    'stage-labels': '--target builds a stage, --label labels it',
    stdin: 'a step that asks the terminal is no step that can be run again; its standard input is empty',
    unsetannotation: 'annotations of the base image are not taken over',
    v: hostFiles,
    volume: hostFiles,
  },
  pull: { 'decryption-key': unencrypted },
  images: { history: 'the names that an image had before are not kept' },
  save: { platform: onePlatform },
  load: { platform: onePlatform, 'signature-policy': 'no signatures are checked' },
  rmi: { platform: onePlatform },
  history: { platform: onePlatform },
  inspect: { platform: onePlatform, verbose: onlySwarm, v: onlySwarm },
  search: {
    filter: noStars,
    f: noStars,
    compatible: 'it chooses between forms of Podman’s API, of which there is none here',
  },
  'image prune': { external: 'no containers of other tools are in the store' },
  'system prune': {
    external: 'no containers of other tools are in the store',
    build: '`ctr builder prune` clears the build cache',
  },
  'manifest create': { insecure },
  'manifest add': { features },
  'manifest annotate': {
    features,
    subject: 'a list that refers to another image is an artifact: `ctr artifact push --subject`',
  },
  'manifest inspect': {
    insecure,
    verbose: 'it shows what is stored and nothing else; -v has another meaning in Docker only',
  },
  'manifest push': { ...noSignatures, 'add-compression': addCompression, insecure },
  commit: { 'include-volumes': 'the content of volumes is no part of an image; `ctr volume export` saves it' },
  update: groupLimits,
  'container clone': groupLimits,
  start: { checkpoint: noCheckpoint, 'checkpoint-dir': noCheckpoint },
  rm: { link: 'there are no links: networks resolve names' },
  'volume create': {
    availability: onlySwarm,
    group: onlySwarm,
    'limit-bytes': onlySwarm,
    'required-bytes': onlySwarm,
    scope: onlySwarm,
    secret: onlySwarm,
    sharing: onlySwarm,
    'topology-preferred': onlySwarm,
    'topology-required': onlySwarm,
    type: onlySwarm,
  },
  'volume ls': { cluster: 'there is no swarm, so there are no cluster volumes' },
  'network create': {
    'aux-address': '--ip-range says which addresses are given out; the others are free for everything else',
    'ipam-opt': noAddresses,
    'config-from': onlySwarm,
    'config-only': onlySwarm,
    ingress: onlySwarm,
    scope: onlySwarm,
    ipv4: 'a network has the families of its subnets: --subnet, --ipv6',
    route: 'containers have the routes of their networks and a default one; netavark of Debian 12 makes no others',
  },
  'network connect': {
    'driver-opt': 'interfaces have no options of their own',
    'gw-priority': 'the first network of a container has the default route',
    link: 'there are no links: --alias gives a name',
    'link-local-ip': 'the address of a link cannot be chosen without root',
  },
  'secret create': { 'driver-opts': 'there is one place for secrets, without options' },
  'secret inspect': { pretty: '--format shows fields as you like' },
  unshare: { 'rootless-netns': 'bridge networks live in a namespace that comes and goes with containers' },
};

/** The error that explains an unknown flag of `command`; the error as it is when there is nothing to explain. */
export function explainUnknownFlag(command: string, error: CtrError): CtrError {
  const [, long, short] = /^unknown flag: --([\w-]+)|^unknown shorthand flag: '(.)'/.exec(error.message) ?? [];
  const flag = long ?? short ?? '';
  const known = Object.hasOwn(refusalReasons, command) ? refusalReasons[command] : undefined;
  const reason = known && Object.hasOwn(known, flag) ? known[flag] : undefined;
  return reason === undefined
    ? error
    : new CtrError('UNSUPPORTED', `${flag.length > 1 ? '--' : '-'}${flag} is not supported: ${reason}`);
}
