import type { UserInfo } from '../../../lib/api/meta.js';

/** What a host knows of the connection a request came over. */
export interface Peer {
  /** Subject of a client certificate that TLS has verified against the cluster's client CA. */
  readonly certificate?: { commonName: string; organizations: string[] };
  readonly remoteAddress?: string;
}

/** A request as the API server's core sees it, whatever host it came through. */
export interface ApiRequest {
  readonly method: string;
  /** As in the URL, percent-encoded, without the query. */
  readonly path: string;
  /** What follows the `?`, or ''. */
  readonly query: string;
  /** By lower-case name; several of one name are joined by a comma. */
  header(name: string): string | undefined;
  /** Names of all headers, where the host can tell: needed for Impersonate-Extra-… alone. */
  headerNames?(): Iterable<string>;
  /** The whole body. Throws `requestEntityTooLarge` above `maxBytes`. */
  body(maxBytes: number): Promise<Uint8Array>;
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
  readonly peer?: Peer;
  /** Set by the in-process transport alone: the identity is fixed and not authenticated again. */
  readonly user?: UserInfo;
}

export type ResponseBody = Uint8Array | readonly Uint8Array[] | AsyncIterable<Uint8Array> | undefined;

export interface ApiResponse {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Record<string, string | string[]>;
  readonly body: ResponseBody;
}

/** True for a body that is produced while it is sent, and so has no length. */
export function isStreamed(body: ResponseBody): body is AsyncIterable<Uint8Array> {
  return body !== undefined && Symbol.asyncIterator in body;
}
