import { startControlPlane, type ControlPlane } from '../../cli/control-plane.js';
import { MASTERS_GROUP, nodeUsername } from '../../functions/apiserver/auth/users.js';
import { generateSigningKey } from '../../functions/apiserver/auth/signing-keys.js';
import type { UserInfo } from '../../lib/api/meta.js';
import { Client } from '../../lib/client/client.js';
import { loadLateModules } from '../../lib/late-module.js';
import { namespaces } from '../../lib/client/resources.js';
import { watch, type Controller } from '../../lib/work/controller.js';
import { TransportError, type Transport } from '../../lib/client/transport.js';
import { FakeClock } from '../../lib/clock/fake.js';
import { MemoryStore } from '../../lib/store/memory/memory-store.js';
import type { ChangeFeed, Store } from '../../lib/store/store.js';
import type { Defect } from './defects.js';
import { Dice } from './dice.js';
import { FaultyQueue } from './faults/faulty-queue.js';
import { FaultyStore } from './faults/faulty-store.js';
import { FaultyTransport } from './faults/faulty-transport.js';
import { Link } from './faults/link.js';
import { Weather } from './faults/weather.js';
import { Follower } from './follower.js';
import { Machine } from './machine.js';
import type { Plan } from './plan.js';
import { WorldTables, type ProcessStore } from './table-store.js';
import type { Trace } from './trace.js';

// Loading takes the machine's time, and here time stands still meanwhile.
await loadLateModules();

/** Parts of a seed that draw for themselves. */
const PARTS = { cluster: 1, machines: 2, network: 3, queue: 4, store: 5, tables: 6 };

/** The one key of all worlds: making one takes longer than a control plane's start, and nothing here depends on it. */
const signingKey = generateSigningKey();

const RESYNC_INTERVAL_MS = 120_000;

const ADMIN: UserInfo = { username: 'admin', groups: [MASTERS_GROUP] };

const REFUSED: Transport = { send: () => Promise.reject(new TransportError('connection refused')) };

interface Generation {
  controlPlane: ControlPlane;
  store: FaultyStore;
  process: ProcessStore | undefined;
  links: Link[];
  queues: FaultyQueue[];
}

/** A cluster of one seed: the whole control plane and its nodes on one fake clock, with faults on every port between them. */
export class World {
  readonly plan: Plan;
  readonly clock = new FakeClock(undefined, 1);
  readonly weather = new Weather();
  /** What is stored, as it is: without faults. */
  readonly store: Store & ChangeFeed;
  /** An administrator's client. It meets a dead control plane, but no other faults. */
  readonly admin: Client;
  readonly follower: Follower;
  readonly machines = new Map<string, Machine>();
  readonly trace: Trace;
  readonly #defect: Defect | undefined;
  readonly #store: Store & ChangeFeed;
  /** With the DynamoDB adapter: each control plane has a connection of its own. */
  readonly #tables: WorldTables | undefined;
  readonly #random;
  readonly #network: Dice;
  readonly #queueDice: Dice;
  readonly #storeDice: Dice;
  #generation: Generation | undefined;
  #lastDeathMs = -Infinity;
  #lastResyncMs = -Infinity;
  #ending: Promise<unknown> = Promise.resolve();

