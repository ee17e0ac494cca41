import type { V1Container, V1PodSpec } from '../../../../lib/schema/generated/types.js';
import { appArmor, seccompAnnotations } from './annotation-checks.js';
import {
  containersOf,
  inUserNamespace,
  isWindows,
  namesOf,
  plural,
  quoted,
  setters,
  uniqueSorted,
  type Check,
  type CheckedPod,
  type Violation,
} from './check.js';
import { hostPathVolumes, restrictedVolumes } from './volume-checks.js';

/**
 * The checks of the pod security standards, with the versions of Kubernetes since which each form holds, in the words of
 * pod-security-admission. Sorted as they are reported: baseline before restricted, by name within.
 */
export const CHECKS: readonly Check[] = [
  { id: 'appArmorProfile', level: 'baseline', versions: [{ since: 0, run: appArmor }] },
  { id: 'capabilities_baseline', level: 'baseline', versions: [{ since: 0, run: defaultCapabilities }] },
  { id: 'hostNamespaces', level: 'baseline', versions: [{ since: 0, run: hostNamespaces }] },
  { id: 'hostPathVolumes', level: 'baseline', versions: [{ since: 0, run: hostPathVolumes }] },
  { id: 'hostPorts', level: 'baseline', versions: [{ since: 0, run: hostPorts }] },
  { id: 'hostProbesAndHostLifecycle', level: 'baseline', versions: [{ since: 34, run: handlerHosts }] },
  { id: 'privileged', level: 'baseline', versions: [{ since: 0, run: privileged }] },
  {
    id: 'procMount',
    level: 'baseline',
    versions: [
      { since: 0, run: procMount },
      { since: 35, run: (pod) => (inUserNamespace(pod) ? undefined : procMount(pod)) },
    ],
  },
  {
    id: 'seLinuxOptions',
    level: 'baseline',
    versions: [
      { since: 0, run: (pod) => seLinux(pod, SELINUX_TYPES) },
      { since: 31, run: (pod) => seLinux(pod, [...SELINUX_TYPES, 'container_engine_t']) },
    ],
  },
  {
    id: 'seccompProfile_baseline',
    level: 'baseline',
    versions: [
      { since: 0, run: seccompAnnotations },
      { since: 19, run: (pod) => badSeccomp(pod) },
    ],
  },
  {
    id: 'sysctls',
    level: 'baseline',
    versions: [
      { since: 0, run: (pod) => sysctls(pod, SYSCTLS) },
      { since: 27, run: (pod) => sysctls(pod, SYSCTLS_27) },
      { since: 29, run: (pod) => sysctls(pod, SYSCTLS_29) },
      { since: 32, run: (pod) => sysctls(pod, SYSCTLS_32) },
    ],
  },
  { id: 'windowsHostProcess', level: 'baseline', versions: [{ since: 0, run: hostProcess }] },
  {
    id: 'allowPrivilegeEscalation',
    level: 'restricted',
    versions: [
      { since: 8, run: privilegeEscalation },
      { since: 25, run: (pod) => (isWindows(pod) ? undefined : privilegeEscalation(pod)) },
    ],
  },
  {
    id: 'capabilities_restricted',
    level: 'restricted',
    replaces: 'capabilities_baseline',
    versions: [
      { since: 22, run: droppedCapabilities },
      { since: 25, run: (pod) => (isWindows(pod) ? undefined : droppedCapabilities(pod)) },
    ],
  },
  { id: 'procMount_restricted', level: 'restricted', replaces: 'procMount', versions: [{ since: 35, run: procMount }] },
  {
    id: 'restrictedVolumes',
    level: 'restricted',
    replaces: 'hostPathVolumes',
    versions: [{ since: 0, run: restrictedVolumes }],
  },
  {
    id: 'runAsNonRoot',
    level: 'restricted',
    versions: [
      { since: 0, run: runAsNonRoot },
      { since: 35, run: (pod) => (inUserNamespace(pod) ? undefined : runAsNonRoot(pod)) },
    ],
  },
  {
    id: 'runAsUser',
    level: 'restricted',
    versions: [
      { since: 23, run: runAsUser },
      { since: 35, run: (pod) => (inUserNamespace(pod) ? undefined : runAsUser(pod)) },
    ],
  },
  {
    id: 'seccompProfile_restricted',
    level: 'restricted',
    replaces: 'seccompProfile_baseline',
    versions: [
      { since: 19, run: requiredSeccomp },
      { since: 25, run: (pod) => (isWindows(pod) ? undefined : requiredSeccomp(pod)) },
    ],
  },
];

const DEFAULT_CAPABILITIES: ReadonlySet<string> = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
]);
const SELINUX_TYPES = ['', 'container_t', 'container_init_t', 'container_kvm_t'];
const SECCOMP_TYPES: readonly string[] = ['Localhost', 'RuntimeDefault'];
const SYSCTLS: readonly string[] = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
];
const SYSCTLS_27 = [...SYSCTLS, 'net.ipv4.ip_local_reserved_ports'];
const SYSCTLS_29 = [
  ...SYSCTLS_27,
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
];
const SYSCTLS_32 = [...SYSCTLS_29, 'net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem'];

