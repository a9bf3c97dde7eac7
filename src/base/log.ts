/** Levels as Podman's --log-level; `warn` and above are shown unless the user asks for more. */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface Log {
  debug(message: string): void;
  info(message: string): void;
  /** Something the user should know although the command goes on: one line. */
  warn(message: string): void;
}

/** A log that writes `level: message` lines to `write` (stderr in the CLI). */
export function createLog(level: LogLevel, write: (line: string) => void): Log {
  const floor = logLevels.indexOf(level);
  const at = (name: LogLevel) => (message: string) => {
    if (logLevels.indexOf(name) >= floor) write(`${name === 'warn' ? 'warning' : name}: ${message}\n`);
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn') };
}
