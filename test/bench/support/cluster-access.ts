import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { Client } from '../../../lib/client/client.js';
import { httpsTransport } from '../../../lib/client/https-transport.js';

/** What a connection to the API server needs. */
export interface ClusterAccess {
  host: string;
  port: number;
  ca: string;
  cert: string;
  key: string;
}

/** Reads the administrator's access from a kubeconfig that `zeroplane up` wrote. */
export function readAccess(kubeconfig: string): ClusterAccess {
  const config = parse(readFileSync(kubeconfig, 'utf8')) as {
    clusters: [{ cluster: { server: string; 'certificate-authority-data': string } }];
    users: [{ user: { 'client-certificate-data': string; 'client-key-data': string } }];
  };
  const { cluster } = config.clusters[0];
  const { user } = config.users[0];
  const url = new URL(cluster.server);
  const text = (base64: string): string => Buffer.from(base64, 'base64').toString();
  return {
    host: url.hostname,
    port: Number(url.port),
    ca: text(cluster['certificate-authority-data']),
    cert: text(user['client-certificate-data']),
    key: text(user['client-key-data']),
  };
}

/** A typed client over HTTPS; `close` ends its connections. */
export function openClient(access: ClusterAccess): { client: Client; close(): void } {
  const { host, port, ca, ...certificate } = access;
  const transport = httpsTransport({ server: `https://${host}:${port}`, ca, certificate });
  return { client: new Client(transport, 'bench'), close: () => transport.close() };
}
