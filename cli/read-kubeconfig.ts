import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import type { HttpsTransportOptions } from '../lib/client/https-transport.js';
import { systemClock } from '../lib/clock/system.js';
import { UserError } from './errors.js';
import { execToken, type ExecPlugin } from './exec-token.js';

type Fields = Record<string, string | undefined>;

interface UserFields {
  token?: string;
  tokenFile?: string;
  exec?: ExecPlugin;
  as?: string;
  'as-groups'?: string[];
}

interface Kubeconfig {
  'current-context'?: string;
  contexts?: { name: string; context: { cluster: string; user: string } }[];
  clusters?: { name: string; cluster: Fields }[];
  users?: { name: string; user: UserFields }[];
}

/** How to reach the cluster of a kubeconfig's current context. Throws a `UserError` that says what is wrong with the file. */
export function readKubeconfig(file: string): HttpsTransportOptions {
  const { user, options } = readContext(file);
  const { as, 'as-groups': groups = [] } = user;
  return as === undefined ? options : { ...options, impersonate: { user: as, groups } };
}

function readContext(file: string): { user: UserFields; options: HttpsTransportOptions } {
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
  if (cluster?.server === undefined)
    throw new UserError(`the kubeconfig ${file} names no server in its current context`);
  const { server } = cluster;
  // The certificates of function URLs come from a public authority; one's own server has one of its own.
  if (ca === undefined && user.exec === undefined) {
    throw new UserError(`the kubeconfig ${file} names no server with a certificate authority in its current context`);
  }
  if (user.exec !== undefined) {
    const token = execToken(user.exec, { clock: systemClock });
    return { user, options: { server, ...(ca === undefined ? {} : { ca }), token } };
  }
  const cert = content(file, user as Fields, 'client-certificate');
  const key = content(file, user as Fields, 'client-key');
  const token = user.token ?? (user.tokenFile === undefined ? undefined : readFileSync(user.tokenFile, 'utf8').trim());
  if (cert !== undefined && key !== undefined) return { user, options: { server, ca, certificate: { cert, key } } };
  if (token === undefined) {
    throw new UserError(`the kubeconfig ${file} has neither a client certificate nor a token for its current user`);
  }
  return { user, options: { server, ca, token } };
}

/** A field that is either in the file (`NAME-data`, base64) or names another. */
function content(file: string, fields: Fields, name: string): string | undefined {
  const inline = fields[`${name}-data`];
  if (inline !== undefined) return Buffer.from(inline, 'base64').toString();
  const other = fields[name];
  return other === undefined ? undefined : readFileSync(path.resolve(path.dirname(file), other), 'utf8');
}
