import { badRequest } from '../../../lib/api/errors.js';
import type { V1Pod } from '../../../lib/schema/generated/types.js';
import { containerOf } from '../actions/container-of.js';
import { readBoolean } from '../registry/options.js';
import type { LogOptions } from '../registry/node-connection.js';

/** The kubelet's names of what the API calls stdin, stdout and stderr. */
const STREAMS = { stdin: 'input', stdout: 'output', stderr: 'error', tty: 'tty' } as const;

/** Where a kubelet serves a stream of a pod, from the query of the API request. Throws 400 for a container that there is not. */
export function streamPath(subresource: string, pod: V1Pod, query: URLSearchParams): string {
  const asked = new URLSearchParams();
  if (subresource === 'portforward') {
    for (const ports of query.getAll('ports')) for (const port of ports.split(',')) asked.append('port', port);
    return pathOf('portForward', pod, [], asked);
  }
  for (const [name, kubeletName] of Object.entries(STREAMS)) {
    if (readBoolean(query, name)) asked.append(kubeletName, '1');
  }
  if (subresource === 'exec') {
    const command = query.getAll('command');
    if (command.length === 0) throw badRequest('you must specify at least 1 command for the container');
    for (const word of command) asked.append('command', word);
  }
  return pathOf(subresource, pod, [containerOf(pod, query.get('container') ?? '')], asked);
}

export function logPath(pod: V1Pod, options: LogOptions): string {
  const { container, ...rest } = options;
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(rest)) if (value !== false) asked.append(name, String(value));
  return pathOf('containerLogs', pod, [container], asked);
}

function pathOf(root: string, pod: V1Pod, rest: readonly string[], query: URLSearchParams): string {
  const { namespace = '', name = '' } = pod.metadata ?? {};
  const path = [root, namespace, name, ...rest].map(encodeURIComponent).join('/');
  return query.size === 0 ? `/${path}` : `/${path}?${query.toString()}`;
}
