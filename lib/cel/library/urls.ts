import { CelError } from '../errors.js';
import { type CelResult, fn, method, type Overload, over, overTexts, traversal } from '../overload.js';
import { BOOL, listOf, mapOf, opaqueType, STRING } from '../types.js';
import { ArrayList, CelOpaque, type CelValue, NativeMap } from '../values.js';

const URL_TYPE = opaqueType('kubernetes.URL');

interface UrlParts {
  scheme: string;
  /** With its port. */
  host: string;
  path: string;
  query: string;
}

class CelUrl extends CelOpaque {
  readonly typeName = URL_TYPE.name;
  readonly parts: UrlParts;
  readonly #text: string;

  constructor(parts: UrlParts, text: string) {
    super();
    this.parts = parts;
    this.#text = text;
  }

  equals(other: CelOpaque): boolean {
    return other instanceof CelUrl && other.#text === this.#text;
  }
}

const BAD_ESCAPE = /%(?![0-9A-Fa-f]{2})/;
const CONTROL = /\p{Cc}/u;
const HOST = /^(?:[^@/?#]*@)?(\[[0-9A-Fa-f:.%A-Za-z0-9]+\](?::[0-9]*)?|[^\s:/?#[\]<>"\\^`{|}]*(?::[0-9]*)?)$/;

/** Go's url.ParseRequestURI: an absolute URI or an absolute path; the text of Go's error else. */
export function parseRequestUri(text: string): UrlParts | string {
  const fault = (reason: string): string => `parse ${JSON.stringify(text)}: ${reason}`;
  if (CONTROL.test(text)) return fault('net/url: invalid control character in URL');
  if (text === '') return fault('empty url');
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text)?.[1] ?? '';
  let rest = scheme === '' ? text : text.slice(scheme.length + 1);
  if (scheme === '' && text.startsWith(':')) return fault('missing protocol scheme');
  if (!rest.startsWith('/')) {
    return scheme === '' ? fault('invalid URI for request') : fault('invalid URI for request');
  }
  const question = rest.indexOf('?');
  const query = question === -1 ? '' : rest.slice(question + 1);
  if (question !== -1) rest = rest.slice(0, question);
  let host = '';
  if (scheme !== '' && rest.startsWith('//')) {
    const slash = rest.indexOf('/', 2);
    const authority = rest.slice(2, slash === -1 ? undefined : slash);
    const found = HOST.exec(authority);
    if (found === null)
      return fault(
        /:[^0-9\]]/.test(authority)
          ? `invalid port ${JSON.stringify(authority.slice(authority.lastIndexOf(':')))} after host`
          : 'invalid character in host name',
      );
    host = found[1] ?? '';
    rest = slash === -1 ? '' : rest.slice(slash);
  }
  const escape = BAD_ESCAPE.exec(rest);
  if (escape !== null) return fault(`invalid URL escape ${JSON.stringify(rest.slice(escape.index, escape.index + 3))}`);
  return { scheme: scheme.toLowerCase(), host, path: rest, query };
}

function toUrl(text: string): CelResult {
  const parts = parseRequestUri(text);
  return typeof parts === 'string'
    ? new CelError(`URL parse error during conversion from string: ${parts}`)
    : new CelUrl(parts, text);
}

function hostname({ host }: UrlParts): string {
  if (host.startsWith('[')) return host.slice(1, host.indexOf(']'));
  return host.replace(/:[0-9]*$/, '');
}

function port({ host }: UrlParts): string {
  return /:([0-9]*)$/.exec(host.replace(/^\[.*\]/, 'x'))?.[1] ?? '';
}

function escapedPath(path: string): string {
  return path.replace(/[^A-Za-z0-9\-._~!$&'()*+,;=:@/%[\]]/gu, (char) => encodeURIComponent(char));
}

function unescaped(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

function queryOf(query: string): CelValue {
  const found = new Map<string, string[]>();
  for (const part of query.split('&')) {
    if (part === '' || part.includes(';')) continue;
    const [rawKey = '', ...rest] = part.split('=');
    const [key, value] = [unescaped(rawKey), unescaped(rest.join('='))];
    if (key === undefined || value === undefined) continue;
    const known = found.get(key);
    if (known === undefined) found.set(key, [value]);
    else known.push(value);
  }
  return new NativeMap(new Map([...found].map(([key, values]) => [`s${key}`, [key, new ArrayList(values)]])));
}

function part(name: string, read: (parts: UrlParts) => string): Overload {
  return method(
    name,
    [URL_TYPE],
    STRING,
    over(CelUrl, ({ parts }) => read(parts)),
  );
}

export const URLS: readonly Overload[] = [
  fn('url', [STRING], URL_TYPE, overTexts(toUrl), traversal()),
  fn(
    'isURL',
    [STRING],
    BOOL,
    overTexts((text) => typeof parseRequestUri(text) !== 'string'),
    traversal(),
  ),
  part('getScheme', ({ scheme }) => scheme),
  part('getHost', ({ host }) => host),
  part('getHostname', hostname),
  part('getPort', port),
  part('getEscapedPath', ({ path }) => escapedPath(path)),
  method(
    'getQuery',
    [URL_TYPE],
    mapOf(STRING, listOf(STRING)),
    over(CelUrl, ({ parts }) => queryOf(parts.query)),
  ),
];
