import { existsSync } from 'node:fs';
import { missingRights } from '../agent/machine/requirements.js';
import type { OpenRuntime } from '../agent/runtime/cri/open.js';
import type { Clock } from '../lib/clock/clock.js';
import { UserError } from './errors.js';

const INSTALL = 'On Debian: apt-get install -y containerd runc containernetworking-plugins nftables iproute2 conntrack';

/** What runs containers: simulated nodes, or a runtime that answers. */
export type RuntimeChoice = { kind: 'simulated'; why: string } | { kind: 'cri'; runtime: OpenRuntime; socket: string };

/**
 * The runtime of `zeroplane up`. `auto` takes a CRI socket if one answers and the rights are there; what was asked for by name is an error
 * (a `UserError`) when it cannot be had.
 */
export async function chooseRuntime(
  options: { runtime: 'auto' | 'cri' | 'simulated'; criSocket?: string; nodes?: number },
  clock: Clock,
): Promise<RuntimeChoice> {
  const { runtime, criSocket, nodes = 1 } = options;
  if (runtime === 'simulated') {
    if (criSocket === undefined) return { kind: 'simulated', why: 'as asked for' };
    throw new UserError(
      '--cri-socket names a runtime for real containers, and --runtime simulated asks for none: leave one of them out',
    );
  }
  const isWanted = runtime === 'cri' || criSocket !== undefined;
  if (nodes !== 1) {
    if (!isWanted) return { kind: 'simulated', why: `--nodes ${nodes} asks for simulated nodes` };
    throw new UserError(
      `this machine is one node of real containers: leave out --nodes ${nodes}. Further machines join with: zeroplane agent`,
    );
  }
  if (!isWanted) {
    const { DEFAULT_SOCKETS } = await import('../agent/runtime/cri/open.js');
    const present = DEFAULT_SOCKETS.filter((socket) => existsSync(socket));
    if (present.length === 0) return { kind: 'simulated', why: 'there is no container runtime on this machine' };
    const missing = await missingRights();
    if (missing !== undefined) return { kind: 'simulated', why: missing };
    for (const socket of present) {
      const found = await open(socket, clock).catch(() => undefined);
      if (found !== undefined) return { kind: 'cri', runtime: found, socket };
    }
    return { kind: 'simulated', why: `no container runtime answers at ${present.join(', ')}` };
  }
  return { kind: 'cri', ...(await demandRuntime(criSocket, clock)) };
}

/** The runtime at a socket, or at one of the usual. Throws a `UserError` that says what is missing and how to get it. */
export async function demandRuntime(
  criSocket: string | undefined,
  clock: Clock,
): Promise<{ runtime: OpenRuntime; socket: string }> {
  const missing = await missingRights();
  if (missing !== undefined) throw new UserError(missing);
  const { DEFAULT_SOCKETS } = await import('../agent/runtime/cri/open.js');
  const candidates = criSocket === undefined ? DEFAULT_SOCKETS : [criSocket.replace(/^unix:\/\//, '')];
  const present = candidates.filter((socket) => existsSync(socket));
  if (present.length === 0) {
    throw new UserError(
      `there is no container runtime at ${candidates.join(', ')}. Start containerd or CRI-O, or name its socket with --cri-socket. ${INSTALL}`,
    );
  }
  let failure: unknown;
  for (const socket of present) {
    try {
      return { runtime: await open(socket, clock), socket };
    } catch (error) {
      failure = error;
    }
  }
  throw new UserError(
    `the container runtime at ${present.join(', ')} does not answer CRI v1 calls (${String(failure)}). Check that it runs and that its CRI plugin is not disabled`,
    { cause: failure },
  );
}

/** gRPC is only loaded where it is needed. */
async function open(socket: string, clock: Clock): Promise<OpenRuntime> {
  const { openRuntime } = await import('../agent/runtime/cri/open.js');
  return openRuntime(socket, clock);
}
