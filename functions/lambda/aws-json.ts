import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import type { AwsCredentialIdentityProvider } from '@smithy/types';
import type { Clock } from '../../lib/clock/clock.js';

export interface AwsJsonOptions {
  credentials: AwsCredentialIdentityProvider;
  region: string;
  clock: Clock;
  /** Default: the service's own in the region. */
  endpoint?: string;
  fetch?: typeof globalThis.fetch;
}

/** An answer that is an error: `code` is the service's name for it. */
export class AwsJsonError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'AwsJsonError';
    this.code = code;
  }
}

/** Called once by each environment, or seldom: nobody waits longer. */
const REQUEST_TIMEOUT_MS = 5_000;

/**
 * Calls a service that speaks AWS's JSON protocol 1.1. For services of which a function uses two operations: a client of theirs would be a good
 * part of its bundle. Throws an `AwsJsonError`; `unavailable` is its code when there was no answer.
 */
export class AwsJsonService {
  readonly #options: AwsJsonOptions;
  readonly #service: string;
  readonly #target: string;

  /** `service` as in host and signature, `target` as in the X-Amz-Target header. */
  constructor(options: AwsJsonOptions & { service: string; target: string }) {
    this.#options = options;
    this.#service = options.service;
    this.#target = options.target;
  }

  async call(operation: string, input: object): Promise<Record<string, unknown>> {
    const { clock, endpoint, region, fetch = globalThis.fetch } = this.#options;
    const url = new URL(endpoint ?? `https://${this.#service}.${region}.amazonaws.com`);
    const body = JSON.stringify(input);
    const headers = await this.#sign(url, operation, body);
    const abort = new AbortController();
    const cancel = clock.setTimer(REQUEST_TIMEOUT_MS, () => abort.abort());
    let text: string;
    let isOk: boolean;
    try {
      const response = await fetch(url, { method: 'POST', headers, body, signal: abort.signal });
      text = await response.text();
      isOk = response.ok;
    } catch (cause) {
      throw new AwsJsonError('unavailable', `${operation}: no answer from ${url.host}`, { cause });
    } finally {
      cancel();
    }
    const answer = parse(text);
    if (isOk) return answer;
    const { __type: type, message, Message } = answer;
    const code = typeof type === 'string' ? (type.split('#').at(-1) ?? type) : 'unknown';
    throw new AwsJsonError(code, `${operation}: ${code}: ${String(message ?? Message ?? 'no message')}`);
  }

  async #sign(url: URL, operation: string, body: string): Promise<Record<string, string>> {
    const { credentials, region, clock } = this.#options;
    const signer = new SignatureV4({ service: this.#service, region, credentials, sha256: Sha256 });
    const signed = await signer.sign(
      {
        method: 'POST',
        protocol: url.protocol,
        hostname: url.hostname,
        ...(url.port === '' ? {} : { port: Number(url.port) }),
        path: '/',
        headers: {
          host: url.host,
          'content-type': 'application/x-amz-json-1.1',
          'x-amz-target': `${this.#target}.${operation}`,
        },
        body,
      },
      { signingDate: new Date(clock.now()) },
    );
    // fetch sets it from the URL.
    const { host: _host, ...headers } = signed.headers;
    return headers;
  }
}

function parse(text: string): Record<string, unknown> {
  try {
    const value = JSON.parse(text === '' ? '{}' : text) as unknown;
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return { message: text.slice(0, 300) };
  }
}
