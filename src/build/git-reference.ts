/** Git addresses of ADD and of build contexts (BuildKit, "Git context"): where from, which commit, which directory. */
import type { GitReference } from './instruction.ts';

/** Undefined when the text is no git address; an https address is one when its path ends in `.git`. */
export function parseGitReference(text: string): GitReference | undefined {
  const [address = '', fragment] = splitOnce(text, '#');
  if (/^[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:(?!\/\/)/.test(address)) {
    return { written: text, ...described(address, new URLSearchParams(), fragment) };
  }
  if (!/^(https?|ssh|git):\/\//i.test(address)) return undefined;
  const [remote = '', query = ''] = splitOnce(address, '?');
  if (/^https?:/i.test(remote) && !/\.git\/?$/.test(remote)) return undefined;
  return { written: text, ...described(remote, new URLSearchParams(query), fragment) };
}

function described(
  remote: string,
  query: URLSearchParams,
  fragment: string | undefined,
): Omit<GitReference, 'written'> {
  const [inFragment, subdirectoryInFragment] = splitOnce(fragment ?? '', ':');
  const branch = query.get('branch');
  const tag = query.get('tag');
  const ref =
    query.get('ref') ?? (branch && `refs/heads/${branch}`) ?? (tag && `refs/tags/${tag}`) ?? (inFragment || undefined);
  const subdirectory = query.get('subdir') ?? (subdirectoryInFragment || undefined);
  const commit = query.get('commit') ?? query.get('checksum') ?? undefined;
  return {
    remote,
    ...(ref ? { ref } : {}),
    ...(commit ? { commit } : {}),
    ...(subdirectory ? { subdirectory } : {}),
    ...(query.has('keep-git-dir') ? { keepGitDir: isTrue(query.get('keep-git-dir')) } : {}),
    ...(query.has('submodules') ? { submodules: isTrue(query.get('submodules')) } : {}),
  };
}

const isTrue = (text: string | null) => !/^(0|f|false)$/i.test(text ?? '');

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}
