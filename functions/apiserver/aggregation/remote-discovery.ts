import type { Clock } from '../../../lib/clock/clock.js';
import { parseJson } from '../../../lib/json/parse.js';
import { isJsonObject } from '../../../lib/json/path.js';
import { compareVersions } from '../discovery/groups.js';
import { ask } from './ask.js';
import type { AggregationOptions, ApiService } from './extension-servers.js';
import { DISCOVERY_AGE_MAX_MS } from './limits.js';

/** One group served by others, as discovery tells of it. */
export interface RemoteGroup {
  readonly group: string;
  /** The preferred one first. */
  readonly versions: readonly RemoteVersion[];
}

export interface RemoteVersion {
  readonly version: string;
  /** Resources in the form of aggregated discovery. */
  readonly resources: readonly object[];
  /** They are what was known before the server stopped answering. */
  readonly isStale: boolean;
}

interface Known {
  readonly resources: readonly object[];
  readonly isStale: boolean;
  readonly askedMs: number;
}

/** What extension API servers say of their resources, remembered for a moment. */
export class RemoteDiscovery {
  readonly #options: AggregationOptions & { clock: Clock };
  readonly #known = new Map<string, Known>();

  constructor(options: AggregationOptions & { clock: Clock }) {
    this.#options = options;
  }

  async groups(services: readonly ApiService[]): Promise<RemoteGroup[]> {
    const versions = await Promise.all(
      services.map(async (service) => ({ service, known: await this.#resources(service) })),
    );
    const groups = new Map<string, (RemoteVersion & { priority: number })[]>();
    for (const { service, known } of versions) {
      const { group = '', version = '', versionPriority: priority = 0 } = service.spec ?? {};
      const { resources, isStale } = known;
      groups.set(group, [...(groups.get(group) ?? []), { version, resources, isStale, priority }]);
    }
    return [...groups].map(([group, found]) => ({
      group,
      versions: found.toSorted(
        (left, right) => right.priority - left.priority || compareVersions(left.version, right.version),
      ),
    }));
  }

  /** Where the OpenAPI v3 documents of these versions are, as their servers' indexes say: `apis/GROUP/VERSION` to an address on this server. */
  async openApiPaths(services: readonly ApiService[]): Promise<Record<string, { serverRelativeURL: string }>> {
    const found: Record<string, { serverRelativeURL: string }> = {};
    await Promise.all(
      services.map(async (service) => {
        const { group = '', version = '' } = service.spec ?? {};
        const name = `apis/${group}/${version}`;
        const index = await this.#document(service, '/openapi/v3');
        const entry = isJsonObject(index?.['paths']) ? index['paths'][name] : undefined;
        const url = isJsonObject(entry) ? entry['serverRelativeURL'] : undefined;
        if (typeof url === 'string' && url.startsWith(`/openapi/v3/${name}`)) found[name] = { serverRelativeURL: url };
      }),
    );
    return found;
  }

  async #resources(service: ApiService): Promise<Known> {
    const now = this.#options.clock.now();
    const key = `${service.metadata?.uid ?? ''}/${JSON.stringify(service.spec)}`;
    const known = this.#known.get(key);
    if (known !== undefined && now - known.askedMs < DISCOVERY_AGE_MAX_MS) return known;
    const fresh = await this.#ask(service);
    const next: Known =
      fresh === undefined
        ? { resources: known?.resources ?? [], isStale: true, askedMs: now }
        : { resources: fresh, isStale: false, askedMs: now };
    this.#known.set(key, next);
    return next;
  }

  /** Undefined when the server does not answer with a list of resources. */
  async #ask(service: ApiService): Promise<object[] | undefined> {
    const { group = '', version = '' } = service.spec ?? {};
    const list = await this.#document(service, `/apis/${group}/${version}`);
    if (list?.['kind'] !== 'APIResourceList' || !Array.isArray(list['resources'])) return undefined;
    return aggregatedResources(list['resources'].filter(isJsonObject), { group, version });
  }

  /** Undefined where there is none: whoever asks for all must not fail for one. */
  async #document(service: ApiService, path: string): Promise<Record<string, unknown> | undefined> {
    try {
      const { status, body } = await ask(service, path, 'application/json', this.#options);
      const value = status === 200 ? parseJson(body) : undefined;
      return isJsonObject(value) ? value : undefined;
    } catch {
      return undefined;
    }
  }
}

/** The entries of a classic list in the form of aggregated discovery. */
function aggregatedResources(
  entries: readonly Record<string, unknown>[],
  served: { group: string; version: string },
): object[] {
  const kindOf = (entry: Record<string, unknown>): object => ({
    group: typeof entry['group'] === 'string' && entry['group'] !== '' ? entry['group'] : served.group,
    version: typeof entry['version'] === 'string' && entry['version'] !== '' ? entry['version'] : served.version,
    kind: entry['kind'],
  });
  const named = (entry: Record<string, unknown>): string => (typeof entry['name'] === 'string' ? entry['name'] : '');
  return entries
    .filter((entry) => named(entry) !== '' && !named(entry).includes('/'))
    .map((entry) => {
      const subresources = entries
        .filter((one) => named(one).startsWith(`${named(entry)}/`))
        .map((one) => ({
          subresource: named(one).slice(named(entry).length + 1),
          responseKind: kindOf(one),
          verbs: one['verbs'] ?? [],
        }));
      return {
        resource: named(entry),
        responseKind: kindOf(entry),
        scope: entry['namespaced'] === true ? 'Namespaced' : 'Cluster',
        singularResource: entry['singularName'] ?? '',
        verbs: entry['verbs'] ?? [],
        ...(Array.isArray(entry['shortNames']) ? { shortNames: entry['shortNames'] } : {}),
        ...(Array.isArray(entry['categories']) ? { categories: entry['categories'] } : {}),
        ...(subresources.length === 0 ? {} : { subresources }),
      };
    });
}
