/** Definitions and objects for tests of custom resources. */

type Json = Record<string, unknown>;

export const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

export interface TestDefinition {
  group?: string;
  kind?: string;
  plural?: string;
  scope?: 'Namespaced' | 'Cluster';
  /** Of the only version, or by version. */
  schema?: Json;
  versions?: readonly Json[];
  /** Of the only version: subresources, columns, … */
  version?: Json;
  names?: Json;
  spec?: Json;
  metadata?: Json;
}

/** A CustomResourceDefinition; CronTabs of stable.example.com unless said otherwise. */
export function definitionOf(options: TestDefinition = {}): Json {
  const { group = 'stable.example.com', kind = 'CronTab', scope = 'Namespaced' } = options;
  const plural = options.plural ?? `${kind.toLowerCase()}s`;
  const schema = options.schema ?? { type: 'object', properties: { spec: { type: 'object' } } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}`, ...options.metadata },
    spec: {
      group,
      scope,
      names: { plural, singular: kind.toLowerCase(), kind, listKind: `${kind}List`, ...options.names },
      versions: options.versions ?? [
        { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema }, ...options.version },
      ],
      ...options.spec,
    },
  };
}

/** An object of `definitionOf`'s kind. */
export function objectOf(name: string, members: Json = {}, options: { apiVersion?: string; kind?: string } = {}): Json {
  const { apiVersion = 'stable.example.com/v1', kind = 'CronTab' } = options;
  const { metadata, ...rest } = members as { metadata?: Json };
  return { apiVersion, kind, metadata: { name, ...metadata }, ...rest };
}
