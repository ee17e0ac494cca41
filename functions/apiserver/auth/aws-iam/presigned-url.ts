import { AWS_TOKEN_LIFE_MS, AWS_TOKEN_PREFIX, GET_CALLER_IDENTITY } from '../../../../lib/aws/token-format.js';
import { AwsIamError } from './errors.js';
import { AWS_TOKEN_LENGTH_MAX, FUTURE_MAX_MS, URL_EXPIRES_MAX_SECONDS } from './limits.js';

/** What may stand in the query, in lower case. Anything else could change what STS is asked. */
const QUERY_KEYS: ReadonlySet<string> = new Set([
  'action',
  'version',
  'x-amz-algorithm',
  'x-amz-credential',
  'x-amz-date',
  'x-amz-expires',
  'x-amz-security-token',
  'x-amz-signature',
  'x-amz-signedheaders',
  'x-amz-user-agent',
]);

/** Without these it is no presigned request. */
const QUERY_KEYS_NEEDED = [
  'action',
  'x-amz-algorithm',
  'x-amz-credential',
  'x-amz-date',
  'x-amz-expires',
  'x-amz-signature',
  'x-amz-signedheaders',
];

/** A URL as it is sent: scheme, host, path and query of visible ASCII, so that no two parsers read it differently. */
const PLAIN_URL = /^https:\/\/([a-z0-9.-]+)(\/[^?#]*)?\?([A-Za-z0-9\-._~%=&+/;:]*)$/;

const AMZ_DATE = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;

/** A presigned GetCallerIdentity that may be sent to STS. */
export interface PresignedUrl {
  /** Exactly as it was signed. */
  url: URL;
  /** The token is refused from then on. */
  expiresMs: number;
  /** Who signed claims to: not proven before STS has answered. */
  accessKeyId: string;
}

/**
 * Takes a token apart as aws-iam-authenticator does, and checks everything that can be checked without asking anybody. What passes is a
 * GetCallerIdentity to an allowed host, so that whoever sends a token cannot make the API server ask for anything else.
 * Throws an `AwsIamError`.
 */
export function readToken(
  token: string,
  options: { hosts: ReadonlySet<string>; clusterHeader: string; nowMs: number },
): PresignedUrl {
  const text = decodeToken(token);
  const [, host = '', path = '', rawQuery = ''] = PLAIN_URL.exec(text) ?? malformed('it holds no plain https URL');
  if (!options.hosts.has(host)) malformed('its host is none of the allowed hosts of STS');
  if (path !== '/') malformed('its path is not /');
  const query = readQuery(rawQuery);
  for (const key of QUERY_KEYS_NEEDED) if (!query.has(key)) malformed(`it lacks the query parameter ${key}`);
  if (query.get('action') !== GET_CALLER_IDENTITY) malformed(`its action is not ${GET_CALLER_IDENTITY}`);
  const signedHeaders = (query.get('x-amz-signedheaders') ?? '').toLowerCase().split(';');
  if (!signedHeaders.includes('host')) malformed('the header host is not signed');
  if (!signedHeaders.includes(options.clusterHeader)) malformed(`the header ${options.clusterHeader} is not signed`);
  const expires = query.get('x-amz-expires') ?? '';
  if (!/^\d{1,3}$/.test(expires) || Number(expires) > URL_EXPIRES_MAX_SECONDS)
    malformed(`its X-Amz-Expires is not a number from 0 to ${URL_EXPIRES_MAX_SECONDS}`);
  const signedMs = readDate(query.get('x-amz-date') ?? '');
  if (signedMs - FUTURE_MAX_MS > options.nowMs) throw new AwsIamError('expired', 'it was signed in the future');
  const expiresMs = signedMs + AWS_TOKEN_LIFE_MS;
  if (options.nowMs >= expiresMs) throw new AwsIamError('expired', 'it is older than 15 minutes');
  const accessKeyId = (query.get('x-amz-credential') ?? '').split('/')[0] ?? '';
  if (!/^\w{1,128}$/.test(accessKeyId)) malformed('its X-Amz-Credential does not start with an access key id');
  return { url: new URL(text), expiresMs, accessKeyId };
}

function decodeToken(token: string): string {
  if (token.length > AWS_TOKEN_LENGTH_MAX) malformed('it is too long');
  if (!token.startsWith(AWS_TOKEN_PREFIX)) malformed(`it does not start with ${AWS_TOKEN_PREFIX}`);
  const encoded = token.slice(AWS_TOKEN_PREFIX.length);
  const bytes = Buffer.from(encoded, 'base64url');
  // Node decodes what it can and leaves out the rest: one URL would have many tokens.
  if (bytes.toString('base64url') !== encoded) malformed('it is not base64url without padding');
  return bytes.toString('latin1');
}

/** The parameters by their names in lower case, each there once. */
function readQuery(rawQuery: string): Map<string, string> {
  const query = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(rawQuery)) {
    const key = name.toLowerCase();
    if (!QUERY_KEYS.has(key)) malformed('its query has a parameter that does not belong there');
    if (query.has(key)) malformed(`its query has ${key} more than once`);
    query.set(key, value);
  }
  return query;
}

function readDate(text: string): number {
  const match = AMZ_DATE.exec(text);
  if (match === null) malformed('its X-Amz-Date is not of the form 20060102T150405Z');
  const [, year, month, day, hour, minute, second] = match;
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(ms)) malformed('its X-Amz-Date is no date');
  return ms;
}

function malformed(message: string): never {
  throw new AwsIamError('malformed', message);
}
