import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { builtinSchemas } from '../../../lib/schema/builtin/builtin-schemas.js';
import { KIND_SAMPLES } from '../registry/kind-samples.js';
import { testServer } from '../registry/test-server.js';
import { kinds } from './index.js';
import { ALL_VERBS, type KindDefinition } from './kind.js';

const FOLDER = import.meta.dirname;

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file));
}

describe('the list of kinds', () => {
  test('has every file that defines one', () => {
    const defining = filesBelow(FOLDER)
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.endsWith('kind.ts'))
      .filter((file) => readFileSync(file, 'utf8').includes('= defineKind<'));
    const index = readFileSync(join(FOLDER, 'index.ts'), 'utf8');
    const unlisted = defining
      .map((file) => file.slice(FOLDER.length + 1).replace(/\.ts$/, '.js'))
      .filter((path) => !index.includes(`'./${path}'`));
    expect(unlisted).toEqual([]);
    expect(kinds).toHaveLength(defining.length);
  });

  test('has sixty kinds and more, each once', () => {
    expect(kinds.length).toBeGreaterThan(60);
    expect(new Set(kinds.map(({ group, kind }) => `${group}/${kind}`)).size).toBe(kinds.length);
  });

  test('names no resource twice within a group', () => {
    for (const group of new Set(kinds.map((kind) => kind.group))) {
      const names = kinds
        .filter((kind) => kind.group === group)
        .flatMap((kind) => [...new Set([kind.plural, kind.singular, ...(kind.shortNames ?? [])])])
        .filter((name) => name !== '');
      expect(names, group).toEqual([...new Set(names)]);
    }
  });

  test('has schemas for every version of every kind', () => {
    const schemas = builtinSchemas();
    const definitions = kinds.flatMap(({ definition, alternates = [] }) => [
      definition,
      ...alternates.map((alternate) => alternate.definition),
    ]);
    expect(definitions.filter((definition) => schemas.definition(definition) === undefined)).toEqual([]);
  });

  test('has the short names, categories and scopes that kubectl users know', () => {
    const facts = (one: KindDefinition): string =>
      [
        one.shortNames?.join(',') ?? '-',
        one.categories?.join(',') ?? '-',
        one.namespaced ? 'namespaced' : 'cluster',
      ].join(' ');
    const known = Object.fromEntries(kinds.map((one) => [one.plural, facts(one)]));
    expect(known).toMatchObject({
      deployments: 'deploy all namespaced',
      daemonsets: 'ds all namespaced',
      replicasets: 'rs all namespaced',
      statefulsets: 'sts all namespaced',
      controllerrevisions: '- - namespaced',
      jobs: '- all namespaced',
      cronjobs: 'cj all namespaced',
      horizontalpodautoscalers: 'hpa all namespaced',
      poddisruptionbudgets: 'pdb - namespaced',
      ingresses: 'ing - namespaced',
      networkpolicies: 'netpol - namespaced',
      ipaddresses: 'ip - cluster',
      storageclasses: 'sc - cluster',
      volumeattributesclasses: 'vac - cluster',
      csistoragecapacities: '- - namespaced',
      priorityclasses: 'pc - cluster',
      certificatesigningrequests: 'csr - cluster',
      customresourcedefinitions: 'crd,crds api-extensions cluster',
      apiservices: '- api-extensions cluster',
      validatingadmissionpolicies: '- api-extensions cluster',
      localsubjectaccessreviews: '- - namespaced',
      subjectaccessreviews: '- - cluster',
    });
  });
});

/** The object with one member less, for every member at any depth. */
function* withoutOne(value: unknown): Generator<unknown> {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      yield value.toSpliced(index, 1);
      for (const changed of withoutOne(item)) yield value.with(index, changed);
    }
    return;
  }
  for (const [key, member] of Object.entries(value)) {
    const { [key]: _, ...rest } = value as Record<string, unknown>;
    yield rest;
    yield { ...rest, [key]: null };
    for (const changed of withoutOne(member)) yield { ...value, [key]: changed };
  }
}

const created = kinds.filter((kind) => {
  const verbs = kind.verbs ?? ALL_VERBS;
  return verbs.includes('create') && verbs.includes('list');
});

describe.each(created.map((kind) => [`${kind.group}/${kind.plural}`, kind] as const))('%s', (name, kind) => {
  test('is refused or accepted when something is missing, and never breaks', async () => {
    const { request } = testServer();
    const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
    const path = kind.namespaced ? `${root}/namespaces/default/${kind.plural}` : `${root}/${kind.plural}`;
    const sample = KIND_SAMPLES[name] as Record<string, unknown>;
    const { metadata, ...rest } = sample;
    const parts = [{}, { spec: {} }, { spec: {}, status: {} }, rest, ...withoutOne(rest)];
    for (const part of parts) {
      const object = { ...(part as object), metadata: { name: 'sample', ...(metadata as object | undefined) } };
      const answer = await request('POST', `${path}?dryRun=All`, object);
      expect([201, 400, 403, 409, 422], `${JSON.stringify(object)}\n${answer.text}`).toContain(answer.status);
    }
  });
});
