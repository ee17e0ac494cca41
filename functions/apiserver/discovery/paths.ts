import { createHash } from 'node:crypto';
import { notAcceptable } from '../../../lib/api/errors.js';
import type { RemoteGroup } from '../aggregation/remote-discovery.js';
import type { Catalog } from '../registry/catalog.js';
import { parseAccept } from '../registry/negotiate.js';
import type { ApiRequest, ApiResponse } from '../registry/request.js';
import { JSON_TYPE, jsonResponse, valueResponse } from '../registry/respond.js';
import { aggregated, apiGroup, apiGroupList, apiResourceList, apiVersions } from './documents.js';
import { discoverGroups, type DiscoveredGroup } from './groups.js';
import { HEALTH_PATHS, healthResponse, type HealthCheck } from './health.js';
import { versionInfo } from './version.js';

/** Answers one path, or undefined when there is no such path. */
export type DocumentHandler = (request: ApiRequest, query: URLSearchParams) => Promise<ApiResponse | undefined>;

export interface PathsOptions {
  readonly catalog: Catalog;
  /** Brings the catalog to what is served now. */
  readonly refresh?: () => Promise<void>;
  readonly checks: readonly HealthCheck[];
  readonly metrics: () => ApiResponse;
  /** Further documents by exact path, or by first segment with a trailing slash: `/openapi/`. */
  readonly documents: Readonly<Record<string, DocumentHandler>>;
  /** Groups that API servers behind this one serve. */
  readonly remote?: () => Promise<RemoteGroup[]>;
}

type Form = 'classic' | 'v2' | 'v2beta1';

/** Every path that is not a resource. */
export class Paths {
  readonly #options: PathsOptions;
  readonly #bodies = new Map<string, { body: Uint8Array; etag: string }>();
  #groups: DiscoveredGroup[] | undefined;
  #generation = 0;

  constructor(options: PathsOptions) {
    this.#options = options;
  }

  async answer(request: ApiRequest, query: URLSearchParams): Promise<ApiResponse | undefined> {
    const path = request.path.length > 1 && request.path.endsWith('/') ? request.path.slice(0, -1) : request.path;
    const segments = path.split('/').slice(1);
    const [first = '', second, third] = segments;
    if (HEALTH_PATHS.has(first) && segments.length <= 2) {
      return healthResponse(first, second, query, this.#options.checks);
    }
    if (first === 'api' || first === 'apis' || first === '') await this.#refresh();
    const document = this.#options.documents[path] ?? this.#options.documents[`/${first}/`];
    if (document !== undefined) return document(request, query);
    switch (path) {
      case '/':
        return valueResponse(200, { paths: await this.#paths() });
      case '/version':
        return valueResponse(200, versionInfo());
      case '/metrics':
        return this.#options.metrics();
      case '/api':
      case '/apis':
        return this.#root(request, path);
    }
    if (first === 'api' && segments.length === 2) return this.#resources('', second ?? '');
    if (first === 'apis' && segments.length === 2) return this.#group(second ?? '');
    if (first === 'apis' && segments.length === 3) return this.#resources(second ?? '', third ?? '');
    return undefined;
  }

  /** What was made of an earlier state of the catalog is made anew. */
  async #refresh(): Promise<void> {
    const { catalog, refresh } = this.#options;
    await refresh?.();
    if (this.#generation === catalog.generation) return;
    this.#generation = catalog.generation;
    this.#groups = undefined;
    this.#bodies.clear();
  }

  #all(): DiscoveredGroup[] {
    return (this.#groups ??= discoverGroups(this.#options.catalog));
  }

  async #root(request: ApiRequest, path: '/api' | '/apis'): Promise<ApiResponse> {
    const form = formOf(request.header('accept'));
    const isCore = path === '/api';
    const groups = this.#all().filter(({ group }) => (group === '') === isCore);
    // Names the host it was asked by, so that an answer is for nobody else.
    if (isCore && form === 'classic') {
      return valueResponse(200, apiVersions(request.header('host') ?? ''), { vary: 'Accept' });
    }
    const remote = isCore ? [] : await this.#remote();
    const make = (): object => (form === 'classic' ? apiGroupList(groups, remote) : aggregated(groups, remote, form));
    const document = remote.length === 0 ? this.#document(`${path} ${form}`, make) : documentOf(make());
    const contentType =
      form === 'classic' ? JSON_TYPE : `${JSON_TYPE};g=apidiscovery.k8s.io;v=${form};as=APIGroupDiscoveryList`;
    const headers = {
      'content-type': contentType,
      vary: 'Accept',
      ...(form === 'classic' ? {} : { etag: document.etag }),
    };
    if (form !== 'classic' && request.header('if-none-match') === document.etag) {
      return { status: 304, headers, body: undefined };
    }
    return jsonResponse(200, document.body, headers);
  }

  async #group(name: string): Promise<ApiResponse | undefined> {
    const group = this.#all().find((one) => one.group === name && name !== '');
    if (group === undefined) {
      const elsewhere = (await this.#remote()).find((one) => one.group === name);
      return elsewhere === undefined ? undefined : valueResponse(200, apiGroup(elsewhere));
    }
    return jsonResponse(200, this.#document(`/apis/${name}`, () => apiGroup(group)).body);
  }

  #resources(name: string, version: string): ApiResponse | undefined {
    const group = this.#all().find((one) => one.group === name);
    const found = group?.versions.find((one) => one.version === version);
    if (found === undefined) return undefined;
    return jsonResponse(200, this.#document(`${name}/${version}`, () => apiResourceList(name, found)).body);
  }

  #document(key: string, make: () => object): { body: Uint8Array; etag: string } {
    let document = this.#bodies.get(key);
    if (document === undefined) {
      document = documentOf(make());
      this.#bodies.set(key, document);
    }
    return document;
  }

  async #remote(): Promise<RemoteGroup[]> {
    return (await this.#options.remote?.()) ?? [];
  }

  async #paths(): Promise<string[]> {
    const paths = new Set(['/api', '/apis', '/healthz', '/livez', '/metrics', '/readyz', '/version']);
    for (const { group, versions } of this.#all()) {
      if (group !== '') paths.add(`/apis/${group}`);
      for (const { version } of versions) paths.add(group === '' ? `/api/${version}` : `/apis/${group}/${version}`);
    }
    for (const { group, versions } of await this.#remote()) {
      paths.add(`/apis/${group}`);
      for (const { version } of versions) paths.add(`/apis/${group}/${version}`);
    }
    for (const path of Object.keys(this.#options.documents)) paths.add(path.replace(/\/$/, ''));
    for (const { name } of this.#options.checks) for (const kind of HEALTH_PATHS) paths.add(`/${kind}/${name}`);
    return [...paths].toSorted();
  }
}

function documentOf(value: object): { body: Uint8Array; etag: string } {
  const body = Buffer.from(JSON.stringify(value));
  return { body, etag: `"${createHash('sha512').update(body).digest('hex').toUpperCase()}"` };
}

/** Which form of discovery a client wants: the first of its Accept header that we have. */
function formOf(accept: string | undefined): Form {
  if (accept === undefined || accept === '') return 'classic';
  for (const { type, parameters } of parseAccept(accept)) {
    if (type !== JSON_TYPE && type !== '*/*' && type !== 'application/*') continue;
    if (parameters.as === undefined) return 'classic';
    const { as, g: group, v: version } = parameters;
    if (as !== 'APIGroupDiscoveryList' || group !== 'apidiscovery.k8s.io') continue;
    if (version === 'v2' || version === 'v2beta1') return version;
  }
  throw notAcceptable([JSON_TYPE]);
}
