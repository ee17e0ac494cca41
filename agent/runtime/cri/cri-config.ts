import type { ContainerConfig, ContainerSecurity, Namespaces, SandboxConfig } from '../runtime.js';
import type { Owner } from './labels.js';
import { containerLabels, sandboxLabels, terminationAnnotations } from './labels.js';

/** CRI's numbers of namespace modes. */
const NAMESPACE_MODES = { pod: 0, container: 1, node: 2, target: 3 } as const;

const PROTOCOLS: Readonly<Record<string, number>> = { TCP: 0, UDP: 1, SCTP: 2 };

const PROPAGATIONS = { None: 0, HostToContainer: 1, Bidirectional: 2 } as const;

/** Length of a scheduling period in microseconds: the kernel's default, and the kubelet's. */
const CPU_PERIOD_US = 100_000;

/** What an ordinary container must not see of /proc and /sys, as the kubelet has it. */
const MASKED_PATHS = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];
const READ_ONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/** CRI's PodSandboxConfig. */
export function criSandbox(config: SandboxConfig, owner: Owner): object {
  const { real } = config;
  if (real === undefined) throw new TypeError('a real runtime was given the configuration of a simulated sandbox');
  return {
    metadata: { name: config.name, uid: config.podUid, namespace: config.namespace, attempt: config.attempt },
    hostname: config.hostNetwork ? '' : config.hostname,
    log_directory: real.logDirectory,
    dns_config: real.dns,
    port_mappings: real.portMappings.map((port) => ({
      protocol: PROTOCOLS[port.protocol] ?? 0,
      container_port: port.containerPort,
      host_port: port.hostPort,
      host_ip: port.hostIp,
    })),
    labels: { ...config.labels, ...sandboxLabels(config, owner) },
    annotations: config.annotations,
    linux: {
      cgroup_parent: real.cgroupParent,
      sysctls: real.sysctls,
      security_context: {
        namespace_options: namespaceOptions(real.namespaces),
        privileged: real.privileged,
        supplemental_groups: real.supplementalGroups,
        seccomp: seccompProfile(real.seccomp),
        ...(real.user === undefined ? {} : { run_as_user: { value: real.user } }),
        ...(real.user === undefined || real.group === undefined ? {} : { run_as_group: { value: real.group } }),
      },
    },
  };
}

/** CRI's ContainerConfig. */
export function criContainer(config: ContainerConfig, sandbox: SandboxConfig, owner: Owner): object {
  const { real } = config;
  if (real === undefined) throw new TypeError('a real runtime was given the configuration of a simulated container');
  const { resources } = real;
  return {
    metadata: { name: config.name, attempt: config.attempt },
    image: { image: config.imageId, user_specified_image: config.image },
    command: config.command,
    args: config.args,
    working_dir: real.workingDir,
    envs: real.environment,
    mounts: real.mounts.map((mount) => ({
      container_path: mount.containerPath,
      host_path: mount.hostPath,
      readonly: mount.readOnly,
      propagation: PROPAGATIONS[mount.propagation],
    })),
    labels: containerLabels(config, sandbox, owner),
    annotations: terminationAnnotations(config, real.terminationMessage),
    log_path: `${config.name}/${config.attempt}.log`,
    stdin: real.stdin,
    stdin_once: real.stdinOnce,
    tty: real.tty,
    linux: {
      resources: {
        cpu_shares: resources.cpuShares,
        oom_score_adj: resources.oomScoreAdj,
        ...(resources.cpuQuota === undefined ? {} : { cpu_period: CPU_PERIOD_US, cpu_quota: resources.cpuQuota }),
        ...(resources.memoryLimitBytes === undefined ? {} : { memory_limit_in_bytes: resources.memoryLimitBytes }),
      },
      security_context: containerSecurity(real.security),
    },
  };
}

function containerSecurity(security: ContainerSecurity): object {
  const masks =
    security.privileged || security.unmaskedProc ? {} : { masked_paths: MASKED_PATHS, readonly_paths: READ_ONLY_PATHS };
  return {
    capabilities: { add_capabilities: security.addCapabilities, drop_capabilities: security.dropCapabilities },
    privileged: security.privileged,
    namespace_options: namespaceOptions(security.namespaces),
    run_as_username: security.userName,
    ...(security.user === undefined ? {} : { run_as_user: { value: security.user } }),
    ...(security.group === undefined ? {} : { run_as_group: { value: security.group } }),
    readonly_rootfs: security.readOnlyRoot,
    supplemental_groups: security.supplementalGroups,
    no_new_privs: security.noNewPrivileges,
    seccomp: seccompProfile(security.seccomp),
    ...masks,
  };
}

function namespaceOptions(namespaces: Namespaces): object {
  return {
    network: NAMESPACE_MODES[namespaces.network],
    pid: NAMESPACE_MODES[namespaces.pid],
    ipc: NAMESPACE_MODES[namespaces.ipc],
    target_id: namespaces.targetId ?? '',
  };
}

function seccompProfile(profile: string): object {
  if (profile === 'runtime/default') return { profile_type: 0 };
  if (profile === 'unconfined') return { profile_type: 1 };
  return { profile_type: 2, localhost_ref: profile.replace(/^localhost\//, '') };
}
