import type {
  V1Container,
  V1EphemeralContainer,
  V1Pod,
  V1ServiceAccount,
} from '../../../lib/schema/generated/types.js';

const ENFORCE_ANNOTATION = 'kubernetes.io/enforce-mountable-secrets';
/** What Go reads as true. */
const TRUE_VALUES: ReadonlySet<string> = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);

/** Whether pods of this account may only use the secrets that the account lists. */
export function enforcesMountableSecrets(account: V1ServiceAccount): boolean {
  return TRUE_VALUES.has(account.metadata?.annotations?.[ENFORCE_ANNOTATION] ?? '');
}

/** Says which secret a pod uses although its account does not list it; undefined when there is none. */
export function secretNotMountable(pod: V1Pod, account: V1ServiceAccount, ephemeralOnly: boolean): string | undefined {
  const listed = new Set((account.secrets ?? []).map(({ name }) => name));
  const name = account.metadata?.name ?? '';
  const spec = pod.spec;
  const inEphemeral = fromContainers(spec?.ephemeralContainers ?? [], 'ephemeral container', listed, name);
  if (ephemeralOnly) return inEphemeral;
  for (const { secret } of spec?.volumes ?? [])
    if (secret !== undefined && !listed.has(secret.secretName))
      return `volume with secret.secretName="${secret.secretName ?? ''}" is not allowed because service account ${name} does not reference that secret`;
  const inContainers =
    fromContainers(spec?.initContainers ?? [], 'init container', listed, name) ??
    fromContainers(spec?.containers ?? [], 'container', listed, name);
  if (inContainers !== undefined) return inContainers;
  const pullSecrets = new Set((account.imagePullSecrets ?? []).map((secret) => secret.name));
  for (const [index, secret] of (spec?.imagePullSecrets ?? []).entries())
    if (!pullSecrets.has(secret.name))
      return `imagePullSecrets[${index}].name="${secret.name}" is not allowed because service account ${name} does not reference that imagePullSecret`;
  return undefined;
}

function fromContainers(
  containers: readonly (V1Container | V1EphemeralContainer)[],
  what: string,
  listed: ReadonlySet<string | undefined>,
  account: string,
): string | undefined {
  for (const container of containers) {
    for (const { name, valueFrom } of container.env ?? []) {
      const secret = valueFrom?.secretKeyRef;
      if (secret !== undefined && !listed.has(secret.name))
        return `${what} ${container.name} with envVar ${name} referencing secret.secretName="${secret.name}" is not allowed because service account ${account} does not reference that secret`;
    }
    for (const { secretRef } of container.envFrom ?? [])
      if (secretRef !== undefined && !listed.has(secretRef.name))
        return `${what} ${container.name} with envFrom referencing secret.secretName="${secretRef.name}" is not allowed because service account ${account} does not reference that secret`;
  }
  return undefined;
}
