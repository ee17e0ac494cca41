import { pathNotFound } from '../../../lib/api/errors.js';

/** What a path asks for, before it is known whether such a resource exists. */
export type RequestPath = ResourcePath | NonResourcePath;

export interface ResourcePath {
  readonly resourceRequest: true;
  readonly group: string;
  readonly version: string;
  /** '' when the path names none. For namespaces themselves it is '' too; see `authorizationNamespace`. */
  readonly namespace: string;
  readonly resource: string;
  readonly name: string;
  readonly subresource: string;
  /** What follows the subresource, as after `proxy`; without a leading slash. */
  readonly rest: string;
  /** The legacy `/watch/` form. */
  readonly watch: boolean;
  /** The namespace authorisation looks at: of a namespace object its own name, as in Kubernetes. */
  readonly authorizationNamespace: string;
}

export interface NonResourcePath {
  readonly resourceRequest: false;
  readonly path: string;
}

const NAMESPACE_SUBRESOURCES = new Set(['status', 'finalize']);

/**
 * Reads a path as Kubernetes' RequestInfo does: `/api/v1/…` and `/apis/GROUP/VERSION/…` with at least a resource are resource
 * requests, everything else is a path. Throws 404 for one with bad percent-encoding.
 */
export function parsePath(path: string): RequestPath {
  const segments = path.split('/');
  segments.shift();
  if (segments.at(-1) === '') segments.pop();
  const [prefix] = segments;
  if (prefix === 'api' && segments.length >= 3) return parseResource('', segments, 1);
  if (prefix === 'apis' && segments.length >= 4) return parseResource(segments[1] as string, segments, 2);
  return { resourceRequest: false, path };
}

function parseResource(group: string, segments: string[], versionAt: number): ResourcePath {
  const version = segments[versionAt] as string;
  let at = versionAt + 1;
  const watch = segments[at] === 'watch' && segments.length > at + 1;
  if (watch) at++;
  let namespace = '';
  let authorizationNamespace = '';
  if (segments[at] === 'namespaces' && segments.length > at + 1) {
    authorizationNamespace = decodeSegment(segments[at + 1]);
    const next = segments[at + 2];
    if (next !== undefined && !NAMESPACE_SUBRESOURCES.has(next)) {
      namespace = authorizationNamespace;
      at += 2;
    }
  }
  return {
    resourceRequest: true,
    group,
    version,
    namespace,
    resource: segments[at] as string,
    name: decodeSegment(segments[at + 1]),
    subresource: segments[at + 2] ?? '',
    rest: segments.slice(at + 3).join('/'),
    watch,
    authorizationNamespace,
  };
}

function decodeSegment(segment: string | undefined): string {
  if (segment === undefined) return '';
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    throw pathNotFound();
  }
}
