/** One finding about this host. `fix` is the shell command that fixes it, where one exists. */
export type Check = {
  /** Stable name, for programs. */
  id: string;
  title: string;
  status: 'ok' | 'warn' | 'fail';
  detail: string;
  fix?: string;
};

/** A command that needs root, as this user would type it. */
export function asRoot(command: string): string {
  return process.getuid?.() === 0 ? command : `sudo ${command}`;
}
