import https from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { CertificateAuthority, createCertificateAuthority } from '../../lib/pki/index.js';
import { systemClock } from '../../lib/clock/system.js';
import { seededRandom } from '../../lib/random.js';

/** What a webhook of a test is sent. */
export interface ReceivedReview {
  apiVersion: string;
  kind: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into requests of every kind
  request: any;
}

/** The answer to one request: an object is sent as JSON; a function writes what it likes, or nothing. */
export type WebhookReply = object | ((response: ServerResponse) => void);

export interface WebhookServer {
  readonly port: number;
  /** `https://localhost:PORT`, without a path. */
  readonly url: string;
  /** PEM in base64, as configurations carry it. */
  readonly caBundle: string;
  readonly authority: CertificateAuthority;
  /** Every review, in order, with the path it came to. */
  readonly received: { path: string; review: ReceivedReview }[];
  close(): Promise<void>;
}

/** A real HTTPS server with a certificate of a CA of its own, for localhost and the names given; with `clientCa` it wants one from clients. */
export async function startWebhookServer(
  reply: (review: ReceivedReview, path: string, request: IncomingMessage) => WebhookReply | Promise<WebhookReply>,
  options: {
    dnsNames?: string[];
    clientCa?: string;
    upgrade?: (request: IncomingMessage, socket: Duplex) => void;
  } = {},
): Promise<WebhookServer> {
  const context = { clock: systemClock, random: seededRandom(7) };
  const authority = new CertificateAuthority(
    await createCertificateAuthority(context, { commonName: 'webhook-ca' }),
    context,
  );
  const names = { dnsNames: ['localhost', ...(options.dnsNames ?? [])], ipAddresses: ['127.0.0.1'] };
  const { certificate, privateKey } = await authority.issueServer({ commonName: 'webhook' }, names);
  const received: WebhookServer['received'] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk as Uint8Array);
    const path = request.url ?? '/';
    const text = Buffer.concat(chunks).toString('utf8');
    const review = (text === '' ? {} : JSON.parse(text)) as ReceivedReview;
    received.push({ path, review });
    const made = await reply(review, path, request);
    if (typeof made === 'function') made(response);
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(made));
  };
  const { clientCa } = options;
  const clients = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true };
  const server = https.createServer({ cert: certificate, key: privateKey, ...clients }, (request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  if (options.upgrade !== undefined) server.on('upgrade', options.upgrade);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `https://localhost:${port}`,
    caBundle: Buffer.from(authority.certificate).toString('base64'),
    authority,
    received,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** An AdmissionReview that allows. */
export function allow({ apiVersion, request }: ReceivedReview, more: object = {}): object {
  return { apiVersion, kind: 'AdmissionReview', response: { uid: request.uid, allowed: true, ...more } };
}

/** An AdmissionReview that refuses, with a message when one is given. */
export function deny({ apiVersion, request }: ReceivedReview, message?: string, more: object = {}): object {
  const status = message === undefined ? {} : { status: { message } };
  return { apiVersion, kind: 'AdmissionReview', response: { uid: request.uid, allowed: false, ...status, ...more } };
}

/** An AdmissionReview that allows with a JSON patch. */
export function patch(review: ReceivedReview, operations: readonly object[]): object {
  return allow(review, {
    patchType: 'JSONPatch',
    patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
  });
}
