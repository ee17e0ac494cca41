import { ServedError } from './errors.js';
import type { Access } from './caller-gate.js';
import type { ContainerLogOptions } from '../../lib/api/log-options.js';
import type { ContainerStreams, PodName } from './served-node.js';

/** What a request asks of the node, by the paths of the kubelet's own API. */
export type Route =
  | { readonly kind: 'healthz' | 'pods' | 'stats' | 'resourceMetrics' }
  | { readonly kind: 'logs'; readonly pod: PodName; readonly container: string; readonly options: ContainerLogOptions }
  | {
      readonly kind: 'exec';
      readonly pod: PodName;
      readonly container: string;
      readonly command: readonly string[];
      readonly streams: ContainerStreams;
    }
  | { readonly kind: 'attach'; readonly pod: PodName; readonly container: string; readonly streams: ContainerStreams }
  | { readonly kind: 'portForward'; readonly pod: PodName; readonly ports: readonly number[] };

/** Throws a ServedError: 404 for a path that there is not, 400 for a question that makes no sense. */
export function routeOf(path: string, query: URLSearchParams): Route {
  const parts = path.split('/').slice(1).map(decode);
  const [root = '', namespace = '', name = ''] = parts;
  switch (root) {
    case 'healthz':
    case 'pods':
      if (parts.length === 1) return { kind: root };
      break;
    case 'stats':
      if (parts.length === 2 && namespace === 'summary') return { kind: 'stats' };
      break;
    case 'metrics':
      if (parts.length === 2 && namespace === 'resource') return { kind: 'resourceMetrics' };
      break;
    case 'containerLogs':
      if (parts.length !== 4) break;
      return { kind: 'logs', pod: { namespace, name }, container: parts[3] as string, options: logOptions(query) };
    case 'exec':
    case 'attach': {
      if (parts.length !== 4 && parts.length !== 5) break;
      const pod = podName(parts.slice(1, -1));
      const container = parts.at(-1) as string;
      const streams = streamsOf(query);
      if (root === 'attach') return { kind: 'attach', pod, container, streams };
      const command = query.getAll('command');
      if (command.length === 0) throw new ServedError(400, 'you must specify at least 1 command');
      return { kind: 'exec', pod, container, command, streams };
    }
    case 'portForward': {
      if (parts.length !== 3 && parts.length !== 4) break;
      const ports = query
        .getAll('port')
        .concat(query.getAll('ports'))
        .flatMap((text) => text.split(','));
      return { kind: 'portForward', pod: podName(parts.slice(1)), ports: ports.map(Number) };
    }
  }
  throw new ServedError(404, '404 page not found');
}

/** What is asked for, in the words of node authorisation (kubernetes.io, kubelet authentication and authorization). */
export function accessOf(route: Route): Access {
  switch (route.kind) {
    case 'stats':
      return { verb: 'get', subresource: 'stats' };
    case 'resourceMetrics':
      return { verb: 'get', subresource: 'metrics' };
    case 'exec':
    case 'attach':
    case 'portForward':
      // As a GET too: reading rights must not be enough to run something.
      return { verb: 'create', subresource: 'proxy' };
    default:
      return { verb: 'get', subresource: 'proxy' };
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new ServedError(400, 'the path is not encoded properly');
  }
}

/** Namespace, name and, with three parts, the uid. */
function podName([namespace = '', name = '', uid]: readonly string[]): PodName {
  return { namespace, name, ...(uid === undefined ? {} : { uid }) };
}

function isSet(query: URLSearchParams, ...names: string[]): boolean {
  return names.some((name) => ['1', 'true'].includes(query.get(name) ?? ''));
}

function streamsOf(query: URLSearchParams): ContainerStreams {
  const tty = isSet(query, 'tty');
  const streams = {
    stdin: isSet(query, 'input', 'stdin'),
    stdout: isSet(query, 'output', 'stdout'),
    // A terminal has one output.
    stderr: !tty && isSet(query, 'error', 'stderr'),
    tty,
  };
  if (!streams.stdin && !streams.stdout && !streams.stderr) {
    throw new ServedError(400, 'you must specify at least 1 of stdin, stdout, stderr');
  }
  return streams;
}

function logOptions(query: URLSearchParams): ContainerLogOptions {
  const number = (name: string): number | undefined => {
    const text = query.get(name);
    if (text === null || text === '') return undefined;
    if (!/^\d{1,15}$/.test(text)) throw new ServedError(400, `${name} must be a number`);
    return Number(text);
  };
  const sinceTime = query.get('sinceTime') ?? undefined;
  const [sinceSeconds, limitBytes] = [number('sinceSeconds'), number('limitBytes')];
  // The kubelet's own name is tailLines; `tail` with `all` is an older one.
  const tailLines = number('tailLines');
  return {
    follow: isSet(query, 'follow'),
    previous: isSet(query, 'previous'),
    timestamps: isSet(query, 'timestamps'),
    ...(sinceSeconds === undefined ? {} : { sinceSeconds }),
    ...(sinceTime === undefined ? {} : { sinceTime }),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
  };
}
