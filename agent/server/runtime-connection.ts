import http from 'node:http';
import https from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { ServedError } from './errors.js';

/** How long the runtime may take to accept a connection. */
const UPGRADE_TIMEOUT_MS = 30_000;
const REFUSAL_MAX_BYTES = 4 * 1024;

export interface RuntimeUpgrade {
  readonly socket: Duplex;
  /** What came behind the answer's headers. */
  readonly head: Buffer;
  /** The protocol that the runtime chose. */
  readonly protocol: string;
}

/** Upgrades a connection to the runtime's streaming server to SPDY/3.1. `protocols`: what may be spoken in it, the best first. */
export function upgradeToSpdy(url: string, protocols: readonly string[]): Promise<RuntimeUpgrade> {
  return new Promise((resolve, reject) => {
    // The runtime listens on this machine only, with a certificate that nobody else knows where it has one at all.
    const request = url.startsWith('https:')
      ? https.request(url, { method: 'POST', rejectUnauthorized: false })
      : http.request(url, { method: 'POST' });
    request.setHeader('Connection', 'Upgrade');
    request.setHeader('Upgrade', 'SPDY/3.1');
    request.setHeader('X-Stream-Protocol-Version', [...protocols]);
    request.setTimeout(UPGRADE_TIMEOUT_MS, () => request.destroy(new Error('it does not answer')));
    request.on('upgrade', (response, socket, head) => {
      socket.setTimeout(0);
      resolve({ socket, head, protocol: String(response.headers['x-stream-protocol-version'] ?? '') });
    });
    request.on('response', (response) => {
      void textOf(response).then((text) =>
        reject(new ServedError(500, `the container runtime refuses the connection: ${response.statusCode} ${text}`)),
      );
    });
    request.on('error', (error) =>
      reject(new ServedError(500, `the container runtime cannot be connected to: ${error.message}`)),
    );
    request.end();
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  try {
    for await (const chunk of response) {
      text += String(chunk);
      if (text.length > REFUSAL_MAX_BYTES) break;
    }
  } catch {
    // What came of the refusal is enough.
  }
  return text.slice(0, REFUSAL_MAX_BYTES).trim();
}
