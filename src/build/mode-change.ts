/** `--chmod` of COPY and ADD (chmod(1)): octal, or symbolic clauses that are applied to a file's mode. */
import { CtrError } from '../base/ctr-error.ts';

export type ModeChange = { readonly octal: number } | { readonly clauses: readonly ModeClause[] };

export interface ModeClause {
  readonly who: string;
  readonly actions: readonly { readonly operator: '+' | '-' | '='; readonly permissions: string }[];
}

export function parseModeChange(text: string): ModeChange {
  if (/^[0-7]{1,4}$/.test(text)) return { octal: Number.parseInt(text, 8) };
  const clauses = text.split(',').map(parseClause);
  if (clauses.every((clause) => clause !== undefined)) return { clauses };
  throw new CtrError('INVALID', `invalid mode ${JSON.stringify(text)}`, {
    hint: 'write octal digits (0755) or symbolic clauses (u=rwX,go=rX)',
  });
}

function parseClause(text: string): ModeClause | undefined {
  const [, who = '', rest = ''] = /^([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)$/.exec(text) ?? [];
  if (rest === '') return undefined;
  const actions = [...rest.matchAll(/([-+=])([rwxXst]*|[ugo])(?=[-+=]|$)/g)].map(([, operator, permissions = '']) => ({
    operator: operator as '+' | '-' | '=',
    permissions,
  }));
  return { who: who === '' ? 'a' : who, actions };
}

/** The new permission bits (07777) of a file. Nothing is masked: builds have no umask. */
export function applyModeChange(change: ModeChange, mode: number, isDirectory: boolean): number {
  if ('octal' in change) return change.octal;
  return change.clauses.reduce((result, clause) => applyClause(clause, result, isDirectory), mode & 0o7777);
}

function applyClause({ who, actions }: ModeClause, before: number, isDirectory: boolean): number {
  let mode = before;
  for (const { operator, permissions } of actions) {
    const bits = bitsFor(who, permissions, mode, isDirectory);
    if (operator === '+') mode |= bits;
    else if (operator === '-') mode &= ~bits;
    else mode = (mode & ~clearedBy(who, isDirectory)) | bits;
  }
  return mode;
}

const shifts = { u: 6, g: 3, o: 0 } as const;

/** `=` takes away the class's bits; a directory keeps its set-id bits (chmod(1) "Setuid and setgid bits"). */
function clearedBy(who: string, isDirectory: boolean): number {
  const has = (name: string) => who.includes(name) || who.includes('a');
  const special = isDirectory ? 0 : (has('u') ? 0o4000 : 0) | (has('g') ? 0o2000 : 0);
  const sticky = who.includes('a') || who.includes('o') ? 0o1000 : 0;
  return (has('u') ? 0o700 : 0) | (has('g') ? 0o070 : 0) | (has('o') ? 0o007 : 0) | special | sticky;
}

function bitsFor(who: string, permissions: string, mode: number, isDirectory: boolean): number {
  const classes = (['u', 'g', 'o'] as const).filter((name) => who.includes(name) || who.includes('a'));
  const copied = /^[ugo]$/.test(permissions) ? (mode >> shifts[permissions as 'u' | 'g' | 'o']) & 7 : undefined;
  const executable = isDirectory || (mode & 0o111) !== 0;
  let low = copied ?? 0;
  if (copied === undefined) {
    if (permissions.includes('r')) low |= 4;
    if (permissions.includes('w')) low |= 2;
    if (permissions.includes('x') || (permissions.includes('X') && executable)) low |= 1;
  }
  let bits = classes.reduce((sum, name) => sum | (low << shifts[name]), 0);
  if (copied === undefined && permissions.includes('s')) {
    bits |= (classes.includes('u') ? 0o4000 : 0) | (classes.includes('g') ? 0o2000 : 0);
  }
  if (copied === undefined && permissions.includes('t') && classes.includes('o')) bits |= 0o1000;
  return bits;
}
