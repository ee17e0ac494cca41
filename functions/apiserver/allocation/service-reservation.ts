import { internalError, invalidError, type ApiError } from '../../../lib/api/errors.js';
import { invalid } from '../../../lib/api/field-errors.js';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import type { V1Service, V1ServiceSpec } from '../../../lib/schema/generated/types.js';
import type { Reserved, WriteReservation } from '../admission/plugin.js';
import type { Owner } from './allocator.js';
import type { ClusterIps } from './cluster-ips.js';
import { AllocationError } from './errors.js';
import { fillIpFamilies, isUntouchedDualStack } from './ip-families.js';
import type { IpFamily } from '../../../lib/net/ip.js';
import type { NodePorts } from './node-ports.js';
import { hasClusterIp, hasNodePorts, isHeadless, needsHealthCheck } from '../resources/core/service/predicates.js';
import { HEADLESS, nodePortsOf } from './service-fields.js';

const SERVICE = { group: '', kind: 'Service' };

export interface ServiceReservationOptions {
  clusterIps: ClusterIps;
  nodePorts: NodePorts;
  /** Told of reservations that could not be given back; the repair finds them later. */
  onLeak?: (owner: Owner, error: unknown) => void;
}

/** Cluster IPs and node ports of services: reserved before the service is written, given back after it is gone or no longer needs them. */
export class ServiceReservation implements WriteReservation {
  readonly #options: ServiceReservationOptions;

  constructor(options: ServiceReservationOptions) {
    this.#options = options;
  }

  async begin(
    object: KubernetesObject | undefined,
    old: KubernetesObject | undefined,
    dryRun: boolean,
  ): Promise<Reserved> {
    const service = object as V1Service | undefined;
    const before = old as V1Service | undefined;
    const change = new Change(this.#options, service ?? before ?? {}, dryRun);
    try {
      if (service === undefined) change.releaseAll(before?.spec ?? {});
      else await this.#reserve(change, service, before);
    } catch (error) {
      await change.abort();
      throw error;
    }
    return change;
  }

  /** The kind has put `clusterIP` and `clusterIPs` in line and kept what an update left out (resources/core/service/prepare.ts). */
  async #reserve(change: Change, service: V1Service, old: V1Service | undefined): Promise<void> {
    const errors = fillIpFamilies(service, old, this.#options.clusterIps);
    if (errors.length > 0) throw invalidError(SERVICE, service.metadata?.name ?? '', errors);
    const spec = (service.spec ??= {});
    if (old?.spec === undefined) {
      await change.allClusterIps(spec);
      if (hasNodePorts(spec)) await change.newNodePorts(spec);
      if (needsHealthCheck(spec)) await change.healthCheckNodePort(spec);
      return;
    }
    await change.updateClusterIps(spec, old.spec);
    await change.updateNodePorts(spec, old.spec);
  }
}

/** What one write has reserved so far and will give back. */
class Change implements Reserved {
  readonly #options: ServiceReservationOptions;
  readonly #owner: Owner;
  readonly #dryRun: boolean;
  readonly #taken: (() => Promise<void>)[] = [];
  readonly #unneeded: (() => Promise<void>)[] = [];
  /** Of a dry run, which reserves nothing: the ports it has handed out itself. */
  readonly #ports = new Set<number>();

  constructor(options: ServiceReservationOptions, service: V1Service, dryRun: boolean) {
    this.#options = options;
    this.#owner = { namespace: service.metadata?.namespace ?? '', name: service.metadata?.name ?? '' };
    this.#dryRun = dryRun;
  }

  async commit(): Promise<void> {
    await this.#run(this.#unneeded);
  }

  async abort(): Promise<void> {
    await this.#run(this.#taken);
  }

  releaseAll(spec: V1ServiceSpec): void {
    if (hasClusterIp(spec) && !isHeadless(spec)) for (const address of addressesOf(spec)) this.#giveUpIp(address);
    for (const port of nodePortsOf(spec)) this.#giveUpPort(port);
    if (needsHealthCheck(spec) && spec.healthCheckNodePort) this.#giveUpPort(spec.healthCheckNodePort);
  }

