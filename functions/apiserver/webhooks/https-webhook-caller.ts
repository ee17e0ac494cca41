import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../../lib/clock/clock.js';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import { SyntaxFault } from '../../../lib/json/errors.js';
import { parseJson } from '../../../lib/json/parse.js';
import { isJsonObject } from '../../../lib/json/path.js';
import { stringifyJson } from '../../../lib/json/stringify.js';
import { WebhookCallError } from './errors.js';
import { connectionFault, rejectionText } from './http-words.js';
import type { HttpsConnector, HttpsTarget } from './https-connector.js';
import { WEBHOOK_ANSWER_MAX_BYTES } from './limits.js';
import type { ServiceResolver } from './service-resolver.js';
import {
  DEFAULT_SERVICE_PORT,
  webhookUrl,
  type WebhookCall,
  type WebhookCaller,
  type WebhookClientConfig,
} from './webhook-caller.js';

export interface HttpsWebhookCallerOptions {
  readonly connector: HttpsConnector;
  readonly services: ServiceResolver;
  readonly clock: Clock;
  /** Default: WEBHOOK_ANSWER_MAX_BYTES. */
  readonly answerMaxBytes?: number;
}

/** Calls webhooks over HTTPS. */
export class HttpsWebhookCaller implements WebhookCaller {
  readonly #options: HttpsWebhookCallerOptions;

  constructor(options: HttpsWebhookCallerOptions) {
    this.#options = options;
  }

  async post(config: WebhookClientConfig, call: WebhookCall): Promise<KubernetesObject> {
    const url = readUrl(config);
    url.searchParams.set('timeout', `${Math.ceil(call.timeoutMs / 1_000)}s`);
    const shown = shownUrl(url, config);
    const deadline = new AbortController();
    const cancel = this.#options.clock.setTimer(call.timeoutMs, () => deadline.abort());
    const onGone = (): void => deadline.abort();
    call.signal?.addEventListener('abort', onGone, { once: true });
    const failed = (code: WebhookCallError['code'], text: string, cause?: unknown): WebhookCallError =>
      new WebhookCallError(code, `Post ${JSON.stringify(shown)}: ${text}`, { cause });
    try {
      if (call.signal?.aborted === true) deadline.abort();
      const body = await this.#exchange(config, url, call, deadline.signal);
      return readObject(body);
    } catch (error) {
      if (call.signal?.aborted === true) throw failed('timeout', 'context canceled', error);
      if (deadline.signal.aborted) throw failed('timeout', 'context deadline exceeded', error);
      if (error instanceof WebhookCallError) {
        if (error.code === 'unreachable' || error.code === 'too-large') throw failed(error.code, error.message, error);
        throw error;
      }
      const { code, text } = connectionFault(error);
      throw failed(code, text, error);
    } finally {
      cancel();
      call.signal?.removeEventListener('abort', onGone);
    }
  }

  async #exchange(config: WebhookClientConfig, url: URL, call: WebhookCall, signal: AbortSignal): Promise<Uint8Array> {
    const { connector, answerMaxBytes = WEBHOOK_ANSWER_MAX_BYTES } = this.#options;
    const target = await untilAborted(this.#target(config, url), signal);
    const answer = await connector.request(target, {
      method: 'POST',
      path: url.pathname + url.search,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, */*',
        'user-agent': 'kube-apiserver-admission',
      },
      body: Buffer.from(stringifyJson(call.review)),
      signal,
    });
    const body = await readBounded(answer, answerMaxBytes);
    const status = answer.statusCode ?? 0;
    if (status < 200 || status > 206) {
      throw new WebhookCallError('rejected', rejectionText(status, body), { status });
    }
    return body;
  }

  async #target(config: WebhookClientConfig, url: URL): Promise<HttpsTarget> {
    const ca = config.caBundle === undefined || config.caBundle === '' ? undefined : readBundle(config.caBundle);
    const { service } = config;
    if (service === undefined) {
      const host = url.hostname.replace(/^\[|\]$/g, '');
      const port = url.port === '' ? DEFAULT_SERVICE_PORT : Number(url.port);
      return { address: { host, port }, serverName: host, authority: url.host, ...(ca === undefined ? {} : { ca }) };
    }
    const { namespace, name, port = DEFAULT_SERVICE_PORT } = service;
    const serverName = `${name}.${namespace}.svc`;
    const address = await this.#options.services.resolve({ namespace, name, port });
    return { address, serverName, authority: `${serverName}:${port}`, ...(ca === undefined ? {} : { ca }) };
  }
}

function readUrl(config: WebhookClientConfig): URL {
  try {
    const url = webhookUrl(config);
    if (url.protocol === 'https:') return url;
    throw new WebhookCallError('misconfigured', `the URL must be https: ${config.url ?? ''}`);
  } catch (error) {
    if (error instanceof WebhookCallError) throw error;
    throw new WebhookCallError('misconfigured', `the URL cannot be read: ${config.url ?? ''}`, { cause: error });
  }
}

/** With the port, which a service's URL always shows. */
function shownUrl(url: URL, { service }: WebhookClientConfig): string {
  if (service === undefined) return url.href;
  return `https://${url.hostname}:${service.port ?? DEFAULT_SERVICE_PORT}${url.pathname}${url.search}`;
}

function readBundle(caBundle: string): string {
  const text = Buffer.from(caBundle, 'base64').toString('utf8');
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw new WebhookCallError('misconfigured', 'unable to load root certificates: unable to parse bytes as PEM block');
}

async function readBounded(answer: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.byteLength;
    // Leaving the loop destroys the connection: nothing more is read.
    if (length > maxBytes) throw new WebhookCallError('too-large', `the answer is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function readObject(body: Uint8Array): KubernetesObject {
  let value: unknown;
  try {
    value = parseJson(body);
  } catch (error) {
    if (!(error instanceof SyntaxFault)) throw error;
    throw new WebhookCallError('malformed', `couldn't get version/kind; json parse error: ${error.message}`);
  }
  if (isJsonObject(value)) return value as KubernetesObject;
  throw new WebhookCallError('malformed', "couldn't get version/kind; json parse error: the answer is no JSON object");
}

/** The promise's value, or a rejection as soon as the signal aborts. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new Error('aborted'));
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
