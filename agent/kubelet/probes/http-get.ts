import http from 'node:http';
import https from 'node:https';
import type { Clock } from '../../../lib/clock/clock.js';
import type { V1HTTPGetAction } from '../../../lib/schema/generated/types.js';

/** What is kept of an answer, as the kubelet does. */
const BODY_MAX_BYTES = 10 * 1024;

export interface HttpAnswer {
  status: number;
  body: string;
}

export interface HttpGetOptions {
  /** Where to, unless the action says so. */
  host: string;
  port: number;
  userAgent: string;
  timeoutMs: number;
  clock: Clock;
}

/** The GET of a probe or hook. Certificates are not checked, and redirects are an answer like any other. Rejects when none comes in time. */
export function httpGet(action: V1HTTPGetAction, options: HttpGetOptions): Promise<HttpAnswer> {
  const { port, timeoutMs, clock } = options;
  const host = action.host || options.host;
  const isSecure = action.scheme === 'HTTPS';
  const path = (action.path ?? '').startsWith('/') ? (action.path as string) : `/${action.path ?? ''}`;
  const headers: Record<string, string> = { 'user-agent': options.userAgent, accept: '*/*' };
  for (const { name, value } of action.httpHeaders ?? []) headers[name.toLowerCase()] = value;
  const url = `${isSecure ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}${path}`;
  return new Promise((resolve, reject) => {
    const request = (isSecure ? https : http).request({
      host,
      port,
      path,
      method: 'GET',
      headers,
      agent: false,
      ...(isSecure ? { rejectUnauthorized: false } : {}),
    });
    const cancel = clock.setTimer(timeoutMs, () => {
      request.destroy();
      reject(new Error(`Get "${url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`));
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      cancel();
      const why =
        error.code === 'ECONNREFUSED' ? `dial tcp ${host}:${port}: connect: connection refused` : error.message;
      reject(new Error(`Get "${url}": ${why}`));
    });
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const finish = (): void => {
        cancel();
        request.destroy();
        const body = Buffer.concat(chunks).subarray(0, BODY_MAX_BYTES).toString('utf8');
        resolve({ status: response.statusCode ?? 0, body });
      };
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size >= BODY_MAX_BYTES) finish();
      });
      response.on('end', finish);
    });
    request.end();
  });
}
