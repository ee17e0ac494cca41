import type { ApiError } from '../../../lib/api/errors.js';
import type { KubernetesObject, Status } from '../../../lib/api/meta.js';
import { stringifyJson } from '../../../lib/json/stringify.js';
import type { ApiResponse, ResponseBody } from './request.js';

export const JSON_TYPE = 'application/json';

/** An answer of ready JSON bytes. */
export function jsonResponse(status: number, body: ResponseBody, headers: ApiResponse['headers'] = {}): ApiResponse {
  return { status, headers: { 'content-type': JSON_TYPE, 'cache-control': 'no-cache, private', ...headers }, body };
}

/** An answer of one value, serialised here. */
export function valueResponse(status: number, value: unknown, headers?: ApiResponse['headers']): ApiResponse {
  return jsonResponse(status, Buffer.from(stringifyJson(value)), headers);
}

export function textResponse(status: number, text: string, headers: ApiResponse['headers'] = {}): ApiResponse {
  return {
    status,
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-cache, private',
      'x-content-type-options': 'nosniff',
      ...headers,
    },
    body: Buffer.from(text),
  };
}

/** A refusal as its Status, with Retry-After where the client may come back. */
export function errorResponse(error: ApiError): ApiResponse {
  const seconds = error.status.details?.retryAfterSeconds;
  return valueResponse(
    error.code,
    error.status,
    seconds !== undefined && seconds > 0 ? { 'retry-after': String(seconds) } : {},
  );
}

/** `Status: Success` about an object that is gone. */
export function successStatus(details: Status['details']): Status {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details, code: 200 };
}

/** What an action that creates nothing to show is answered with. */
export function createdStatus(): KubernetesObject {
  const status: Status = { ...successStatus(undefined), code: 201 };
  return { ...status, metadata: {} };
}

/** Warnings above this are left out, as in Kubernetes: proxies and clients bound their headers. */
const WARNINGS_MAX_CHARACTERS = 4 * 1024;

/** Warning header lines: code 299, no agent, the text quoted. */
export function warningHeaders(texts: Iterable<string>): string[] {
  const lines: string[] = [];
  let left = WARNINGS_MAX_CHARACTERS;
  for (const text of texts) {
    const line = warningHeader(text);
    left -= line.length;
    if (left < 0) break;
    lines.push(line);
  }
  return lines;
}

function warningHeader(text: string): string {
  const clean = text.replace(/\p{Cc}/gu, ' ').replace(/[\\"]/g, '\\$&');
  // Headers carry bytes: each byte of the UTF-8 form goes as one character.
  return `299 - "${Buffer.from(clean).toString('latin1')}"`;
}
