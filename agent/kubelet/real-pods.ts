import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isIPv6 } from 'node:net';
import type { Clock } from '../../lib/clock/clock.js';
import type { Replica } from '../../lib/client/replica.js';
import type { V1Container, V1EphemeralContainer, V1Pod, V1Service } from '../../lib/schema/generated/types.js';
import type { EventRecorder } from '../../lib/work/event-recorder.js';
import { podLogFolder } from '../runtime/cri/cri-runtime.js';
import { RuntimeError, type ContainerConfig, type ContainerMount, type SandboxConfig } from '../runtime/runtime.js';
import type { VolumeManager } from '../volumes/volume-manager.js';
import { isStaticPod } from './static-pod.js';
import { containerEnvironment } from './container-env.js';
import { containerResources } from './container-resources.js';
import { containerSecurity, isPrivileged, podGroups, podNamespaces, seccompOf } from './container-security.js';
import type { DownwardFacts } from './downward-api.js';
import { expand } from './expand.js';
import { runHook } from './hooks.js';
import { hostsFile, podHostname } from './hosts-file.js';
import type { ImagePuller, LocalImage } from './image-puller.js';
import type { PodCgroups } from './pod-cgroups.js';
import { parseResolvConf, podResolver, type ResolverConfig } from './pod-dns.js';
import type { ContainerRequest, PodEnvironment, PreStopRequest } from './pod-environment.js';
import type { PodObjects } from './pod-objects.js';
import type { ExecCommand } from './probes/probe.js';
import { serviceEnvironment } from './service-env.js';

export interface RealPodsOptions {
  clock: Clock;
  volumes: VolumeManager;
  objects: PodObjects;
  puller: ImagePuller;
  cgroups: PodCgroups;
  events: EventRecorder;
  exec: ExecCommand;
  services: Replica<V1Service>;
  hostIp: string;
  nodeHostname: string;
  allocatable: Readonly<Record<string, string>>;
  memoryCapacityBytes: number;
  clusterDomain: string;
  clusterDns: readonly string[];
  /** Of the logs of all pods. */
  logFolder: string;
}

/** A postStart hook may take its time, but not for ever: the container does not count as started before. */
const POST_START_TIMEOUT_MS = 10 * 60_000;

const MESSAGE_PATH = '/dev/termination-log';

/** Where systemd-resolved keeps the name servers that it stands in front of. */
const RESOLVED_CONF = '/run/systemd/resolve/resolv.conf';

/** Pods on a real machine: from the API's words to what CRI is told. */
export class RealPods implements PodEnvironment {
  readonly #options: RealPodsOptions;
  /** By pod and container, as `image` found them. */
  readonly #images = new Map<string, LocalImage>();

  constructor(options: RealPodsOptions) {
    this.#options = options;
  }

  async prepare(pod: V1Pod): Promise<void> {
    await this.#options.volumes.prepare(pod);
  }

  async sandbox(pod: V1Pod, config: SandboxConfig): Promise<SandboxConfig> {
    const { cgroups, logFolder, clusterDns, clusterDomain, nodeHostname } = this.#options;
    await cgroups.ensure(pod);
    const shared = pod.spec?.securityContext ?? {};
    const dns = podResolver(pod, { dns: clusterDns, domain: clusterDomain }, await hostResolver());
    const { hostname, domain } = podHostname(pod, clusterDomain);
    const fullName = domain === '' ? hostname : `${hostname}.${domain}`;
    const sysctls = Object.fromEntries((shared.sysctls ?? []).map(({ name, value }) => [name, value]));
    return {
      ...config,
      hostname: config.hostNetwork ? nodeHostname : pod.spec?.setHostnameAsFQDN ? fullName : hostname,
      real: {
        dns,
        portMappings: config.hostNetwork ? [] : portMappings(pod),
        logDirectory: podLogFolder(logFolder, config),
        cgroupParent: cgroups.parent(pod),
        sysctls,
        namespaces: podNamespaces(pod),
        privileged: isPrivileged(pod),
        user: shared.runAsUser,
        group: shared.runAsGroup,
        supplementalGroups: podGroups(pod),
        seccomp: seccompOf(shared.seccompProfile),
      },
    };
  }

