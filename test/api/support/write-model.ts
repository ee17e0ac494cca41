import { expect } from 'vitest';
import { kinds } from '../../../functions/apiserver/resources/index.js';
import { ALL_VERBS, type KindDefinition } from '../../../functions/apiserver/resources/kind.js';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import type { Answer, TestApi } from './api.js';
import type { FuzzRequest, Target } from './fuzz-requests.js';

/** Every kind whose objects are stored and can be listed. */
export const STORED_KINDS: readonly KindDefinition[] = kinds.filter((kind) => {
  const verbs = kind.verbs ?? ALL_VERBS;
  const isStored = kind.computed !== true && kind.plural !== 'componentstatuses';
  return isStored && verbs.includes('list') && verbs.includes('get');
});

export function collectionPath({ group, version, plural }: KindDefinition, namespace = ''): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return namespace === '' ? `${root}/${plural}` : `${root}/namespaces/${namespace}/${plural}`;
}

type Objects = Map<string, string>;

function keyOf({ metadata }: KubernetesObject): string {
  return `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;
}

/**
 * What a cluster must hold after the writes it has acknowledged: resourceVersions by kind and key. What a request was not about must
 * not change, what was refused or a dry run must not either, and what was acknowledged must be there.
 */
export class WriteModel {
  readonly #api: TestApi;
  readonly #objects = new Map<KindDefinition, Objects>();

  private constructor(api: TestApi) {
    this.#api = api;
  }

  static async of(api: TestApi): Promise<WriteModel> {
    const model = new WriteModel(api);
    for (const kind of STORED_KINDS) await model.#refresh(kind);
    return model;
  }

  /** Compares the cluster with the model after one answered request, and takes over what the request was allowed to change. */
  async check({ request, target }: FuzzRequest, answer: Answer): Promise<void> {
    if (target === undefined || request.method === 'GET' || request.method === 'HEAD') return;
    const { kind } = target;
    const objects = this.#objects.get(kind);
    if (objects === undefined) return;
    const done = answer.status < 300 && !isDryRun(request.path, request.body);
    if (!done) return this.#expectUnchanged(target, objects);
    if (request.method === 'DELETE' && target.name === '') await this.#deletedCollection(target, objects);
    else if (request.method === 'DELETE') await this.#deleted(target, objects);
    else if (request.method === 'POST' && target.name === '') await this.#created(target, answer, objects);
    else await this.#written(target, answer, objects);
    if (kind.plural === 'services') await this.#refresh(kindOf('ipaddresses'));
  }

  /** Every list is what the model says, whole and in pages. */
  async checkLists(): Promise<void> {
    for (const kind of STORED_KINDS) {
      const path = collectionPath(kind);
      const { items, metadata } = (await this.#api.request('GET', path)).json as {
        items: KubernetesObject[];
        metadata: { resourceVersion: string };
      };
      const listed = new Map(items.map((object) => [keyOf(object), object.metadata?.resourceVersion]));
      expect(listed.size, path).toBe(items.length);
      expect(listed, path).toEqual(this.#objects.get(kind));
      for (const object of items) {
        expect(Number(object.metadata?.resourceVersion)).toBeLessThanOrEqual(Number(metadata.resourceVersion));
      }
      const paged: KubernetesObject[] = [];
      let token = '';
      do {
        const page = (await this.#api.request('GET', `${path}?limit=2&continue=${token}`)).json;
        expect(page.items.length).toBeLessThanOrEqual(2);
        paged.push(...page.items);
        token = page.metadata.continue ?? '';
      } while (token !== '');
      expect(paged, path).toEqual(items);
    }
  }

  async #refresh(kind: KindDefinition): Promise<void> {
    const { items } = (await this.#api.request('GET', collectionPath(kind))).json as { items: KubernetesObject[] };
    this.#objects.set(kind, new Map(items.map((one) => [keyOf(one), one.metadata?.resourceVersion ?? ''])));
  }

  async #read({ kind, namespace, name }: Target): Promise<KubernetesObject | undefined> {
    const answer = await this.#api.request('GET', `${collectionPath(kind, namespace)}/${encodeURIComponent(name)}`);
    return answer.status === 200 ? (answer.json as KubernetesObject) : undefined;
  }

  async #expectUnchanged(target: Target, objects: Objects): Promise<void> {
    if (target.name === '') return;
    const present = await this.#read(target);
    expect(present?.metadata?.resourceVersion, 'a refused request has changed an object').toBe(
      objects.get(`${target.namespace}/${target.name}`),
    );
  }

  async #created(target: Target, answer: Answer, objects: Objects): Promise<void> {
    expect(answer.status).toBe(201);
    const before = new Map(objects);
    await this.#refresh(target.kind);
    const after = this.#objects.get(target.kind) as Objects;
    const added = [...after].filter(([key, version]) => before.get(key) !== version);
    expect(added, 'a create makes one object').toHaveLength(1);
    expect(before.has(added[0]?.[0] ?? ''), 'a create has overwritten an object').toBe(false);
    expect(after.size).toBe(before.size + 1);
  }

  async #written(target: Target, answer: Answer, objects: Objects): Promise<void> {
    const key = `${target.namespace}/${target.name}`;
    const present = await this.#read(target);
    if (present === undefined) {
      objects.delete(key);
      return;
    }
    const version = present.metadata?.resourceVersion ?? '';
    expect(Number(version)).toBeGreaterThanOrEqual(Number(objects.get(key) ?? 0));
    objects.set(key, version);
    const isPlain = String(answer.headers['content-type']) === 'application/json';
    if (isPlain && answer.json.kind === target.kind.kind && target.subresource === '') {
      expect(answer.json.metadata.resourceVersion, 'an acknowledged write is not there').toBe(version);
    }
  }

  async #deleted(target: Target, objects: Objects): Promise<void> {
    const key = `${target.namespace}/${target.name}`;
    expect(objects.has(key), 'something was deleted that was not there').toBe(true);
    const present = await this.#read(target);
    if (present === undefined) objects.delete(key);
    else {
      expect(present.metadata?.deletionTimestamp, 'an acknowledged delete did nothing').toBeDefined();
      objects.set(key, present.metadata?.resourceVersion ?? '');
    }
  }

  async #deletedCollection({ kind, namespace }: Target, objects: Objects): Promise<void> {
    const before = new Map(objects);
    await this.#refresh(kind);
    const after = this.#objects.get(kind) as Objects;
    for (const [key, version] of before) {
      if (!key.startsWith(`${namespace}/`)) expect(after.get(key), 'a delete reached another namespace').toBe(version);
    }
    expect([...after.keys()].every((key) => before.has(key))).toBe(true);
  }
}

function kindOf(plural: string): KindDefinition {
  const kind = STORED_KINDS.find((one) => one.plural === plural);
  if (kind === undefined) throw new Error(`there is no kind ${plural}`);
  return kind;
}

function isDryRun(path: string, body: Uint8Array | undefined): boolean {
  const query = new URLSearchParams(path.split('?')[1] ?? '');
  return query.getAll('dryRun').includes('All') || Buffer.from(body ?? []).includes('"dryRun":["All"]');
}
