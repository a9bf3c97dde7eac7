import type { RunRequest, SecurityRequest } from '../run-request.ts';

/** Podman's defaults: what shows or changes the host (runtime-spec config-linux.md "Masked Paths"). */
export const defaultMaskedPaths: readonly string[] = [
  '/proc/acpi',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/dev/block',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
  '/sys/fs/selinux',
];

export const defaultReadonlyPaths: readonly string[] = [
  '/proc/asound',
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
];

/**
 * `--security-opt mask=` adds, `unmask=` takes away (both kinds); a privileged container hides nothing by default.
 * Where the host's /sys is bound (its network), /sys/kernel would show debugfs and tracefs too.
 */
export function hiddenPaths({ security, network }: RunRequest): { maskedPaths: string[]; readonlyPaths: string[] } {
  const kept = (path: string) => !security.privileged && !isUnmasked(security, path);
  const masked = network.mode === 'host' ? [...defaultMaskedPaths, '/sys/kernel'] : defaultMaskedPaths;
  return {
    maskedPaths: [...masked.filter(kept), ...security.mask],
    readonlyPaths: defaultReadonlyPaths.filter(kept),
  };
}

/** Patterns are the shell's: `*` and `?` do not match a slash (path.Match of Go, as Podman uses it). */
export function isUnmasked({ unmask }: SecurityRequest, path: string): boolean {
  return unmask.some((pattern) => pattern === 'ALL' || globToRegExp(pattern).test(path));
}

function globToRegExp(pattern: string): RegExp {
  const literal = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${literal.replaceAll('*', '[^/]*').replaceAll('?', '[^/]')}$`);
}
