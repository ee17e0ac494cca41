import { isJsonObject } from '../../../lib/json/path.js';
import { SyntaxFault } from '../../../lib/json/errors.js';
import { parseJson } from '../../../lib/json/parse.js';
import { QUOTED_ANSWER_MAX_CHARACTERS } from './limits.js';
import type { WebhookCallErrorCode } from './errors.js';

/** The words of Go's network and TLS libraries, and of client-go, for what can go wrong: people search for them. */

const UNKNOWN_AUTHORITY: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
]);

/** What a connection's failure is called. */
export function connectionFault(error: unknown): { code: WebhookCallErrorCode; text: string } {
  const fault = error as NodeJS.ErrnoException & { address?: string; port?: number; hostname?: string };
  const code = fault.code ?? '';
  if (UNKNOWN_AUTHORITY.has(code)) {
    return untrusted('certificate signed by unknown authority');
  }
  switch (code) {
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return untrusted('certificate has expired or is not yet valid');
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return untrusted(`certificate is not valid for this name: ${fault.message}`);
    case 'ECONNREFUSED':
      return unreachable(`dial tcp ${fault.address ?? ''}:${fault.port ?? ''}: connect: connection refused`);
    case 'EHOSTUNREACH':
      return unreachable(`dial tcp ${fault.address ?? ''}:${fault.port ?? ''}: connect: no route to host`);
    case 'ENETUNREACH':
      return unreachable(`dial tcp ${fault.address ?? ''}:${fault.port ?? ''}: connect: network is unreachable`);
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return unreachable(`dial tcp: lookup ${fault.hostname ?? ''}: no such host`);
    case 'ECONNRESET':
    case 'EPIPE':
      return unreachable('EOF');
    case 'EPROTO':
      return unreachable('http: server gave HTTP response to HTTPS client');
    default:
      return unreachable(fault instanceof Error ? fault.message : String(error));
  }
}

function untrusted(text: string): { code: WebhookCallErrorCode; text: string } {
  return { code: 'untrusted', text: `tls: failed to verify certificate: x509: ${text}` };
}

function unreachable(text: string): { code: WebhookCallErrorCode; text: string } {
  return { code: 'unreachable', text };
}

/** What client-go makes of a POST that was answered with another status than success. */
export function rejectionText(status: number, body: Uint8Array): string {
  const told = statusMessage(body);
  if (told !== undefined) return told;
  switch (status) {
    case 400:
      return 'the server rejected our request for an unknown reason';
    case 401:
      return 'the server has asked for the client to provide credentials';
    case 403:
      return `forbidden: ${quoted(body)}`;
    case 404:
      return 'the server could not find the requested resource';
    case 405:
      return 'the server does not allow this method on the requested resource';
    case 409:
      return 'the server reported a conflict';
    case 422:
      return 'the server rejected our request due to an error in our request';
    case 429:
      return 'the server has received too many requests and has asked us to try again later';
    case 503:
      return 'the server is currently unable to handle the request';
    case 504:
      return 'the server was unable to return a response in the time allotted, but may still be processing the request';
    default:
      return status >= 500
        ? `an error on the server (${JSON.stringify(quoted(body))}) has prevented the request from succeeding`
        : `the server responded with the status code ${status} but did not return more information`;
  }
}

/** The message of a Status object, where the answer is one. */
function statusMessage(body: Uint8Array): string | undefined {
  try {
    const value = parseJson(body);
    if (!isJsonObject(value) || value['kind'] !== 'Status' || typeof value['message'] !== 'string') return undefined;
    return value['message'].slice(0, QUOTED_ANSWER_MAX_CHARACTERS);
  } catch (error) {
    if (error instanceof SyntaxFault) return undefined;
    throw error;
  }
}

function quoted(body: Uint8Array): string {
  return Buffer.from(body.buffer, body.byteOffset, Math.min(body.byteLength, QUOTED_ANSWER_MAX_CHARACTERS))
    .toString('utf8')
    .replace(/\p{Cc}+/gu, ' ')
    .trim();
}