function addedCapabilities(
  { spec }: CheckedPod,
  allowed: (name: string) => boolean,
): { bad: V1Container[]; added: string[] } {
  const forbidden = (container: V1Container): string[] =>
    (container.securityContext?.capabilities?.add ?? []).filter((name) => !allowed(name));
  const bad = containersOf(spec).filter((container) => forbidden(container).length > 0);
  return { bad, added: uniqueSorted(bad.flatMap(forbidden)) };
}

function mustNotAdd(bad: readonly V1Container[], added: readonly string[]): string {
  return `${namesOf(bad)} must not include ${quoted(added)} in securityContext.capabilities.add`;
}

function defaultCapabilities(pod: CheckedPod): Violation | undefined {
  const { bad, added } = addedCapabilities(pod, (name) => DEFAULT_CAPABILITIES.has(name));
  return bad.length === 0 ? undefined : { reason: 'non-default capabilities', detail: mustNotAdd(bad, added) };
}

function droppedCapabilities(pod: CheckedPod): Violation | undefined {
  const keeping = containersOf(pod.spec).filter(
    ({ securityContext }) => securityContext?.capabilities?.drop?.includes('ALL') !== true,
  );
  const { bad, added } = addedCapabilities(pod, (name) => name === 'NET_BIND_SERVICE');
  const details = [
    ...(keeping.length === 0 ? [] : [`${namesOf(keeping)} must set securityContext.capabilities.drop=["ALL"]`]),
    ...(bad.length === 0 ? [] : [mustNotAdd(bad, added)]),
  ];
  return details.length === 0 ? undefined : { reason: 'unrestricted capabilities', detail: details.join('; ') };
}

function hostNamespaces({ spec }: CheckedPod): Violation | undefined {
  const used = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((field) => spec[field] === true);
  return used.length === 0
    ? undefined
    : { reason: 'host namespaces', detail: used.map((field) => `${field}=true`).join(', ') };
}

function hostPorts({ spec }: CheckedPod): Violation | undefined {
  const portsOf = ({ ports = [] }: V1Container): string[] =>
    ports
      .map(({ hostPort = 0 }) => hostPort)
      .filter((port) => port !== 0)
      .map(String);
  const bad = containersOf(spec).filter((container) => portsOf(container).length > 0);
  if (bad.length === 0) return undefined;
  const ports = uniqueSorted(bad.flatMap(portsOf));
  const detail = `${namesOf(bad)} ${plural(bad.length, 'uses', 'use')} ${plural(ports.length, 'hostPort', 'hostPorts')} ${ports.join(', ')}`;
  return { reason: 'hostPort', detail };
}

function handlerHosts({ spec }: CheckedPod): Violation | undefined {
  const hostsOf = (container: V1Container): string[] => {
    const { livenessProbe, readinessProbe, startupProbe, lifecycle } = container;
    return [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop]
      .flatMap((handler) => [handler?.httpGet?.host, handler?.tcpSocket?.host])
      .filter((host): host is string => host !== undefined && host !== '');
  };
  const bad = containersOf(spec).filter((container) => hostsOf(container).length > 0);
  if (bad.length === 0) return undefined;
  const hosts = uniqueSorted(bad.flatMap(hostsOf));
  const names = uniqueSorted(bad.map(({ name }) => name));
  const what = plural(hosts.length, 'probe or lifecycle host', 'probe or lifecycle hosts');
  const who = `${plural(names.length, 'container', 'containers')} ${quoted(names)}`;
  return {
    reason: 'probe or lifecycle host',
    detail: `${who} ${plural(names.length, 'uses', 'use')} ${what} ${quoted(hosts)}`,
  };
}

function privileged({ spec }: CheckedPod): Violation | undefined {
  const bad = containersOf(spec).filter(({ securityContext }) => securityContext?.privileged === true);
  return bad.length === 0
    ? undefined
    : { reason: 'privileged', detail: `${namesOf(bad)} must not set securityContext.privileged=true` };
}

function procMount({ spec }: CheckedPod): Violation | undefined {
  const mountOf = ({ securityContext }: V1Container): string => securityContext?.procMount ?? 'Default';
  const bad = containersOf(spec).filter((container) => mountOf(container) !== 'Default');
  if (bad.length === 0) return undefined;
  const detail = `${namesOf(bad)} must not set securityContext.procMount to ${quoted(uniqueSorted(bad.map(mountOf)))}`;
  return { reason: 'procMount', detail };
}

