import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { UserError } from '../../cli/errors.js';
import { MINISTACK_PROGRAM } from './install-ministack.js';

const START_TIMEOUT_MS = 120_000;
const LOG_TAIL_CHARACTERS = 2_000;

/** The account is whatever access key of twelve digits a request is signed with, else this. */
export const EMULATOR_ACCOUNT = '000000000000';
export const EMULATOR_REGION = 'us-east-1';

/** A running emulator of AWS with nothing in it. What it keeps goes when it stops. */
export class MiniStack {
  readonly endpoint: string;
  /** What it and the functions in it say. */
  readonly logFile: string;
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #exit: Promise<void>;

  protected constructor(endpoint: string, child: ChildProcess, folder: string) {
    this.endpoint = endpoint;
    this.logFile = path.join(folder, 'log.txt');
    this.#process = child;
    this.#folder = folder;
    this.#exit = new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
  }

  /** Starts one on a port of 127.0.0.1, any free one unless given. Its functions see nothing of this process's environment but PATH. */
  static async start(port?: number): Promise<MiniStack> {
    const own = port ?? (await freePort());
    const folder = mkdtempSync(path.join(tmpdir(), 'zeroplane-ministack-'));
    const log = openSync(path.join(folder, 'log.txt'), 'a');
    const child = spawn(MINISTACK_PROGRAM, [], {
      cwd: folder,
      stdio: ['ignore', log, log],
      // A group of its own: the functions are processes too.
      detached: true,
      env: {
        PATH: `${path.dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
        HOME: folder,
        TMPDIR: folder,
        GATEWAY_PORT: String(own),
        BIND_HOST: '127.0.0.1',
        MINISTACK_HOST: '127.0.0.1',
      },
    });
    const emulator = new this(`http://127.0.0.1:${own}`, child, folder);
    await emulator.#ready();
    return emulator;
  }

  async #ready(): Promise<void> {
    const deadlineMs = Date.now() + START_TIMEOUT_MS;
    let hasEnded = false;
    void this.#exit.then(() => (hasEnded = true));
    for (;;) {
      try {
        if (!hasEnded && (await fetch(`${this.endpoint}/_ministack/health`)).ok) return;
      } catch {
        // Not yet.
      }
      if (hasEnded || Date.now() > deadlineMs) {
        const said = readFileSync(this.logFile, 'utf8').slice(-LOG_TAIL_CHARACTERS).trim();
        this.stop();
        throw new UserError(
          `MiniStack ${hasEnded ? 'ended' : 'did not answer'} at ${this.endpoint}${said === '' ? '' : `: ${said}`}. If it does so again, remove .cache/ministack and try once more`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Resolves when it has ended, by itself or by `stop`. */
  exited(): Promise<void> {
    return this.#exit;
  }

  /** Ends it with all its functions, and removes what it kept. */
  stop(): void {
    const { pid } = this.#process;
    try {
      if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
