import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import type { HttpsTransportOptions } from '../lib/client/https-transport.js';
import { UserError } from './errors.js';

interface Kubeconfig {
  'current-context'?: string;
  contexts?: { name: string; context: { cluster: string; user: string } }[];
  clusters?: { name: string; cluster: Record<string, string | undefined> }[];
  users?: { name: string; user: Record<string, string | undefined> }[];
}

/** How to reach the cluster of a kubeconfig's current context. Throws a `UserError` that says what is wrong with the file. */
export function readKubeconfig(file: string): HttpsTransportOptions {
  let config: Kubeconfig;
  try {
    config = (parse(readFileSync(file, 'utf8')) ?? {}) as Kubeconfig;
  } catch (error) {
    throw new UserError(
      `the kubeconfig ${file} cannot be read (${(error as Error).message}). Get one with: zeroplane kubeconfig --node NAME > FILE`,
      { cause: error },
    );
  }
  const wanted = config['current-context'];
  const context = config.contexts?.find(({ name }) => name === wanted) ?? config.contexts?.[0];
  const cluster = config.clusters?.find(({ name }) => name === context?.context.cluster)?.cluster;
  const user = config.users?.find(({ name }) => name === context?.context.user)?.user ?? {};
  const ca = content(file, cluster ?? {}, 'certificate-authority');
  if (cluster?.server === undefined || ca === undefined) {
    throw new UserError(`the kubeconfig ${file} names no server with a certificate authority in its current context`);
  }
  const cert = content(file, user, 'client-certificate');
  const key = content(file, user, 'client-key');
  const token = user.token ?? (user.tokenFile === undefined ? undefined : readFileSync(user.tokenFile, 'utf8').trim());
  if (cert !== undefined && key !== undefined) return { server: cluster.server, ca, certificate: { cert, key } };
  if (token === undefined) {
    throw new UserError(`the kubeconfig ${file} has neither a client certificate nor a token for its current user`);
  }
  return { server: cluster.server, ca, token };
}

/** A field that is either in the file (`NAME-data`, base64) or names another. */
function content(file: string, fields: Record<string, string | undefined>, name: string): string | undefined {
  const inline = fields[`${name}-data`];
  if (inline !== undefined) return Buffer.from(inline, 'base64').toString();
  const other = fields[name];
  return other === undefined ? undefined : readFileSync(path.resolve(path.dirname(file), other), 'utf8');
}
