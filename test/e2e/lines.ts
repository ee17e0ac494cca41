import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

const WAIT_MS = 15_000;
const POLL_MS = 20;

/** What a running process prints, line by line. */
export class Lines {
  readonly list: string[] = [];
  readonly #child: ChildProcess;
  readonly #end: Promise<void>;
  #rest = '';

  constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => this.#take(chunk.toString()));
    this.#end = new Promise((resolve) => child.on('close', () => resolve()));
  }

  /** Resolves once a line is printed for the `times`th time; fails with all that was printed. */
  async until(line: string | RegExp, times = 1, withinMs = WAIT_MS): Promise<string> {
    const isIt = (text: string): boolean => (typeof line === 'string' ? text === line : line.test(text));
    const deadline = Date.now() + withinMs;
    for (;;) {
      const found = this.list.filter(isIt);
      const last = found[times - 1];
      if (last !== undefined) return last;
      if (Date.now() > deadline) throw new Error(`no line ${String(line)} (${times}.) in:\n${this.list.join('\n')}`);
      await sleep(POLL_MS);
    }
  }

  /** Ends the process. */
  end(): void {
    this.#child.kill('SIGINT');
  }

  /** Resolves when the process has ended by itself. */
  ended(): Promise<void> {
    return this.#end;
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    this.list.push(...lines);
  }
}
