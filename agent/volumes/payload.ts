import type {
  V1ConfigMap,
  V1ConfigMapProjection,
  V1DownwardAPIVolumeFile,
  V1KeyToPath,
  V1Pod,
  V1Secret,
  V1Volume,
} from '../../lib/schema/generated/types.js';
import { fieldValue, resourceValue, type DownwardFacts } from '../kubelet/downward-api.js';
import type { PodObjects, ReadOptions } from '../kubelet/pod-objects.js';
import type { Payload, PayloadFile } from './atomic-folder.js';
import type { TokenSource } from './token-source.js';

/** What files of volumes are made from. */
export interface PayloadSources {
  objects: PodObjects;
  tokens: TokenSource;
  facts(pod: V1Pod): DownwardFacts;
}

const DEFAULT_MODE = 0o644;

/** The files of a configMap, secret, downwardAPI or projected volume; undefined for other kinds. Throws with the kubelet's words. */
export async function volumePayload(
  pod: V1Pod,
  volume: V1Volume,
  sources: PayloadSources,
  read: ReadOptions,
): Promise<Payload | undefined> {
  const namespace = pod.metadata?.namespace ?? '';
  const { configMap, secret, downwardAPI, projected } = volume;
  const files = new Map<string, PayloadFile>();
  if (configMap !== undefined) {
    await addConfigMap(files, namespace, configMap, configMap.defaultMode ?? DEFAULT_MODE, sources, read);
  } else if (secret !== undefined) {
    const { secretName, ...rest } = secret;
    await addSecret(files, namespace, { ...rest, name: secretName }, secret.defaultMode ?? DEFAULT_MODE, sources, read);
  } else if (downwardAPI !== undefined) {
    addDownward(files, pod, downwardAPI.items ?? [], downwardAPI.defaultMode ?? DEFAULT_MODE, sources);
  } else if (projected !== undefined) {
    const mode = projected.defaultMode ?? DEFAULT_MODE;
    for (const source of projected.sources ?? []) {
      if (source.configMap !== undefined) await addConfigMap(files, namespace, source.configMap, mode, sources, read);
      if (source.secret !== undefined) await addSecret(files, namespace, source.secret, mode, sources, read);
      if (source.downwardAPI !== undefined) addDownward(files, pod, source.downwardAPI.items ?? [], mode, sources);
      const request = source.serviceAccountToken;
      if (request !== undefined) {
        const token = await sources.tokens.token(pod, {
          audience: request.audience,
          expirationSeconds: request.expirationSeconds,
        });
        files.set(request.path, { content: Buffer.from(token), mode });
      }
      if (source.clusterTrustBundle !== undefined) {
        throw new Error('projected cluster trust bundles are not mounted by this node');
      }
    }
  } else return undefined;
  return files;
}

/** Volumes with credentials are kept in memory. */
export function hasCredentials({ secret, projected }: V1Volume): boolean {
  return (
    secret !== undefined ||
    (projected?.sources ?? []).some((one) => one.secret !== undefined || one.serviceAccountToken !== undefined)
  );
}

async function addConfigMap(
  files: Map<string, PayloadFile>,
  namespace: string,
  source: Omit<V1ConfigMapProjection, never>,
  defaultMode: number,
  { objects }: PayloadSources,
  read: ReadOptions,
): Promise<void> {
  const { name = '', optional = false, items } = source;
  const map: V1ConfigMap = (await objects.configMap(namespace, name, { ...read, optional })) ?? {};
  const contents = new Map<string, Buffer>();
  for (const [key, text] of Object.entries(map.data ?? {})) contents.set(key, Buffer.from(text));
  for (const [key, base64] of Object.entries(map.binaryData ?? {})) contents.set(key, Buffer.from(base64, 'base64'));
  addItems(files, contents, items, { defaultMode, optional, what: 'config' });
}

async function addSecret(
  files: Map<string, PayloadFile>,
  namespace: string,
  source: { name?: string; optional?: boolean; items?: V1KeyToPath[] },
  defaultMode: number,
  { objects }: PayloadSources,
  read: ReadOptions,
): Promise<void> {
  const { name = '', optional = false, items } = source;
  const secret: V1Secret = (await objects.secret(namespace, name, { ...read, optional })) ?? {};
  const contents = new Map(
    Object.entries(secret.data ?? {}).map(([key, base64]) => [key, Buffer.from(base64, 'base64')] as const),
  );
  addItems(files, contents, items, { defaultMode, optional, what: 'secret' });
}

/** As the kubelet says it. */
const MISSING_KEY = {
  config: 'configmap references non-existent config key',
  secret: 'references non-existent secret key',
} as const;

function addItems(
  files: Map<string, PayloadFile>,
  contents: ReadonlyMap<string, Buffer>,
  items: readonly V1KeyToPath[] | undefined,
  { defaultMode, optional, what }: { defaultMode: number; optional: boolean; what: 'config' | 'secret' },
): void {
  if (items === undefined || items.length === 0) {
    for (const [key, content] of contents) files.set(key, { content, mode: defaultMode });
    return;
  }
  for (const { key, path, mode } of items) {
    const content = contents.get(key);
    if (content !== undefined) files.set(path, { content, mode: mode ?? defaultMode });
    else if (!optional) throw new Error(`${MISSING_KEY[what]}: ${key}`);
  }
}

function addDownward(
  files: Map<string, PayloadFile>,
  pod: V1Pod,
  items: readonly V1DownwardAPIVolumeFile[],
  defaultMode: number,
  sources: PayloadSources,
): void {
  const facts = sources.facts(pod);
  for (const { path, fieldRef, resourceFieldRef, mode } of items) {
    let text = '';
    if (fieldRef !== undefined) text = fieldValue(pod, fieldRef.fieldPath, facts);
    else if (resourceFieldRef !== undefined) {
      const all = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
      const container = all.find(({ name }) => name === resourceFieldRef.containerName);
      if (container === undefined) throw new Error(`container ${resourceFieldRef.containerName} not found`);
      text = resourceValue(container, resourceFieldRef, facts);
    }
    files.set(path, { content: Buffer.from(text), mode: mode ?? defaultMode });
  }
}
