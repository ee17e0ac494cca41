import type { V1Container, V1EnvVar, V1Pod } from '../../lib/schema/generated/types.js';
import type { PodObjects } from './pod-objects.js';
import { fieldValue, resourceValue, type DownwardFacts } from './downward-api.js';
import { expand } from './expand.js';

export interface EnvironmentSources {
  objects: PodObjects;
  facts: DownwardFacts;
  /** Those of services. */
  services: ReadonlyMap<string, string>;
}

/**
 * The environment of a container, in the kubelet's order: envFrom, then env (whose values may name earlier ones), then the services' that
 * nothing else has set. Throws with the kubelet's words when a source is not there.
 */
export async function containerEnvironment(
  pod: V1Pod,
  spec: V1Container,
  sources: EnvironmentSources,
): Promise<Map<string, string>> {
  const { services } = sources;
  const result = new Map<string, string>();
  for (const [key, value] of await fromSources(pod, spec, sources.objects)) result.set(key, value);
  for (const variable of spec.env ?? []) {
    const value =
      variable.valueFrom === undefined
        ? expand(variable.value ?? '', (name) => result.get(name) ?? services.get(name))
        : await referredValue(pod, spec, variable.valueFrom, sources);
    if (value !== undefined) result.set(variable.name, value);
  }
  for (const [key, value] of services) if (!result.has(key)) result.set(key, value);
  return result;
}

async function fromSources(pod: V1Pod, spec: V1Container, objects: PodObjects): Promise<[string, string][]> {
  const namespace = pod.metadata?.namespace ?? '';
  const entries: [string, string][] = [];
  for (const { prefix = '', configMapRef, secretRef } of spec.envFrom ?? []) {
    if (configMapRef !== undefined) {
      const { name = '', optional = false } = configMapRef;
      const map = await objects.configMap(namespace, name, { optional });
      for (const [key, value] of Object.entries(map?.data ?? {})) entries.push([prefix + key, value]);
    }
    if (secretRef !== undefined) {
      const { name = '', optional = false } = secretRef;
      const secret = await objects.secret(namespace, name, { optional });
      for (const [key, value] of Object.entries(secret?.data ?? {})) entries.push([prefix + key, decode(value)]);
    }
  }
  return entries;
}

async function referredValue(
  pod: V1Pod,
  spec: V1Container,
  from: NonNullable<V1EnvVar['valueFrom']>,
  { objects, facts }: EnvironmentSources,
): Promise<string | undefined> {
  const namespace = pod.metadata?.namespace ?? '';
  if (from.fieldRef !== undefined) return fieldValue(pod, from.fieldRef.fieldPath, facts);
  if (from.resourceFieldRef !== undefined) {
    const { containerName } = from.resourceFieldRef;
    const all = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
    const other = containerName ? all.find(({ name }) => name === containerName) : spec;
    if (other === undefined) throw new Error(`container ${containerName} not found`);
    return resourceValue(other, from.resourceFieldRef, facts);
  }
  if (from.configMapKeyRef !== undefined) {
    const { name = '', key, optional = false } = from.configMapKeyRef;
    const map = await objects.configMap(namespace, name, { optional });
    const value = map?.data?.[key];
    if (value === undefined && !optional) throw new Error(`couldn't find key ${key} in ConfigMap ${namespace}/${name}`);
    return value;
  }
  if (from.secretKeyRef !== undefined) {
    const { name = '', key, optional = false } = from.secretKeyRef;
    const secret = await objects.secret(namespace, name, { optional });
    const value = secret?.data?.[key];
    if (value === undefined && !optional) throw new Error(`couldn't find key ${key} in Secret ${namespace}/${name}`);
    return value === undefined ? undefined : decode(value);
  }
  return undefined;
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}
