import { describe, expect, it } from 'vitest';
import { REF_PREFIX, resolveSchema, type Schema } from '../schema.js';
import { builtinSchemas } from './builtin-schemas.js';

const CORE = 'io.k8s.api.core.v1.';
const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.';
const source = builtinSchemas();

function property(definition: string, ...path: string[]): Schema {
  let schema = resolveSchema({ $ref: REF_PREFIX + definition }, source);
  for (const [index, name] of path.entries()) {
    const next = schema.properties?.[name];
    if (next === undefined) throw new Error(`${definition} has no ${path.join('.')}`);
    schema = index === path.length - 1 ? next : resolveSchema(next.items ?? next, source);
  }
  return schema;
}

describe('built-in schemas', () => {
  it('have the merge keys, list types and map keys of Kubernetes', () => {
    expect(property(`${CORE}Pod`, 'spec', 'containers')).toMatchObject({
      type: 'array',
      items: { $ref: `${REF_PREFIX}${CORE}Container` },
      'x-kubernetes-patch-merge-key': 'name',
      'x-kubernetes-patch-strategy': 'merge',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
    });
    expect(property(`${CORE}Service`, 'spec', 'ports')).toMatchObject({
      'x-kubernetes-patch-merge-key': 'port',
      'x-kubernetes-list-map-keys': ['port', 'protocol'],
    });
    expect(property(`${CORE}Pod`, 'spec', 'volumes')['x-kubernetes-patch-strategy']).toBe('merge,retainKeys');
    expect(property(`${META}ObjectMeta`, 'finalizers')).toMatchObject({
      'x-kubernetes-list-type': 'set',
      'x-kubernetes-patch-strategy': 'merge',
    });
    expect(property(`${CORE}Pod`, 'spec', 'nodeSelector')['x-kubernetes-map-type']).toBe('atomic');
    expect(source.definition(`${META}LabelSelector`)?.['x-kubernetes-map-type']).toBe('atomic');
  });

  it('have required fields, defaults, enums and formats', () => {
    expect(source.definition('io.k8s.api.apps.v1.DeploymentSpec')?.required).toEqual(['selector', 'template']);
    expect(property(`${CORE}ServicePort`, 'protocol')).toEqual({
      type: 'string',
      default: 'TCP',
      enum: ['SCTP', 'TCP', 'UDP'],
    });
    expect(property(`${CORE}ServicePort`, 'port')).toEqual({ type: 'integer', format: 'int32', default: 0 });
    expect(property(`${CORE}Container`, 'resources').default).toEqual({});
    expect(property(`${CORE}Secret`, 'data').additionalProperties).toEqual({ type: 'string', format: 'byte' });
    expect(property(`${CORE}PersistentVolumeSpec`, 'accessModes').items?.enum).toContain('ReadWriteOnce');
    expect(property(`${CORE}ResourceRequirements`, 'limits').additionalProperties).toEqual({
      $ref: `${REF_PREFIX}io.k8s.apimachinery.pkg.api.resource.Quantity`,
    });
  });

  it('have the fields of embedded messages among the others, as JSON does', () => {
    expect(property(`${CORE}Volume`, 'hostPath')).toEqual({ $ref: `${REF_PREFIX}${CORE}HostPathVolumeSource` });
    expect(source.definition(`${CORE}VolumeSource`)).toBeUndefined();
    expect(property(`${CORE}Probe`, 'httpGet').$ref).toBe(`${REF_PREFIX}${CORE}HTTPGetAction`);
  });

  it('have no dangling references', () => {
    const check = (schema: Schema): void => {
      if (schema.$ref !== undefined) expect(source.definition(schema.$ref.slice(REF_PREFIX.length))).toBeDefined();
      for (const one of Object.values(schema.properties ?? {})) check(one);
      if (schema.items !== undefined) check(schema.items);
      if (typeof schema.additionalProperties === 'object') check(schema.additionalProperties);
    };
    expect(source.names().length).toBeGreaterThan(500);
    for (const name of source.names()) check(source.definition(name) ?? {});
  });

  it('find definitions by kind', () => {
    expect(source.definitionOf('v1', 'Pod')).toBe(`${CORE}Pod`);
    expect(source.definitionOf('events.k8s.io/v1', 'Event')).toBe('io.k8s.api.events.v1.Event');
    expect(source.definitionOf('v1', 'Event')).toBe(`${CORE}Event`);
    expect(source.definitionOf('apps/v1', 'DeploymentList')).toBe('io.k8s.api.apps.v1.DeploymentList');
    expect(source.definitionOf('apps/v1', 'DeleteOptions')).toBe(`${META}DeleteOptions`);
    expect(source.definitionOf('example.com/v1', 'DeleteOptions')).toBe(`${META}DeleteOptions`);
    expect(source.definitionOf('apps/v1', 'Pod')).toBeUndefined();
    expect(source.definitionOf('v1', 'constructor')).toBeUndefined();
  });

  it('have descriptions of kinds and fields', () => {
    const pod = source.descriptions(`${CORE}Pod`);
    expect(pod?.description).toContain('Pod is a collection of containers');
    expect(source.descriptions(`${CORE}ServicePort`)?.fields['port']).toBe(
      'The port that will be exposed by this service.',
    );
    for (const name of source.names()) {
      if (!name.endsWith('CustomResourceSubresourceStatus')) expect(source.descriptions(name), name).toBeDefined();
    }
  });

  it('know the protobuf numbers of well-known messages', () => {
    const numbers = (name: string): Record<string, number> => {
      const row = source.message(name);
      if (!Array.isArray(row)) throw new Error(`${name} is no message`);
      return Object.fromEntries(row.map(([field, number]) => [field, number]));
    };
    expect(numbers(`${META}ObjectMeta`)).toMatchObject({
      name: 1,
      generateName: 2,
      namespace: 3,
      uid: 5,
      resourceVersion: 6,
      generation: 7,
      creationTimestamp: 8,
      labels: 11,
      annotations: 12,
      ownerReferences: 13,
      finalizers: 14,
      managedFields: 17,
    });
    expect(numbers(`${CORE}Pod`)).toEqual({ kind: 0, apiVersion: 0, metadata: 1, spec: 2, status: 3 });
    expect(numbers(`${CORE}PodSpec`)).toMatchObject({ volumes: 1, containers: 2, restartPolicy: 3, nodeName: 10 });
  });
});
