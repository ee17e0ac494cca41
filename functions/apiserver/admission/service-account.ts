import { sleep } from '../../../lib/clock/clock.js';
import { randomInt, randomNameSuffix, type Random } from '../../../lib/random.js';
import type {
  V1Container,
  V1Pod,
  V1PodSpec,
  V1ProjectedVolumeSource,
  V1ServiceAccount,
} from '../../../lib/schema/generated/types.js';
import { podReferences } from '../auth/node-references.js';
import { enforcesMountableSecrets, secretNotMountable } from './mountable-secrets.js';
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin } from './plugin.js';
import { concerns, refusal } from './refusal.js';

const DEFAULT_NAME = 'default';
const VOLUME_PREFIX = 'kube-api-access-';
const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';
const ROOT_CA_CONFIG_MAP = 'kube-root-ca.crt';

/** One hour and a little, so that such tokens can be told from those that people asked for. */
const TOKEN_EXPIRATION_SECONDS = 3_607;
const TOKEN_FILE_MODE = 0o644;

/** A new namespace gets its default account from a controller; who creates a pod right away waits for it a moment. */
const LOOKUPS_OF_DEFAULT_MAX = 10;
const LOOKUP_PAUSE_MIN_MS = 100;
const LOOKUP_PAUSE_SPREAD_MS = 100;

/** Gives pods their service account, its token and its pull secrets. */
export const serviceAccount: AdmissionPlugin = {
  name: 'ServiceAccount',

  async mutate(attributes, context) {
    if (attributes.operation !== 'CREATE' || !concerns(attributes, 'pods')) return;
    const pod = attributes.object as V1Pod;
    const spec = pod.spec;
    if (spec === undefined) return;
    if (pod.metadata?.annotations?.[MIRROR_ANNOTATION] !== undefined) return checkMirrorPod(attributes, pod);
    spec.serviceAccountName ||= spec.serviceAccount || DEFAULT_NAME;
    spec.serviceAccount = spec.serviceAccountName;
    const account = await lookUp(attributes, context, spec.serviceAccountName);
    if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true)
      mountToken(spec, context.random);
    const pullSecrets = account.imagePullSecrets ?? [];
    if ((spec.imagePullSecrets ?? []).length === 0 && pullSecrets.length > 0)
      spec.imagePullSecrets = pullSecrets.map(({ name }) => ({ name }));
    checkSecrets(attributes, pod, account);
  },

  async validate(attributes, context) {
    if (attributes.operation !== 'UPDATE' || !concerns(attributes, 'pods', 'ephemeralcontainers')) return;
    const pod = attributes.object as V1Pod;
    const name = pod.spec?.serviceAccountName ?? '';
    if (name === '')
      throw refusal(attributes, `no service account specified for pod ${attributes.namespace}/${attributes.name}`);
    checkSecrets(attributes, pod, await lookUp(attributes, context, name));
  },
};

/** A mirror pod shows what runs on a node already: it gets nothing, and may not ask for an account's credentials. */
function checkMirrorPod(attributes: AdmissionAttributes, pod: V1Pod): void {
  if (pod.spec?.serviceAccountName) throw refusal(attributes, 'a mirror pod may not reference service accounts');
  for (const reference of podReferences(pod))
    if (reference.startsWith('secrets/')) throw refusal(attributes, 'a mirror pod may not reference secrets');
  for (const { projected } of pod.spec?.volumes ?? [])
    if (projected?.sources?.some((source) => source.serviceAccountToken !== undefined))
      throw refusal(attributes, 'a mirror pod may not use ServiceAccountToken volume projections');
}

async function lookUp(
  attributes: AdmissionAttributes,
  { objects, clock, random }: AdmissionContext,
  name: string,
): Promise<V1ServiceAccount> {
  const { namespace } = attributes;
  const lookups = name === DEFAULT_NAME ? LOOKUPS_OF_DEFAULT_MAX : 1;
  for (let attempt = 1; ; attempt++) {
    const account = await objects.get<V1ServiceAccount>({ group: '', plural: 'serviceaccounts' }, namespace, name);
    if (account !== undefined) return account;
    if (attempt === lookups)
      throw refusal(
        attributes,
        `error looking up service account ${namespace}/${name}: serviceaccount ${JSON.stringify(name)} not found`,
      );
    await sleep(clock, LOOKUP_PAUSE_MIN_MS + randomInt(random, LOOKUP_PAUSE_SPREAD_MS));
  }
}

function mountToken(spec: V1PodSpec, random: Random): void {
  const volumes = (spec.volumes ??= []);
  const existing = volumes.find(({ name }) => name.startsWith(VOLUME_PREFIX));
  const name = existing?.name ?? `${VOLUME_PREFIX}${randomNameSuffix(random)}`;
  let mounted = false;
  for (const container of [...(spec.initContainers ?? []), ...spec.containers])
    mounted = mountInto(container, name) || mounted;
  if (existing === undefined && mounted) volumes.push({ name, projected: tokenVolume() });
  if (volumes.length === 0) delete spec.volumes;
}

/** Unless the container has something of its own at that place. */
function mountInto(container: V1Container, name: string): boolean {
  const mounts = container.volumeMounts ?? [];
  if (mounts.some(({ mountPath }) => mountPath === MOUNT_PATH)) return false;
  container.volumeMounts = [...mounts, { name, readOnly: true, mountPath: MOUNT_PATH }];
  return true;
}

function tokenVolume(): V1ProjectedVolumeSource {
  return {
    sources: [
      { serviceAccountToken: { expirationSeconds: TOKEN_EXPIRATION_SECONDS, path: 'token' } },
      { configMap: { name: ROOT_CA_CONFIG_MAP, items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      {
        downwardAPI: {
          items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
        },
      },
    ],
    defaultMode: TOKEN_FILE_MODE,
  };
}

function checkSecrets(attributes: AdmissionAttributes, pod: V1Pod, account: V1ServiceAccount): void {
  if (!enforcesMountableSecrets(account)) return;
  const ephemeralOnly = attributes.subresource === 'ephemeralcontainers';
  const message = secretNotMountable(pod, account, ephemeralOnly);
  if (message !== undefined) throw refusal(attributes, message);
}
