/** A real terminal to look at: tmux(1) runs the command in a pane, takes keys, shows the screen, changes its size. */
import { asUser, type Outcome, type UserIdentity, until } from './run-as.ts';

export interface TerminalOptions {
  readonly user: UserIdentity;
  readonly env: Readonly<Record<string, string>>;
  readonly columns?: number;
  readonly rows?: number;
}

export interface Terminal {
  /** Type text, without Enter. */
  type(text: string): Promise<void>;
  /** tmux's names of keys: Enter, C-c, C-d, Up. */
  press(...keys: readonly string[]): Promise<void>;
  resize(columns: number, rows: number): Promise<void>;
  /** The visible lines without trailing blanks. */
  screen(): Promise<string>;
  /** Wait until the screen matches. */
  shows(pattern: RegExp, timeoutMs?: number): Promise<void>;
  close(): Promise<void>;
}

/** Start `sh -c command` in a terminal; the screen stays to be read after the command has ended. */
export async function openTerminal(command: string, options: TerminalOptions): Promise<Terminal> {
  const socket = `${options.env.HOME}/tmux-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  const tmux = async (...args: readonly string[]): Promise<Outcome> => {
    const outcome = await asUser(options.user, ['tmux', '-S', socket, '-f', '/dev/null', ...args], {
      env: options.env,
    });
    if (outcome.code !== 0) throw new Error(`tmux ${args[0]}: ${outcome.stderr}`);
    return outcome;
  };
  const [columns, rows] = [String(options.columns ?? 80), String(options.rows ?? 24)];
  const manual = [';', 'set-option', '-g', 'window-size', 'manual'];
  await tmux('new-session', '-d', '-s', 'main', '-x', columns, '-y', rows, `${command}\nexec sleep 600`, ...manual);
  const screen = async () => (await tmux('capture-pane', '-p', '-t', 'main')).stdout.replace(/\s+$/g, '');
  return {
    screen,
    type: async (text) => void (await tmux('send-keys', '-t', 'main', '-l', '--', text)),
    press: async (...keys) => void (await tmux('send-keys', '-t', 'main', ...keys)),
    resize: async (width, height) =>
      void (await tmux('resize-window', '-t', 'main', '-x', String(width), '-y', String(height))),
    shows: async (pattern, timeoutMs = 20_000) => {
      let seen = '';
      const matches = async () => {
        seen = await screen();
        return pattern.test(seen);
      };
      await until(`${pattern} on the screen`, matches, timeoutMs).catch((error: Error) => {
        throw new Error(`${error.message}; it shows:\n${seen}`);
      });
    },
    close: async () => void (await tmux('kill-server').catch(() => undefined)),
  };
}
