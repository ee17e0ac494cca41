import type { ContainerStreams, StreamingRuntime } from '../../server/served-node.js';
import type { CriConnection } from './connection.js';
import { LIST_TIMEOUT_MS } from './limits.js';

/** The runtime's own server of streams: each call prepares one connection and resolves with its URL. */
export function criStreaming(connection: CriConnection): StreamingRuntime {
  const prepare = async (method: 'Exec' | 'Attach' | 'PortForward', request: object): Promise<string> =>
    (await connection.runtime<{ url: string }>(method, request, { timeoutMs: LIST_TIMEOUT_MS })).url;
  const flags = ({ stdin, stdout, stderr, tty }: ContainerStreams): object => ({ stdin, stdout, stderr, tty });
  return {
    exec: (containerId, command, streams) =>
      prepare('Exec', { container_id: containerId, cmd: command, ...flags(streams) }),
    attach: (containerId, streams) => prepare('Attach', { container_id: containerId, ...flags(streams) }),
    portForward: (sandboxId) => prepare('PortForward', { pod_sandbox_id: sandboxId, port: [] }),
  };
}
