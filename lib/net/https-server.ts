import type { Server, ServerOptions } from 'node:https';

/** PEM of a serving certificate and its key, and of the CA whose client certificates are credentials. */
export interface ServerTls {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string;
}

/**
 * How our HTTPS servers meet their callers: a certificate is asked for but not demanded, since callers may have a token instead; one of
 * another CA is no credential (`socket.authorized` tells).
 */
export function serverTlsOptions({ cert, key, clientCa }: ServerTls): ServerOptions {
  return { cert, key, ca: clientCa, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2' };
}

/** Resolves with the port once the socket is bound (0 asks for any free one). Rejects with Node's error: EADDRINUSE, EACCES. */
export function listen(server: Server, port: number, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, () => {
      server.off('error', reject);
      const bound = server.address();
      resolve(typeof bound === 'object' && bound !== null ? bound.port : port);
    });
  });
}
