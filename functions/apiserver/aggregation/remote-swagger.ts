import { createHash } from 'node:crypto';
import type { Clock } from '../../../lib/clock/clock.js';
import { parseJson } from '../../../lib/json/parse.js';
import { isJsonObject } from '../../../lib/json/path.js';
import { selectPaths, type Swagger } from '../../../lib/schema/openapi/merge-v2.js';
import { ask } from './ask.js';
import type { AggregationOptions, ApiService } from './extension-servers.js';
import { SWAGGER_AGE_MAX_MS } from './limits.js';

/** What one group version adds to `/openapi/v2`. */
export interface SwaggerPart {
  readonly swagger: Swagger;
  /** Another one for other content. */
  readonly etag: string;
}

/** What extension API servers publish in `/openapi/v2`, each for the group versions that are theirs. */
export class RemoteSwagger {
  readonly #options: AggregationOptions & { clock: Clock };
  readonly #known = new Map<string, { part: SwaggerPart | undefined; askedMs: number }>();

  constructor(options: AggregationOptions & { clock: Clock }) {
    this.#options = options;
  }

  /** In the order of priority, as Kubernetes merges them. A server that does not answer is told of as it was before. */
  async parts(services: readonly ApiService[]): Promise<SwaggerPart[]> {
    const found = await Promise.all(services.toSorted(byPriority).map((service) => this.#part(service)));
    return found.filter((part) => part !== undefined);
  }

  async #part(service: ApiService): Promise<SwaggerPart | undefined> {
    const now = this.#options.clock.now();
    const key = `${service.metadata?.uid ?? ''}/${JSON.stringify(service.spec)}`;
    const known = this.#known.get(key);
    if (known !== undefined && now - known.askedMs < SWAGGER_AGE_MAX_MS) return known.part;
    const part = (await this.#ask(service)) ?? known?.part;
    for (const [other, { askedMs }] of this.#known)
      if (now - askedMs > 10 * SWAGGER_AGE_MAX_MS) this.#known.delete(other);
    this.#known.set(key, { part, askedMs: now });
    return part;
  }

  async #ask(service: ApiService): Promise<SwaggerPart | undefined> {
    const { group = '', version = '' } = service.spec ?? {};
    try {
      const { status, body } = await ask(service, '/openapi/v2', 'application/json', this.#options);
      const document = status === 200 ? parseJson(body) : undefined;
      if (!isJsonObject(document)) return undefined;
      const swagger = selectPaths(document, `/apis/${group}/${version}/`);
      return swagger && { swagger, etag: createHash('sha256').update(JSON.stringify(swagger)).digest('hex') };
    } catch {
      // Whoever asks for all must not fail for one.
      return undefined;
    }
  }
}

function byPriority(left: ApiService, right: ApiService): number {
  const group = (right.spec?.groupPriorityMinimum ?? 0) - (left.spec?.groupPriorityMinimum ?? 0);
  if (group !== 0) return group;
  return (left.metadata?.name ?? '') < (right.metadata?.name ?? '') ? -1 : 1;
}
