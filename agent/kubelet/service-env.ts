import type { V1Service } from '../../lib/schema/generated/types.js';

/** The service that every pod is told of, wherever it lives. */
const MASTER = { namespace: 'default', name: 'kubernetes' };

/** `REDIS_SERVICE_HOST` and the like, for the services that a pod of a namespace sees, as the kubelet makes them. */
export function serviceEnvironment(
  services: readonly V1Service[],
  namespace: string,
  enableServiceLinks: boolean,
): Map<string, string> {
  const seen = new Map<string, V1Service>();
  for (const service of services) {
    const { name = '', namespace: own } = service.metadata ?? {};
    const { clusterIP = '' } = service.spec ?? {};
    if (clusterIP === '' || clusterIP === 'None') continue;
    const isMaster = own === MASTER.namespace && name === MASTER.name;
    // A service of the pod's own namespace goes before the master of the same name.
    if (own === namespace && (enableServiceLinks || isMaster)) seen.set(name, service);
    else if (isMaster && !seen.has(name)) seen.set(name, service);
  }
  const variables = new Map<string, string>();
  for (const service of seen.values()) add(variables, service);
  return variables;
}

function add(variables: Map<string, string>, { metadata, spec }: V1Service): void {
  const prefix = variableName(metadata?.name ?? '');
  const ip = spec?.clusterIP ?? '';
  const host = ip.includes(':') ? `[${ip}]` : ip;
  const ports = spec?.ports ?? [];
  const [first] = ports;
  if (first === undefined) return;
  variables.set(`${prefix}_SERVICE_HOST`, ip);
  variables.set(`${prefix}_SERVICE_PORT`, String(first.port));
  for (const { name, port } of ports) {
    if (name) variables.set(`${prefix}_SERVICE_PORT_${variableName(name)}`, String(port));
  }
  for (const [index, { port, protocol = 'TCP' }] of ports.entries()) {
    const scheme = protocol.toLowerCase();
    const link = `${prefix}_PORT_${port}_${protocol}`;
    if (index === 0) variables.set(`${prefix}_PORT`, `${scheme}://${host}:${port}`);
    variables.set(link, `${scheme}://${host}:${port}`);
    variables.set(`${link}_PROTO`, scheme);
    variables.set(`${link}_PORT`, String(port));
    variables.set(`${link}_ADDR`, ip);
  }
}

function variableName(name: string): string {
  return name.replaceAll('-', '_').toUpperCase();
}
