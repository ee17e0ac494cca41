import { generateKeyPairSync } from 'node:crypto';
import { startControlPlane, type ControlPlane, type ControlPlaneOptions } from '../../cli/control-plane.js';
import { SimulatedNodes } from '../../cli/simulated-nodes.js';
import { Line } from './line.js';
import { Client } from '../../lib/client/client.js';
import { loadLateModules } from '../../lib/late-module.js';
import { FakeClock, settle } from '../../lib/clock/fake.js';
import { seededRandom } from '../../lib/random.js';
import { MemoryStore } from '../../lib/store/memory/memory-store.js';

// Loading takes the machine's time, and here time stands still meanwhile.
await loadLateModules();

/** Kubernetes' own default: nobody asks for pods to leave earlier. */
const TOLERATION_SECONDS = 300;

/** Rounds without anything to do after which the cluster counts as at rest: streams need some turns of the event loop. */
const QUIET_ROUNDS = 4;

/** Rounds after which something is wrong that never comes to rest. */
const ROUNDS_MAX = 20_000;

export interface ClusterOptions extends Partial<Omit<ControlPlaneOptions, 'store' | 'clock' | 'random'>> {
  nodes?: number;
  seed?: number;
  heartbeatMs?: number;
}

/** A whole cluster in this process: control plane over the memory store, simulated nodes, a clock that stands still. */
export interface TestCluster {
  readonly clock: FakeClock;
  readonly store: MemoryStore;
  readonly controlPlane: ControlPlane;
  readonly nodes: SimulatedNodes;
  /** May do everything. */
  readonly client: Client;
  /** What reconciles have failed with, newest last. */
  readonly errors: string[];
  /** Cuts a node off from the API server, or connects it again; it goes on by itself. */
  cutOff(node: string, isCut: boolean): void;
  /** Lets everything happen that can happen at this moment. */
  settle(): Promise<void>;
  /** Lets time pass. What one timer sets in motion comes to rest before the next fires. */
  advance(ms: number): Promise<void>;
  /** Lets time pass until `check` no longer throws, at most `withinMs`; resolves with its value and how long it took. */
  until<T>(check: () => Promise<T> | T, withinMs?: number): Promise<{ value: T; tookMs: number }>;
  close(): Promise<void>;
}

let signingKey: string | undefined;

export async function startCluster(options: ClusterOptions = {}): Promise<TestCluster> {
  const { nodes: count = 0, seed = 1, heartbeatMs = 10_000, ...overrides } = options;
  const clock = new FakeClock();
  const random = seededRandom(seed);
  const store = new MemoryStore({ clock });
  const errors: string[] = [];
  const note = (data: object, message: string): void => {
    errors.push(`${message}: ${JSON.stringify(data)}`);
  };
  signingKey ??= generateKeyPairSync('ec', { namedCurve: 'P-256' })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString();
  const lines = new Map<string, Line>();
  const started: { controlPlane?: ControlPlane } = {};
  const nodes = new SimulatedNodes({
    count,
    clock,
    random,
    heartbeatMs,
    transport: (user, node) => {
      const line = new Line((started.controlPlane as ControlPlane).transport(user));
      lines.set(node, line);
      return line;
    },
    log: (_level, message, data) => note(data, message),
  });
  const running = await startControlPlane({
    store,
    clock,
    random,
    serviceCidr: '10.96.0.0/16',
    podCidr: '10.244.0.0/16',
    endpoint: { addresses: ['192.0.2.1'], port: 6443 },
    caCertificate: 'test certificate',
    signingKeys: [signingKey],
    defaultTolerationSeconds: TOLERATION_SECONDS,
    nodeConnection: nodes,
    log: { info: note, warn: note, error: note },
    ...overrides,
  });
  started.controlPlane = running;
  await nodes.start();

  const rest = async (): Promise<void> => {
    let quiet = 0;
    for (let round = 0; quiet < QUIET_ROUNDS; round++) {
      if (round > ROUNDS_MAX) throw new Error(`the cluster does not come to rest: ${errors.slice(-5).join('\n')}`);
      await settle();
      quiet = running.idle ? quiet + 1 : 0;
    }
  };
  const advance = async (ms: number): Promise<void> => {
    const endMs = clock.now() + ms;
    await rest();
    for (;;) {
      const next = clock.nextTimerMs;
      if (next === undefined || next > endMs) break;
      await clock.advance(Math.max(0, next - clock.now()));
      await rest();
    }
    await clock.advance(endMs - clock.now());
  };
  return {
    clock,
    store,
    controlPlane: running,
    nodes,
    client: new Client(
      running.transport({ username: 'admin', groups: ['system:masters', 'system:authenticated'] }),
      'test',
    ),
    errors,
    cutOff: (node, isCut) => lines.get(node)?.cut(isCut),
    settle: rest,
    advance,
    async until(check, withinMs = 60_000) {
      const startMs = clock.now();
      for (;;) {
        await rest();
        try {
          return { value: await check(), tookMs: clock.now() - startMs };
        } catch (error) {
          const next = clock.nextTimerMs;
          if (next === undefined || next > startMs + withinMs) throw error;
          await clock.advance(Math.max(0, next - clock.now()));
        }
      }
    },
    async close() {
      await nodes.stop();
      await running.close();
      await store.close();
    },
  };
}