function seLinux({ spec }: CheckedPod, types: readonly string[]): Violation | undefined {
  const optionsOf = ({ securityContext }: Pick<V1PodSpec | V1Container, 'securityContext'>) =>
    securityContext?.seLinuxOptions ?? {};
  const isBad = (holder: Pick<V1PodSpec | V1Container, 'securityContext'>): boolean => {
    const { type = '', user = '', role = '' } = optionsOf(holder);
    return !types.includes(type) || user !== '' || role !== '';
  };
  const bad = containersOf(spec).filter(isBad);
  if (bad.length === 0 && !isBad(spec)) return undefined;
  const options = [...(isBad(spec) ? [spec] : []), ...bad].map(optionsOf);
  const badTypes = uniqueSorted(options.map(({ type = '' }) => type).filter((type) => !types.includes(type)));
  const data = [
    ...(badTypes.length === 0 ? [] : [`${plural(badTypes.length, 'type', 'types')} ${quoted(badTypes)}`]),
    ...(options.some(({ user = '' }) => user !== '') ? ['user may not be set'] : []),
    ...(options.some(({ role = '' }) => role !== '') ? ['role may not be set'] : []),
  ];
  return {
    reason: 'seLinuxOptions',
    detail: `${setters(isBad(spec), bad)} set forbidden securityContext.seLinuxOptions: ${data.join('; ')}`,
  };
}

function seccompOf({ securityContext }: Pick<V1PodSpec | V1Container, 'securityContext'>): string | undefined {
  const profile = securityContext?.seccompProfile;
  return profile === undefined ? undefined : (profile.type ?? '');
}

function badSeccomp({ spec }: CheckedPod): Violation | undefined {
  const isBad = (holder: V1PodSpec | V1Container): boolean => {
    const type = seccompOf(holder);
    return type !== undefined && !SECCOMP_TYPES.includes(type);
  };
  const bad = containersOf(spec).filter(isBad);
  if (bad.length === 0 && !isBad(spec)) return undefined;
  const types = [...(isBad(spec) ? [spec] : []), ...bad].map((holder) => seccompOf(holder) ?? '');
  return {
    reason: 'seccompProfile',
    detail: `${setters(isBad(spec), bad)} must not set securityContext.seccompProfile.type to ${quoted(uniqueSorted(types))}`,
  };
}

function requiredSeccomp(pod: CheckedPod): Violation | undefined {
  const bad = badSeccomp(pod);
  if (bad !== undefined || seccompOf(pod.spec) !== undefined) return bad;
  const without = containersOf(pod.spec).filter((container) => seccompOf(container) === undefined);
  return without.length === 0
    ? undefined
    : {
        reason: 'seccompProfile',
        detail: `pod or ${namesOf(without)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
      };
}

function sysctls({ spec }: CheckedPod, allowed: readonly string[]): Violation | undefined {
  const bad = (spec.securityContext?.sysctls ?? []).map(({ name }) => name).filter((name) => !allowed.includes(name));
  return bad.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: bad.join(', ') };
}

function hostProcess({ spec }: CheckedPod): Violation | undefined {
  const isHost = ({ securityContext }: Pick<V1PodSpec | V1Container, 'securityContext'>): boolean =>
    securityContext?.windowsOptions?.hostProcess === true;
  const bad = containersOf(spec).filter(isHost);
  if (bad.length === 0 && !isHost(spec)) return undefined;
  return {
    reason: 'hostProcess',
    detail: `${setters(isHost(spec), bad)} must not set securityContext.windowsOptions.hostProcess=true`,
  };
}

function privilegeEscalation({ spec }: CheckedPod): Violation | undefined {
  const bad = containersOf(spec).filter(({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false);
  return bad.length === 0
    ? undefined
    : {
        reason: 'allowPrivilegeEscalation != false',
        detail: `${namesOf(bad)} must set securityContext.allowPrivilegeEscalation=false`,
      };
}

function runAsNonRoot({ spec }: CheckedPod): Violation | undefined {
  const reason = 'runAsNonRoot != true';
  const podSays = spec.securityContext?.runAsNonRoot;
  const containers = containersOf(spec);
  const rooted = containers.filter(({ securityContext }) => securityContext?.runAsNonRoot === false);
  if (podSays === false || rooted.length > 0) {
    return { reason, detail: `${setters(podSays === false, rooted)} must not set securityContext.runAsNonRoot=false` };
  }
  if (podSays === true) return undefined;
  const silent = containers.filter(({ securityContext }) => securityContext?.runAsNonRoot === undefined);
  return silent.length === 0
    ? undefined
    : { reason, detail: `pod or ${namesOf(silent)} must set securityContext.runAsNonRoot=true` };
}

function runAsUser({ spec }: CheckedPod): Violation | undefined {
  const isRoot = ({ securityContext }: Pick<V1PodSpec | V1Container, 'securityContext'>): boolean =>
    securityContext?.runAsUser !== undefined && Number(securityContext.runAsUser) === 0;
  const bad = containersOf(spec).filter(isRoot);
  if (bad.length === 0 && !isRoot(spec)) return undefined;
  return { reason: 'runAsUser=0', detail: `${setters(isRoot(spec), bad)} must not set runAsUser=0` };
}
