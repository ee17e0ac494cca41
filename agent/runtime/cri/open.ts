import type { Clock } from '../../../lib/clock/clock.js';
import { CriConnection, isCriError } from './connection.js';
import { LIST_TIMEOUT_MS } from './limits.js';
import type { StatusResponse } from './messages.js';

/** Where runtimes listen, the first that answers is taken. */
export const DEFAULT_SOCKETS = ['/run/containerd/containerd.sock', '/run/crio/crio.sock', '/var/run/cri-dockerd.sock'];

/** A runtime that answers, and what it says of itself. */
export interface OpenRuntime {
  connection: CriConnection;
  /** `containerd://1.6.20` */
  version: string;
  cgroupDriver: 'cgroupfs' | 'systemd';
  /** The folder that it takes its network configuration from. */
  cniConfDir: string;
}

/** A runtime answers within this, or it is taken for absent. */
const HELLO_TIMEOUT_MS = 5_000;

const CNI_CONF_DIR = '/etc/cni/net.d';

/** CRI's number of the systemd driver. */
const SYSTEMD = 0;

/** Asks the runtime at a socket what it is. Throws `CriError` when it does not answer, or speaks no CRI of version 1. */
export async function openRuntime(socket: string, clock: Clock): Promise<OpenRuntime> {
  const connection = new CriConnection(socket, clock);
  try {
    const version = await connection.runtime<{ runtime_name: string; runtime_version: string }>(
      'Version',
      {},
      { timeoutMs: HELLO_TIMEOUT_MS },
    );
    const status = await connection.runtime<StatusResponse>(
      'Status',
      { verbose: true },
      { timeoutMs: LIST_TIMEOUT_MS },
    );
    const config = readConfig(status.info.config);
    return {
      connection,
      version: `${version.runtime_name}://${version.runtime_version}`,
      cgroupDriver: await cgroupDriver(connection, config),
      cniConfDir: config.cni?.confDir || CNI_CONF_DIR,
    };
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** Why the runtime cannot run pods now; undefined when it can. In the kubelet's words. */
export async function runtimeProblem(connection: CriConnection): Promise<string | undefined> {
  let status: StatusResponse['status'];
  try {
    ({ status } = await connection.runtime<StatusResponse>('Status', {}, { timeoutMs: LIST_TIMEOUT_MS }));
  } catch (error) {
    return `container runtime is down: ${error instanceof Error ? error.message : String(error)}`;
  }
  const failing = (status?.conditions ?? []).find((one) => !one.status);
  if (failing === undefined) return undefined;
  const told = `${failing.type}=false reason:${failing.reason} message:${failing.message}`;
  return failing.type === 'NetworkReady'
    ? `container runtime network not ready: ${told}`
    : `container runtime not ready: ${told}`;
}

/** The part of containerd's own configuration that matters here. */
interface RuntimeConfig {
  cni?: { confDir?: string };
  containerd?: {
    defaultRuntimeName?: string;
    runtimes?: Record<string, { options?: { SystemdCgroup?: boolean } } | undefined>;
  };
}

function readConfig(json: string | undefined): RuntimeConfig {
  try {
    return JSON.parse(json ?? '{}') as RuntimeConfig;
  } catch {
    return {};
  }
}

/** Newer runtimes say it; of older containerd it stands in the configuration; CRI-O's default is systemd. */
async function cgroupDriver(connection: CriConnection, config: RuntimeConfig): Promise<'cgroupfs' | 'systemd'> {
  try {
    const answer = await connection.runtime<{ linux: { cgroup_driver: number } | null }>(
      'RuntimeConfig',
      {},
      { timeoutMs: LIST_TIMEOUT_MS },
    );
    if (answer.linux !== null) return answer.linux.cgroup_driver === SYSTEMD ? 'systemd' : 'cgroupfs';
  } catch (error) {
    if (!isCriError(error, 'Unimplemented')) throw error;
  }
  const { defaultRuntimeName = 'runc', runtimes = {} } = config.containerd ?? {};
  return runtimes[defaultRuntimeName]?.options?.SystemdCgroup === true ? 'systemd' : 'cgroupfs';
}