  constructor(plan: Plan, trace: Trace, defect?: Defect) {
    this.plan = plan;
    this.trace = trace;
    this.#defect = defect;
    const dice = (part: number): Dice => new Dice(plan.seed, part);
    const { clock, weather } = this;
    const { retentionMs } = plan;
    this.#tables =
      plan.storage === 'dynamodb'
        ? new WorldTables({ clock, random: dice(PARTS.tables).random, weather, retentionMs })
        : undefined;
    this.store = this.#tables?.observer ?? new MemoryStore({ clock, retentionMs });
    this.#store = defect?.store?.(this.store, this) ?? this.store;
    this.#random = dice(PARTS.cluster).random;
    this.#network = dice(PARTS.network);
    this.#queueDice = dice(PARTS.queue);
    this.#storeDice = dice(PARTS.store);
    this.admin = new Client(this.#route(ADMIN), 'kubectl');
    this.follower = new Follower(new Client(this.#faulty(this.#route(ADMIN)), 'follower'), this.clock);
    const machinesRandom = dice(PARTS.machines).random;
    for (let index = 0; index < plan.nodeCount; index++) {
      const name = `node-${index + 1}`;
      const user = { username: nodeUsername(name), groups: ['system:nodes', 'system:authenticated'] };
      const machine = new Machine({
        name,
        index,
        clock: this.clock,
        random: machinesRandom,
        transport: this.#faulty(this.#route(user)),
        log: (_level, message, data) => this.trace.add('kubelet', `${name}: ${message}`, data),
      });
      this.machines.set(name, machine);
    }
  }

  /** When a control plane last died; its last writes may arrive some time later. */
  get lastDeathMs(): number {
    return this.#lastDeathMs;
  }

  get lastResyncMs(): number {
    return this.#lastResyncMs;
  }

  get controlPlane(): ControlPlane | undefined {
    return this.#generation?.controlPlane;
  }

  async startControlPlane(): Promise<void> {
    const { clock, plan, weather } = this;
    const process = this.#tables?.connect();
    const store = new FaultyStore(process ?? this.#store, {
      clock,
      weather,
      dice: this.#storeDice,
      faults: plan.store,
    });
    const links: Link[] = [];
    const queues: FaultyQueue[] = [];
    const wasStormy = weather.isStormy;
    // A process that meets a fault while it starts dies and is started again: nothing is learned from that.
    weather.isStormy = false;
    const controlPlane = await startControlPlane({
      store,
      clock,
      random: this.#random,
      serviceCidr: '10.96.0.0/16',
      podCidr: '10.244.0.0/16',
      endpoint: { addresses: ['192.0.2.1'], port: 6443 },
      caCertificate: 'the certificate of the cluster',
      signingKeys: [signingKey],
      defaultTolerationSeconds: 10,
      resyncIntervalMs: this.#defect?.resyncIntervalMs ?? RESYNC_INTERVAL_MS,
      log: {
        info: (data, message) => this.trace.add('info', message, data),
        warn: (data, message) => this.trace.add('warn', message, data),
        error: (data, message) => this.trace.add('error', message, data),
      },
      wrapTransport: (component, own) => {
        const user = {
          username: `system:kube-${component === 'scheduler' ? component : 'controller-manager'}`,
          groups: ['system:authenticated'],
        };
        const route = this.#route(user, own);
        const link = new Link(this.#faulty(this.#defect?.transport?.(route, component) ?? route, component));
        links.push(link);
        return link;
      },
      wrapQueue: (queue) => {
        const faulty = new FaultyQueue(this.#defect?.queue?.(queue) ?? queue, {
          clock,
          weather,
          dice: this.#queueDice,
          faults: plan.messages,
        });
        queues.push(faulty);
        return faulty;
      },
      wrapControllers: (controllers) => [
        ...(this.#defect?.controllers?.(controllers) ?? controllers),
        this.#resyncSensor(),
      ],
      // As functions do, which sleep between requests.
      ...(process === undefined ? {} : { follow: 'asked' as const }),
      ...(this.#defect?.api === undefined ? {} : { overrideApi: this.#defect.api }),
    });
    weather.isStormy = wasStormy;
    this.#generation = { controlPlane, store, process, links, queues };
  }

  /** The control plane's process dies in the middle of whatever it does. Requests that are on their way still arrive at the next one. */
  killControlPlane(): void {
    const generation = this.#generation;
    if (generation === undefined) return;
    this.#generation = undefined;
    this.#lastDeathMs = this.clock.now();
    this.weather.failing = [];
    this.#ending = Promise.all([this.#ending, this.#end(generation)]);
  }

  /** Ends everything in an orderly way: no timer may be left afterwards. */
  async stop(): Promise<void> {
    this.follower.close();
    await Promise.all([...this.machines.values()].map((machine) => machine.stop()));
    await this.#generation?.controlPlane.close();
    for (const queue of this.#generation?.queues ?? []) queue.close();
    this.#generation?.store.cut();
    await this.#generation?.process?.close();
    await this.#ending;
    await this.#tables?.close();
    await this.store.close();
  }

  async #end({ controlPlane, store, process, links, queues }: Generation): Promise<void> {
    store.cut();
    process?.kill();
    for (const link of links) link.cut();
    for (const queue of queues) queue.close();
    await controlPlane.close();
  }

  /** A controller that does nothing, and is asked about every namespace whenever a resync comes by. */
  #resyncSensor(): Controller {
    const sense = watch(namespaces, ({ type, object }) => {
      if (type === 'created' && object.metadata?.name === 'default') this.#lastResyncMs = this.clock.now();
      return [];
    });
    return { name: 'resync-sensor', watches: [sense], reconcile: () => Promise.resolve() };
  }

  #faulty(transport: Transport, component?: string): Transport {
    const { clock, weather, plan } = this;
    return new FaultyTransport(transport, {
      clock,
      weather,
      dice: this.#network,
      faults: plan.requests,
      component,
    });
  }

  /** The way to whichever control plane is alive, `otherwise` while there is none. A connection dies with the one it was made to. */
  #route(user: UserInfo, otherwise: Transport = REFUSED): Transport {
    let known: { generation: Generation; link: Link } | undefined;
    return {
      send: (request) => {
        const generation = this.#generation;
        if (generation === undefined) return otherwise.send(request);
        if (known?.generation !== generation) {
          known = { generation, link: new Link(generation.controlPlane.transport(user)) };
          generation.links.push(known.link);
        }
        return known.link.send(request);
      },
    };
  }
}
