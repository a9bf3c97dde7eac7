/** Receive an open descriptor from another process over a unix socket (unix(7) SCM_RIGHTS). */
import { MAP, MSG, PROT } from './constants.ts';
import { libc } from './ffi.ts';

const wordBytes = 8;
const pageBytes = 4096;
/** Offsets in the page: struct msghdr, one iovec, one byte of payload, one cmsghdr with one descriptor. */
const at = { header: 0, iov: 56, payload: 72, control: 80, end: 104 } as const;
const controlBytes = 24;

/** Blocks until the peer has sent one; undefined when it closed the socket instead. The descriptor is close-on-exec. */
export function receiveDescriptor(socket: number): number | undefined {
  const prot = PROT.READ | PROT.WRITE;
  const flags = MAP.PRIVATE | MAP.ANONYMOUS;
  // In memory of a known address, because a message's header holds pointers.
  const page = libc(
    'mmap',
    'i64',
    ['i64', 0],
    ['i64', pageBytes],
    ['i32', prot],
    ['i32', flags],
    ['i32', -1],
    ['i64', 0],
  );
  try {
    const message = headerFor(page);
    libc('memcpy', 'i64', ['i64', page], ['buf', message], ['i64', message.length]);
    const received = libc('recvmsg', 'i64', ['i32', socket], ['i64', page], ['i32', MSG.CMSG_CLOEXEC]);
    if (received === 0) return undefined;
    const answer = Buffer.alloc(at.end);
    libc('memcpy', 'i64', ['buf', answer], ['i64', page], ['i64', answer.length]);
    const hasDescriptor = answer.readBigUInt64LE(at.header + 5 * wordBytes) > 0n;
    return hasDescriptor ? answer.readInt32LE(at.control + 16) : undefined;
  } finally {
    libc('munmap', 'i32', ['i64', page], ['i64', pageBytes]);
  }
}

/** struct msghdr {name, namelen, iov, iovlen, control, controllen, flags}. */
function headerFor(page: number): Buffer {
  const message = Buffer.alloc(at.end);
  const put = (offset: number, word: number) => message.writeBigUInt64LE(BigInt(word), offset);
  put(at.header + 2 * wordBytes, page + at.iov);
  put(at.header + 3 * wordBytes, 1);
  put(at.header + 4 * wordBytes, page + at.control);
  put(at.header + 5 * wordBytes, controlBytes);
  put(at.iov, page + at.payload);
  put(at.iov + wordBytes, 1);
  return message;
}
