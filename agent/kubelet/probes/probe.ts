import { connect } from 'node:net';
import type { Clock } from '../../../lib/clock/clock.js';
import type { V1Container, V1Probe } from '../../../lib/schema/generated/types.js';
import { grpcHealth } from './grpc-health.js';
import { httpGet } from './http-get.js';

export interface ExecResult {
  exitCode: number;
  /** Both streams. */
  output: string;
}

/** Runs a command in a container. Rejects when it cannot be run or takes too long. */
export type ExecCommand = (containerId: string, command: readonly string[], timeoutMs: number) => Promise<ExecResult>;

export interface ProbeTarget {
  containerId: string;
  spec: V1Container;
  /** The pod's own address. */
  ip: string;
}

export interface ProbeOutcome {
  isSuccess: boolean;
  output: string;
}

export const PROBE_USER_AGENT = 'kube-probe/1.36';

/** Probes once. Never rejects: what cannot be asked has failed. */
export async function runProbe(
  probe: V1Probe,
  target: ProbeTarget,
  context: { exec: ExecCommand; clock: Clock },
): Promise<ProbeOutcome> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
  try {
    return await attempt(probe, target, { ...context, timeoutMs });
  } catch (error) {
    return { isSuccess: false, output: error instanceof Error ? error.message : String(error) };
  }
}

async function attempt(
  probe: V1Probe,
  { containerId, spec, ip }: ProbeTarget,
  { exec, clock, timeoutMs }: { exec: ExecCommand; clock: Clock; timeoutMs: number },
): Promise<ProbeOutcome> {
  if (probe.exec !== undefined) {
    const { exitCode, output } = await exec(containerId, probe.exec.command ?? [], timeoutMs);
    return { isSuccess: exitCode === 0, output };
  }
  if (probe.httpGet !== undefined) {
    const port = portNumber(probe.httpGet.port, spec);
    const answer = await httpGet(probe.httpGet, { host: ip, port, userAgent: PROBE_USER_AGENT, timeoutMs, clock });
    const isSuccess = answer.status >= 200 && answer.status < 400;
    return { isSuccess, output: isSuccess ? answer.body : `HTTP probe failed with statuscode: ${answer.status}` };
  }
  if (probe.tcpSocket !== undefined) {
    const host = probe.tcpSocket.host || ip;
    await dial(host, portNumber(probe.tcpSocket.port, spec), timeoutMs, clock);
    return { isSuccess: true, output: '' };
  }
  if (probe.grpc !== undefined) {
    const address = `${ip.includes(':') ? `[${ip}]` : ip}:${probe.grpc.port}`;
    const service = probe.grpc.service ?? '';
    const status = await grpcHealth({ address, service, userAgent: PROBE_USER_AGENT, timeoutMs, clock });
    return { isSuccess: status === 'SERVING', output: `service unhealthy (responded with ${JSON.stringify(status)})` };
  }
  throw new Error('missing probe handler');
}

/** A port by number or by the name that the container gives it. */
export function portNumber(port: string | number, spec: V1Container): number {
  const named = spec.ports?.find(({ name }) => name === port)?.containerPort;
  const number = named ?? Number(port);
  if (!(number > 0 && number < 65536)) throw new Error(`couldn't find port: ${JSON.stringify(port)}`);
  return number;
}

function dial(host: string, port: number, timeoutMs: number, clock: Clock): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const cancel = clock.setTimer(timeoutMs, () => {
      socket.destroy();
      reject(new Error(`dial tcp ${host}:${port}: i/o timeout`));
    });
    socket.once('connect', () => {
      cancel();
      socket.destroy();
      resolve();
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      cancel();
      const why = error.code === 'ECONNREFUSED' ? 'connect: connection refused' : error.message;
      reject(new Error(`dial tcp ${host}:${port}: ${why}`));
    });
  });
}