  async image(pod: V1Pod, spec: V1Container, sandbox: SandboxConfig, signal: AbortSignal): Promise<string> {
    const image = await this.#options.puller.ensure(pod, spec, sandbox, signal);
    this.#images.set(`${pod.metadata?.uid}/${spec.name}`, image);
    return image.id;
  }

  async container(request: ContainerRequest): Promise<ContainerConfig> {
    try {
      return await this.#complete(request);
    } catch (error) {
      if (error instanceof RuntimeError) throw error;
      const message = error instanceof Error ? error.message : String(error);
      throw new RuntimeError('CreateContainerConfigError', message, { cause: error });
    }
  }

  async postStart(pod: V1Pod, spec: V1Container, containerId: string, ips: readonly string[]): Promise<void> {
    const hook = spec.lifecycle?.postStart;
    if (hook === undefined) return;
    const { exec, clock, events } = this.#options;
    try {
      await runHook(
        hook,
        { pod, spec, containerId, ip: this.#ip(pod, ips) },
        { exec, clock, timeoutMs: POST_START_TIMEOUT_MS },
      );
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      await events.warning(pod, 'FailedPostStartHook', `PostStartHook failed`);
      throw new RuntimeError('PostStartHookError', message, { cause: error });
    }
  }

  async preStop({ pod, spec, container, ips, graceSeconds }: PreStopRequest): Promise<void> {
    const hook = spec.lifecycle?.preStop;
    if (hook === undefined) return;
    const { exec, clock, events } = this.#options;
    const target = { pod, spec, containerId: container.id, ip: this.#ip(pod, ips) };
    try {
      await runHook(hook, target, { exec, clock, timeoutMs: graceSeconds * 1000 });
    } catch {
      await events.warning(pod, 'FailedPreStopHook', `PreStopHook failed`);
    }
  }

  async release(podUid: string): Promise<void> {
    for (const key of this.#images.keys()) if (key.startsWith(`${podUid}/`)) this.#images.delete(key);
    await this.#options.volumes.release(podUid);
    await this.#options.cgroups.remove(podUid);
    const { logFolder } = this.#options;
    for (const folder of await readdir(logFolder).catch(() => [])) {
      if (uidOfLogs(folder) === podUid) await rm(path.join(logFolder, folder), { recursive: true, force: true });
    }
  }

  async known(): Promise<string[]> {
    const { volumes, cgroups, logFolder } = this.#options;
    const logs = (await readdir(logFolder).catch(() => [])).map(uidOfLogs);
    return [...new Set([...(await volumes.known()), ...(await cgroups.known()), ...logs])];
  }

  /** What the node tells a pod of itself. */
  facts(pod: V1Pod, ips: readonly string[]): DownwardFacts {
    const { hostIp, allocatable } = this.#options;
    return { podIps: pod.spec?.hostNetwork ? [hostIp] : ips, hostIps: [hostIp], allocatable };
  }

  async #complete({ pod, spec, config, sandbox, runningContainer }: ContainerRequest): Promise<ContainerConfig> {
    const { volumes, objects, services, memoryCapacityBytes } = this.#options;
    const namespace = pod.metadata?.namespace ?? '';
    // A static pod may be what the API server needs to be there.
    const known = isStaticPod(pod) && !services.isSynced ? [] : (await services.recentView()).list();
    const environment = await containerEnvironment(pod, spec, {
      objects,
      facts: this.facts(pod, sandbox.ips),
      services: serviceEnvironment(known, namespace, pod.spec?.enableServiceLinks ?? true),
    });
    const lookUp = (name: string): string | undefined => environment.get(name);
    const target = (spec as V1EphemeralContainer).targetContainerName;
    const targetId = target ? runningContainer(target) : undefined;
    const user = this.#images.get(`${pod.metadata?.uid}/${spec.name}`)?.user ?? { uid: undefined, name: '' };
    const security = containerSecurity({ pod, spec, image: user, targetId });
    const folder = path.join(volumes.podFolder(pod.metadata?.uid ?? ''), 'containers', spec.name);
    const message = await this.#messageFile(folder, config.attempt);
    const mounts = await volumes.mounts(pod, spec, lookUp);
    if (!mounts.some(({ containerPath }) => containerPath === '/etc/hosts')) {
      mounts.push(await this.#hosts(pod, sandbox.ips));
    }
    mounts.push(mountOf(spec.terminationMessagePath || MESSAGE_PATH, message));
    return {
      ...config,
      command: config.command.map((part) => expand(part, lookUp)),
      args: config.args.map((part) => expand(part, lookUp)),
      real: {
        environment: [...environment].map(([key, value]) => ({ key, value })),
        mounts,
        workingDir: spec.workingDir ?? '',
        stdin: spec.stdin ?? false,
        stdinOnce: spec.stdinOnce ?? false,
        tty: spec.tty ?? false,
        resources: containerResources(pod, spec, memoryCapacityBytes),
        security,
        terminationMessage: {
          hostPath: message,
          fallbackToLogs: spec.terminationMessagePolicy === 'FallbackToLogsOnError',
        },
      },
    };
  }

  /** Any user of the container may write its last word. */
  async #messageFile(folder: string, attempt: number): Promise<string> {
    await mkdir(folder, { recursive: true, mode: 0o750 });
    const file = path.join(folder, String(attempt));
    await writeFile(file, '');
    await chmod(file, 0o666);
    return file;
  }

  async #hosts(pod: V1Pod, ips: readonly string[]): Promise<ContainerMount> {
    const file = path.join(this.#options.volumes.podFolder(pod.metadata?.uid ?? ''), 'etc-hosts');
    const nodeHosts = pod.spec?.hostNetwork ? await readFile('/etc/hosts', 'utf8').catch(() => '') : '';
    const { clusterDomain } = this.#options;
    await writeFile(file, hostsFile(pod, { ips, clusterDomain, nodeHosts }));
    await chmod(file, 0o644);
    return mountOf('/etc/hosts', file);
  }

  #ip(pod: V1Pod, ips: readonly string[]): string {
    return pod.spec?.hostNetwork ? this.#options.hostIp : (ips[0] ?? '');
  }
}

/** See `podLogFolder`: NAMESPACE_NAME_UID. */
function uidOfLogs(folder: string): string {
  return folder.split('_').at(-1) ?? '';
}

function mountOf(containerPath: string, hostPath: string): ContainerMount {
  return { containerPath, hostPath, readOnly: false, propagation: 'None' };
}

function portMappings(pod: V1Pod): { protocol: string; containerPort: number; hostPort: number; hostIp: string }[] {
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  return containers.flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, containerPort, protocol = 'TCP', hostIP = '' }) =>
      hostPort ? [{ protocol, containerPort, hostPort, hostIp: hostIP }] : [],
    ),
  );
}

/** The machine's own resolver configuration, without servers that only answer on the machine itself. */
async function hostResolver(): Promise<ResolverConfig> {
  const own = parseResolvConf(await readFile('/etc/resolv.conf', 'utf8').catch(() => ''));
  const isLocal = (server: string): boolean => (isIPv6(server) ? server === '::1' : server.startsWith('127.'));
  if (!own.servers.some(isLocal)) return own;
  const behind = parseResolvConf(await readFile(RESOLVED_CONF, 'utf8').catch(() => ''));
  return behind.servers.length > 0 ? behind : { ...own, servers: own.servers.filter((server) => !isLocal(server)) };
}
