import type { KubernetesObject } from '../../../lib/api/meta.js';
import type { Call } from './context.js';
import type { ExpectedKind } from './decode.js';
import { readBoolean } from './options.js';

/** Subresources that open a connection, by the kind of their options; what they are asked stands in the query. */
const CONNECTIONS: Readonly<Record<string, string>> = {
  'pods/attach': 'PodAttachOptions',
  'pods/exec': 'PodExecOptions',
  'pods/portforward': 'PodPortForwardOptions',
  'pods/proxy': 'PodProxyOptions',
  'services/proxy': 'ServiceProxyOptions',
  'nodes/proxy': 'NodeProxyOptions',
};

const FLAGS = ['stdin', 'stdout', 'stderr', 'tty'] as const;

/** The options of a connection as the object that admission sees; undefined for other requests. */
export function connectionOf(call: Call): { body: KubernetesObject; expected: ExpectedKind } | undefined {
  const { resource, path, query } = call;
  const kind = resource.group === '' ? CONNECTIONS[`${resource.plural}/${path.subresource}`] : undefined;
  if (kind === undefined) return undefined;
  const body: KubernetesObject & Record<string, unknown> = { kind, apiVersion: 'v1' };
  if (path.subresource === 'proxy') {
    body['path'] = `/${path.rest}`;
  } else if (path.subresource === 'portforward') {
    const ports = query.getAll('ports').flatMap((text) => text.split(',').map(Number));
    if (ports.length > 0) body['ports'] = ports;
  } else {
    for (const flag of FLAGS) if (readBoolean(query, flag)) body[flag] = true;
    const container = query.get('container') ?? '';
    if (container !== '') body['container'] = container;
    const command = query.getAll('command');
    if (command.length > 0) body['command'] = command;
  }
  return { body, expected: { group: '', version: 'v1', kind, schema: '' } };
}
