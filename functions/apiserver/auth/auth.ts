import type { UserInfo } from '../../../lib/api/meta.js';

/** What of a request matters to authentication. */
export interface Credentials {
  /** The Authorization header as sent, or the bearer token of a WebSocket subprotocol. */
  readonly authorization: string | undefined;
  /** Subject of a client certificate that TLS has verified against the cluster's client CA. */
  readonly certificate?: { commonName: string; organizations: string[] };
}

export interface Authenticator {
  /** The user; undefined when there are no credentials at all. Throws `unauthorized()` for bad ones. */
  authenticate(credentials: Credentials): Promise<UserInfo | undefined>;
}

/** Bearer tokens of one other kind, told apart by their form. */
export interface TokenVerifier {
  /** Whether a token is of this kind; it is then tried with this verifier only. */
  owns(token: string): boolean;
  /** Who the token is. Throws a `TokenError`. */
  verify(token: string): Promise<UserInfo>;
}

/** What is asked for, as in SubjectAccessReview. */
export interface AuthorizationAttributes {
  readonly user: UserInfo;
  /** get, list, watch, create, update, patch, delete, deletecollection; for paths the lower-case HTTP method. */
  readonly verb: string;
  readonly resourceRequest: boolean;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** Non-resource path: `/metrics`. */
  readonly path: string;
  /** Of list, watch and deletecollection: the field selector as sent, '' for none. Absent when the caller does not tell. */
  readonly fieldSelector?: string;
}

export interface Authorizer {
  authorize(attributes: AuthorizationAttributes): Promise<{ allowed: boolean; reason: string }>;
}
