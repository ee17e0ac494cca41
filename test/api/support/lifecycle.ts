import { expect } from 'vitest';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import type { ApiClient } from './api.js';

export const MERGE = { 'content-type': 'application/merge-patch+json' };
export const STRATEGIC = { 'content-type': 'application/strategic-merge-patch+json' };

/** What the official tests ask of most kinds: discovery, then every verb with its effect and its watch events. */
export interface Lifecycle {
  /** `/apis/apps/v1`. */
  readonly root: string;
  readonly plural: string;
  /** '' for a kind outside namespaces. */
  readonly namespace: string;
  /** Without name and labels. */
  readonly object: object;
  /** A merge patch of what is wanted, which the answer then shows. */
  readonly patch?: object;
  /** A merge patch of the status. */
  readonly status?: object;
  readonly label: string;
}

export async function checkLifecycle(api: ApiClient, life: Lifecycle): Promise<void> {
  const { root, plural, namespace, object, label } = life;
  const resources = (await api.request('GET', root)).json.resources as { name: string; verbs: string[] }[];
  const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
  expect(resources.find(({ name }) => name === plural)?.verbs).toEqual(verbs);
  if (life.status !== undefined) expect(resources.map(({ name }) => name)).toContain(`${plural}/status`);

  const all = `${root}/${plural}`;
  const collection = namespace === '' ? all : `${root}/namespaces/${namespace}/${plural}`;
  const selected = `labelSelector=row%3D${label}`;
  const events = await api.watch(`${all}?watch=1&${selected}&resourceVersion=${await positionOf(api, all)}`);
  const names = [1, 2, 3].map((index) => `row-${label}-${index}`);
  for (const name of names) {
    const created = await api.request('POST', collection, { ...object, metadata: { name, labels: { row: label } } });
    expect(created.status, created.text).toBe(201);
  }
  const path = `${collection}/${names[0]}`;
  expect((await api.request('GET', path)).json.metadata.name).toBe(names[0]);
  for (const list of [all, collection]) {
    const items = (await api.request('GET', `${list}?${selected}`)).json.items as KubernetesObject[];
    expect(items.map(({ metadata }) => metadata?.name).toSorted()).toEqual(names);
  }
  const annotations = { patched: 'true' };
  const patched = await api.request('PATCH', path, { ...life.patch, metadata: { annotations } }, MERGE);
  expect(patched.json, patched.text).toMatchObject({ ...life.patch, metadata: { annotations } });
  const changed = { ...patched.json, metadata: { ...patched.json.metadata, annotations: { updated: 'true' } } };
  expect((await api.request('PUT', path, changed)).json.metadata.annotations).toMatchObject({ updated: 'true' });
  if (life.status !== undefined) {
    const status = await api.request('PATCH', `${path}/status`, { status: life.status }, MERGE);
    expect(status.json.status, status.text).toMatchObject(life.status);
    expect((await api.request('GET', `${path}/status`)).json.status).toMatchObject(life.status);
    const put = { ...status.json, metadata: { ...status.json.metadata, annotations: { status: 'put' } } };
    const written = await api.request('PUT', `${path}/status`, put);
    expect(written.json).toMatchObject({ metadata: { annotations: { status: 'put' } }, status: life.status });
  }
  await api.request('DELETE', `${path}?propagationPolicy=Background`);
  expect((await api.request('GET', path)).status).toBe(404);
  const left = await api.request('DELETE', `${collection}?${selected}&propagationPolicy=Background`);
  expect(left.json.items).toHaveLength(2);
  expect((await api.request('GET', `${all}?${selected}`)).json.items).toEqual([]);

  const writes = life.status === undefined ? 2 : 4;
  const types = (await events.take(3 + writes + 3)).map(({ type }) => type);
  expect(types).toEqual([
    ...Array.from({ length: 3 }, () => 'ADDED'),
    ...Array.from({ length: writes }, () => 'MODIFIED'),
    ...Array.from({ length: 3 }, () => 'DELETED'),
  ]);
  events.stop();
}

export async function positionOf(api: ApiClient, collection: string): Promise<string> {
  return (await api.request('GET', `${collection}?limit=1`)).json.metadata.resourceVersion as string;
}

/** `count` watch events as type and a value of their object. */
export async function typesOf(
  watch: Awaited<ReturnType<ApiClient['watch']>>,
  count: number,
): Promise<[string, string | undefined][]> {
  return (await watch.take(count)).map(({ type, object }) => [type, object.data?.mutation]);
}
