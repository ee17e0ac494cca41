import { describe, expect, test } from 'vitest';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import { kinds } from '../resources/index.js';
import { ALL_VERBS, type KindDefinition } from '../resources/kind.js';
import { KIND_SAMPLES } from './kind-samples.js';
import { testServer } from './test-server.js';

const MERGE = { 'content-type': 'application/merge-patch+json' };
const TABLE = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
const PARTIAL = { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' };
/** Refused until they are honoured. */
const REFUSED = new Set(['mutatingwebhookconfigurations', 'validatingwebhookconfigurations']);

const stored = kinds.filter((kind) => {
  const verbs = kind.verbs ?? ALL_VERBS;
  return verbs.includes('create') && verbs.includes('list') && !REFUSED.has(kind.plural);
});

function sampleOf(kind: KindDefinition): KubernetesObject {
  const sample = KIND_SAMPLES[`${kind.group}/${kind.plural}`] as KubernetesObject | undefined;
  if (sample === undefined) throw new Error(`kind-samples.ts has no ${kind.group}/${kind.plural}`);
  const { name = 'sample', ...metadata } = sample.metadata ?? {};
  return { ...sample, metadata: { name, labels: { suite: 'all' }, ...metadata } };
}

function pathsOf(kind: KindDefinition, group: string, version: string) {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const all = `${root}/${kind.plural}`;
  return { all, collection: kind.namespaced ? `${root}/namespaces/default/${kind.plural}` : all };
}

describe.each(stored.map((kind) => [`${kind.group}/${kind.plural}`, kind] as const))('%s', (_name, kind) => {
  const { all, collection } = pathsOf(kind, kind.group, kind.version);
  const sample = sampleOf(kind);
  const name = sample.metadata?.name ?? '';

  test('is created, read, listed, watched, updated, patched, tabled and deleted', async () => {
    const { request, watch } = testServer();
    const events = await watch(`${all}?watch=1&resourceVersion=1`);
    const created = await request('POST', `${collection}?fieldValidation=Strict`, sample);
    expect(created.text).toContain('"uid":');
    expect(created.status).toBe(201);
    expect(created.json).toMatchObject({ kind: kind.kind, metadata: { name, resourceVersion: '2' } });

    const read = await request('GET', `${collection}/${name}`);
    expect(read.json).toEqual(created.json);
    expect((await request('GET', `${all}?labelSelector=suite%3Dall`)).json.items).toEqual([read.json]);

    const same = await request('PUT', `${collection}/${name}?fieldValidation=Strict`, read.json);
    expect(same.text).toContain('"resourceVersion":"2"');
    const annotated = { ...read.json, metadata: { ...read.json.metadata, annotations: { a: '1' } } };
    const updated = await request('PUT', `${collection}/${name}`, annotated);
    expect(updated.json.metadata).toMatchObject({ resourceVersion: '3', annotations: { a: '1' } });
    const patch = { metadata: { annotations: { a: null, b: '2' } } };
    const patched = await request('PATCH', `${collection}/${name}`, patch, MERGE);
    expect(patched.json.metadata.annotations).toMatchObject({ b: '2' });
    const strategic = { 'content-type': 'application/strategic-merge-patch+json' };
    const merged = await request('PATCH', `${collection}/${name}`, { metadata: { labels: { x: 'y' } } }, strategic);
    expect(merged.json.metadata.labels).toMatchObject({ suite: 'all', x: 'y' });

    const table = (await request('GET', collection, undefined, TABLE)).json;
    expect(table).toMatchObject({ kind: 'Table', rows: [{ object: { kind: 'PartialObjectMetadata' } }] });
    expect(table.rows[0].cells).toHaveLength(table.columnDefinitions.length);
    expect(table.rows[0].cells).toContain(name);
    const partial = (await request('GET', collection, undefined, PARTIAL)).json;
    expect(partial.items[0]).toEqual({
      kind: 'PartialObjectMetadata',
      apiVersion: 'meta.k8s.io/v1',
      metadata: merged.json.metadata,
    });

    const seen = [await events.next(), await events.next(), await events.next(), await events.next()];
    expect(seen.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'MODIFIED', 'MODIFIED']);
    expect(seen[3].object).toEqual(merged.json);
    events.stop();
    expect((await request('DELETE', `${collection}/${name}`)).status).toBe(200);
  });

  test.runIf((kind.verbs ?? ALL_VERBS).includes('deletecollection'))('is deleted as a collection', async () => {
    const { request } = testServer();
    await request('POST', collection, sample);
    const unlabelled = await request('DELETE', `${collection}?labelSelector=suite%3Dnone`);
    expect(unlabelled.json.items).toEqual([]);
    const deleted = await request('DELETE', `${collection}?labelSelector=suite%3Dall&gracePeriodSeconds=0`);
    expect(deleted.json.items).toHaveLength(1);
    const left = (await request('GET', all)).json.items as KubernetesObject[];
    expect(left.every(({ metadata }) => metadata?.deletionTimestamp !== undefined)).toBe(true);
  });

  test.runIf(kind.hasStatus === true)('has a status of its own', async () => {
    const { request } = testServer();
    await request('POST', collection, sample);
    const read = await request('GET', `${collection}/${name}/status`);
    expect(read.json).toMatchObject({ kind: kind.kind, metadata: { name } });
    const put = await request('PUT', `${collection}/${name}/status`, read.json);
    expect(put.json).toEqual(read.json);
    const patched = await request(
      'PATCH',
      `${collection}/${name}/status`,
      { metadata: { annotations: { s: '1' } } },
      MERGE,
    );
    expect(patched.status).toBe(200);
    expect(patched.json.status).toEqual(read.json.status);
  });

  test.runIf((kind.alternates ?? []).length > 0)('is served in its other versions', async () => {
    const { request } = testServer();
    await request('POST', collection, sample);
    for (const alternate of kind.alternates ?? []) {
      const path = pathsOf(kind, alternate.group, alternate.version).collection;
      const read = await request('GET', `${path}/${name}`);
      expect(read.json).toMatchObject({ kind: alternate.kind, apiVersion: `${alternate.group}/${alternate.version}` });
      const put = await request('PUT', `${path}/${name}?fieldValidation=Strict`, read.json);
      const { resourceVersion } = put.json.metadata;
      expect(put.json).toEqual({ ...read.json, metadata: { ...read.json.metadata, resourceVersion } });
      expect((await request('GET', path)).json.items).toEqual([put.json]);
    }
  });
});
