import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { NetworkError } from './errors.js';

export interface CommandResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** The machine as the network code sees it: programs and kernel settings. Tests give one that works inside a network namespace. */
export interface Host {
  /** Runs a program, without a shell. Rejects with `NetworkError` when it cannot be started or does not end; any exit code resolves. */
  run(program: string, args: readonly string[], input?: string): Promise<CommandResult>;
  /** `name` is a path below /proc/sys: `net/ipv4/ip_forward`. Undefined when the kernel has no such setting. */
  readSetting(name: string): Promise<string | undefined>;
  /** Rejects when the setting is not there or may not be written. */
  writeSetting(name: string, value: string): Promise<void>;
}

/** A program that takes longer hangs. */
const COMMAND_TIMEOUT_MS = 60_000;

/** More output than this is cut: a listing of a table of 10,000 endpoints has about 5 MB. */
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

const PACKAGES: Readonly<Record<string, string>> = {
  nft: 'nftables',
  ip: 'iproute2',
  conntrack: 'conntrack',
  modprobe: 'kmod',
};

/**
 * This machine.
 * @param prefix words before every command, such as `nsenter --net=/run/netns/node-1` for a node in a network namespace of its own.
 */
export function systemHost(prefix: readonly string[] = []): Host {
  const run: Host['run'] = (program, args, input) => runProgram([...prefix, program, ...args], program, input);
  if (prefix.length > 0) return { run, ...settingsThrough(run) };
  return {
    run,
    async readSetting(name) {
      try {
        return (await readFile(`/proc/sys/${name}`, 'utf8')).trim();
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
    writeSetting: (name, value) => writeFile(`/proc/sys/${name}`, value),
  };
}

/** Settings under /proc/sys/net are those of the namespace of the process that reads them. */
function settingsThrough(run: Host['run']): Pick<Host, 'readSetting' | 'writeSetting'> {
  return {
    async readSetting(name) {
      const { code, stdout } = await run('cat', [`/proc/sys/${name}`]);
      return code === 0 ? stdout.trim() : undefined;
    },
    async writeSetting(name, value) {
      const { code, stderr } = await run('tee', [`/proc/sys/${name}`], value);
      if (code !== 0) throw new NetworkError('failed', `writing /proc/sys/${name}: ${stderr.trim()}`);
    },
  };
}

function runProgram(words: readonly string[], program: string, input: string | undefined): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(words[0] as string, words.slice(1), {
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: COMMAND_TIMEOUT_MS,
      env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C' },
    });
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    child.on('error', (error: NodeJS.ErrnoException) => reject(startError(error, program)));
    child.on('close', (code, signal) => {
      if (code !== null) return resolve({ code, stdout: stdout(), stderr: stderr() });
      reject(
        new NetworkError('failed', `${program} was ended by ${signal} (time limit ${COMMAND_TIMEOUT_MS / 1000} s)`),
      );
    });
    // A program that fails early closes its input; its exit code and words tell why.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input ?? '');
  });
}

function startError(error: NodeJS.ErrnoException, program: string): NetworkError {
  if (error.code !== 'ENOENT')
    return new NetworkError('failed', `starting ${program}: ${error.message}`, { cause: error });
  const packageName = PACKAGES[program] ?? program;
  const message = `the program ${program} is not installed: install it, on Debian with: apt-get install -y ${packageName}`;
  return new NetworkError('missing-program', message, { cause: error });
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size <= OUTPUT_BYTES_MAX) chunks.push(chunk);
  });
  return () => Buffer.concat(chunks).toString();
}