  /** One address for each family, those given as they are. */
  async allClusterIps(spec: V1ServiceSpec): Promise<void> {
    if (!hasClusterIp(spec) || isHeadless(spec)) return;
    const given = spec.clusterIPs ?? [];
    const addresses: string[] = [];
    for (const [index, family] of (spec.ipFamilies ?? []).entries())
      addresses.push(await this.#clusterIp(spec, family as IpFamily, given[index] ?? ''));
    spec.clusterIPs = addresses;
    spec.clusterIP = addresses[0];
  }

  async updateClusterIps(spec: V1ServiceSpec, before: V1ServiceSpec): Promise<void> {
    if (isUntouchedDualStack(spec, before)) return;
    if (!hasClusterIp(before)) return this.allClusterIps(spec);
    if (before.clusterIPs?.[0] === HEADLESS) return;
    if (!hasClusterIp(spec)) {
      for (const address of addressesOf(before)) this.#giveUpIp(address);
      return;
    }
    const [families, familiesBefore] = [spec.ipFamilies ?? [], before.ipFamilies ?? []];
    if (familiesBefore.length === 1 && families.length === 2) {
      const given = spec.clusterIPs ?? [];
      spec.clusterIPs = [given[0] ?? '', await this.#clusterIp(spec, families[1] as IpFamily, given[1] ?? '')];
    } else if (familiesBefore.length === 2 && families.length === 1) {
      const second = before.clusterIPs?.[1];
      if (second) this.#giveUpIp(second);
    }
  }

  /** Ports of one number share a node port, as DNS over UDP and TCP does. */
  async newNodePorts(spec: V1ServiceSpec): Promise<void> {
    const byPort = new Map<number, number>();
    const ports = spec.ports ?? [];
    for (const [index, port] of ports.entries()) {
      if (!port.nodePort && !allocatesNodePorts(spec)) continue;
      const shared = byPort.get(port.port);
      if (shared === undefined) {
        const asked = ports.find((other) => other.port === port.port && other.nodePort)?.nodePort;
        if (asked) await this.#nodePort(asked, index);
        port.nodePort = asked || (await this.#anyNodePort());
        byPort.set(port.port, port.nodePort);
      } else if (!port.nodePort) {
        port.nodePort = shared;
      } else if (port.nodePort !== shared) {
        await this.#nodePort(port.nodePort, index);
      }
    }
  }

  async updateNodePorts(spec: V1ServiceSpec, before: V1ServiceSpec): Promise<void> {
    const portsBefore = hasNodePorts(before) ? nodePortsOf(before) : [];
    if (hasNodePorts(spec)) {
      for (const [index, port] of (spec.ports ?? []).entries()) {
        if (port.nodePort) {
          if (!portsBefore.includes(port.nodePort) && !this.#ports.has(port.nodePort))
            await this.#nodePort(port.nodePort, index);
        } else if (allocatesNodePorts(spec)) {
          port.nodePort = await this.#anyNodePort();
        }
      }
    }
    const portsNow = hasNodePorts(spec) ? nodePortsOf(spec) : [];
    for (const port of portsBefore) if (!portsNow.includes(port)) this.#giveUpPort(port);

    const [needed, needs] = [needsHealthCheck(before), needsHealthCheck(spec)];
    if (!needed && needs) await this.healthCheckNodePort(spec);
    else if (needed && !needs && before.healthCheckNodePort) this.#giveUpPort(before.healthCheckNodePort);
  }

  async healthCheckNodePort(spec: V1ServiceSpec): Promise<void> {
    const asked = spec.healthCheckNodePort;
    try {
      if (asked) await this.#takePort(asked);
      else spec.healthCheckNodePort = await this.#takeAnyPort();
    } catch (error) {
      if (!(error instanceof AllocationError)) throw error;
      throw internalError(
        asked
          ? `failed to allocate requested HealthCheck NodePort ${asked}: ${error.message}`
          : `failed to allocate a HealthCheck NodePort 0: ${error.message}`,
        error,
      );
    }
  }

  async #clusterIp(spec: V1ServiceSpec, family: IpFamily, asked: string): Promise<string> {
    const { clusterIps } = this.#options;
    try {
      let address = asked;
      if (asked === '') address = await clusterIps.takeAny(family, this.#owner, this.#dryRun);
      else await clusterIps.take(asked, this.#owner, this.#dryRun);
      this.#taken.push(() => clusterIps.release(address, this.#owner));
      return address;
    } catch (error) {
      if (!(error instanceof AllocationError)) throw error;
      if (error.code === 'full')
        throw internalError(
          `failed to allocate a serviceIP for Service ${JSON.stringify(this.#owner.name)}: ${error.message}`,
          error,
        );
      throw this.#invalid('spec.clusterIPs', spec.clusterIPs, `failed to allocate IP ${asked}: ${error.message}`);
    }
  }

  async #nodePort(port: number, index: number): Promise<void> {
    try {
      await this.#takePort(port);
    } catch (error) {
      if (!(error instanceof AllocationError)) throw error;
      throw this.#invalid(`spec.ports[${index}].nodePort`, port, error.message);
    }
  }

  async #anyNodePort(): Promise<number> {
    try {
      return await this.#takeAnyPort();
    } catch (error) {
      if (!(error instanceof AllocationError)) throw error;
      throw internalError(`failed to allocate a nodePort: ${error.message}`, error);
    }
  }

  async #takePort(port: number): Promise<void> {
    if (this.#ports.has(port)) throw new AllocationError('taken', 'provided port is already allocated');
    await this.#options.nodePorts.take(port, this.#owner, this.#dryRun);
    this.#tookPort(port);
  }

  async #takeAnyPort(): Promise<number> {
    const port = await this.#options.nodePorts.takeAny(this.#owner, this.#dryRun);
    this.#tookPort(port);
    return port;
  }

  #tookPort(port: number): void {
    this.#ports.add(port);
    this.#taken.push(() => this.#options.nodePorts.release(port, this.#owner));
  }

  #giveUpIp(address: string): void {
    this.#unneeded.push(() => this.#options.clusterIps.release(address, this.#owner));
  }

  #giveUpPort(port: number): void {
    this.#unneeded.push(() => this.#options.nodePorts.release(port, this.#owner));
  }

  #invalid(field: string, value: unknown, detail: string): ApiError {
    return invalidError(SERVICE, this.#owner.name, [invalid(field, value, detail)]);
  }

  /** The write is decided: whatever cannot be given back now must not turn its answer into an error. */
  async #run(releases: readonly (() => Promise<void>)[]): Promise<void> {
    if (this.#dryRun) return;
    for (const release of releases) {
      try {
        await release();
      } catch (error) {
        this.#options.onLeak?.(this.#owner, error);
      }
    }
  }
}

function addressesOf(spec: V1ServiceSpec): string[] {
  return (spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : [])).filter((address) => address !== HEADLESS);
}

function allocatesNodePorts(spec: V1ServiceSpec): boolean {
  return spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);
}
