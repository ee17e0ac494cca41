import { setMaxListeners } from 'node:events';
import type { Context } from 'aws-lambda';
import { SimulatedNodes } from '../../cli/simulated-nodes.js';
import { apiFunction, type ApiFunction } from '../../functions/apiserver/function.js';
import type { Log } from '../../functions/apiserver/registry/context.js';
import { generateSigningKey } from '../../functions/apiserver/auth/signing-keys.js';
import { workFunction } from '../../functions/controllers/function.js';
import { dispatcherFunction } from '../../functions/dispatcher/function.js';
import { openApi, type CloudApi } from '../../functions/lambda/cloud-api.js';
import { readEnvironment } from '../../functions/lambda/environment.js';
import { Metrics } from '../../functions/lambda/metrics.js';
import type { Parameters } from '../../functions/lambda/parameters.js';
import type { CloudParts } from '../../functions/lambda/parts.js';
import { sweepFunction } from '../../functions/sweep/function.js';
import { callerIdentityToken } from '../../lib/aws/caller-identity-token.js';
import type { UserInfo } from '../../lib/api/meta.js';
import { FUNCTION_ENVIRONMENT, type FunctionName } from '../../lib/aws/function-environment.js';
import { Client } from '../../lib/client/client.js';
import type { Transport } from '../../lib/client/transport.js';
import { loadLateModules } from '../../lib/late-module.js';
import { sleep, type Clock } from '../../lib/clock/clock.js';
import { FakeClock } from '../../lib/clock/fake.js';
import { seededRandom, type Random } from '../../lib/random.js';
import type { Table } from '../../lib/store/dynamodb/table.js';
import type { Sqs } from '../../lib/work/sqs/sqs.js';
import { createCertificateAuthority } from '../../lib/pki/index.js';
import { DoorbellRings } from '../../lib/work/doorbell-rings.js';
import { SqsDoorbellListener } from '../../lib/work/sqs/sqs-doorbell.js';
import { WORK_RECEIVES_MAX, WORK_VISIBILITY_SECONDS } from '../../lib/work/sqs/limits.js';
import { EventSource } from './event-source.js';
import { SqsDouble, type MessageFaults } from './sqs-double.js';
import { StreamDouble, type StreamFaults } from './stream-double.js';
import { NO_FAULTS, TableConnection, type Faults } from './table-connection.js';
import { TableDouble } from './table-double.js';

// Loading takes the machine's time, and here time stands still meanwhile.
await loadLateModules();

const CLUSTER = 'one';
const STS_HOST = 'sts.eu-central-1.amazonaws.com';
const ADMIN_ARN = 'arn:aws:iam::123456789012:user/admin';
const SWEEP_INTERVAL_MS = 60_000;
const HEARTBEAT_MS = 30_000;
const LATENCY_MAX_MS = 10;
const LATE_MAX_MS = 4_000;
const TIMEOUT_MS = 1_500;

export const CONTEXT = { awsRequestId: 'request-1' } as Context;

const signingKey = generateSigningKey();
const authority = await createCertificateAuthority({ clock: new FakeClock(), random: seededRandom(1) });

export interface CloudClusterOptions {
  seed?: number;
  nodes: number;
  /** With faults requests to the table take time as well. */
  tableFaults?: Partial<Faults>;
  messageFaults?: Omit<MessageFaults, 'random'>;
  streamFaults?: Omit<StreamFaults, 'random'>;
  /** Puts the latencies of a network before what functions and nodes call. */
  network?: CloudNetwork;
  /** Told of each call of a function, when it has ended. */
  onInvoked?: (name: FunctionName, durationMs: number) => void;
}

export interface CloudNetwork {
  table(table: Table, context: { clock: Clock; random: Random }): Table;
  sqs(sqs: Sqs, context: { clock: Clock; random: Random }): Sqs;
  /** Between a node and the API server's function, there and back. */
  roundTripMs: number;
}

class MemoryParameters implements Parameters {
  readonly texts = new Map<string, string>();

  read(name: string): Promise<string | undefined> {
    return Promise.resolve(this.texts.get(name));
  }

  async readOrMake(name: string, make: () => string | Promise<string>): Promise<string> {
    const text = this.texts.get(name) ?? (await make());
    this.texts.set(name, text);
    return text;
  }
}

/**
 * The control plane in its cloud form, in this process: every function with adapters of its own, over doubles of the tables, the stream, the
 * queues and the rule, with nodes that are rung; on a fake clock.
 */
export class CloudCluster {
  readonly clock = new FakeClock(undefined, 2);
  readonly table: TableDouble;
  readonly heartbeats: TableDouble;
  readonly sqs: SqsDouble;
  readonly stream: StreamDouble;
  readonly parameters = new MemoryParameters();
  readonly ruleStates: boolean[] = [];
  readonly logged: string[] = [];
  readonly nodes: SimulatedNodes;
  readonly workUrl: string;
  readonly schedulerUrl: string;
  readonly delayUrl: string;
  readonly deadUrl: string;
  readonly random: Random;
  readonly #options: CloudClusterOptions;
  readonly #sources: EventSource[] = [];
  readonly #stop = new AbortController();
  readonly #listening: Promise<void>[] = [];
  #calm = true;
  #api: CloudApi | undefined;
  #cancelSweep: () => void = () => undefined;

  constructor(options: CloudClusterOptions) {
    const { clock } = this;
    this.#options = options;
    this.random = seededRandom(options.seed ?? 1);
    setMaxListeners(0, this.#stop.signal);
    this.table = new TableDouble({ clock });
    this.heartbeats = new TableDouble({ clock });
    this.stream = new StreamDouble({ table: this.table, clock, random: this.random, latencyMaxMs: 200 });
    this.sqs = new SqsDouble({ clock });
    this.deadUrl = this.sqs.addQueue('dead.fifo');
    this.sqs.addQueue('delay-dead');
    const deadLetters = { queue: 'dead.fifo', receivesMax: WORK_RECEIVES_MAX };
    const visibilitySeconds = WORK_VISIBILITY_SECONDS;
    this.workUrl = this.sqs.addQueue('work.fifo', { visibilitySeconds, deadLetters });
    this.schedulerUrl = this.sqs.addQueue('scheduler.fifo', { visibilitySeconds, deadLetters });
    this.delayUrl = this.sqs.addQueue('delay', {
      visibilitySeconds: 90,
      deadLetters: { queue: 'delay-dead', receivesMax: WORK_RECEIVES_MAX },
    });
    this.nodes = new SimulatedNodes({
      count: options.nodes,
      clock,
      random: this.random,
      heartbeatMs: HEARTBEAT_MS,
      transport: (user) => this.#remote(user),
      follow: (name) => this.#follow(name),
      log: (_level, message, data) => this.logged.push(`${message} ${JSON.stringify(data)}`),
    });
  }

  get api(): CloudApi {
    if (this.#api === undefined) throw new Error('the cluster has not started');
    return this.#api;
  }

  /** May do everything. */
  get client(): Client {
    return new Client(
      this.api.transport({ username: 'admin', groups: ['system:masters', 'system:authenticated'] }),
      'test',
    );
  }

  /** Adapters of one function's environment. */
  parts(name: string): CloudParts {
    const { clock, random } = this;
    const config = readEnvironment({
      [FUNCTION_ENVIRONMENT.cluster]: CLUSTER,
      [FUNCTION_ENVIRONMENT.table]: 'objects',
      [FUNCTION_ENVIRONMENT.heartbeatTable]: 'heartbeats',
      [FUNCTION_ENVIRONMENT.workQueueUrl]: this.workUrl,
      [FUNCTION_ENVIRONMENT.schedulerQueueUrl]: this.schedulerUrl,
      [FUNCTION_ENVIRONMENT.delayQueueUrl]: this.delayUrl,
      [FUNCTION_ENVIRONMENT.deadLetterQueueUrl]: this.deadUrl,
      [FUNCTION_ENVIRONMENT.signingKeysParameter]: '/keys',
      [FUNCTION_ENVIRONMENT.authorityParameter]: '/authority',
      [FUNCTION_ENVIRONMENT.frontProxyParameter]: '/front-proxy',
      [FUNCTION_ENVIRONMENT.sweepRule]: 'sweep',
      [FUNCTION_ENVIRONMENT.awsIdentity]: JSON.stringify({
        stsHosts: [STS_HOST],
        mappings: [{ arn: ADMIN_ARN, username: 'admin', groups: ['system:masters'] }],
      }),
      ZEROPLANE_TOLERATION_SECONDS: '30',
    });
    const note =
      (level: string) =>
      (data: object, message: string): void => {
        this.logged.push(`${level} ${name}: ${message} ${JSON.stringify(data)}`);
      };
    const log: Log = { info: note('info'), warn: note('warn'), error: note('error') };
    return {
      config,
      clock,
      random,
      log,
      metrics: new Metrics({ clock, dimensions: { Cluster: CLUSTER }, write: () => undefined }),
      table: this.#connect(this.table),
      heartbeatTable: this.#connect(this.heartbeats),
      sqs: this.#sqsOver(),
      parameters: this.parameters,
      sts: { fetch: async (_url, { headers }) => answerOf(headers['x-k8s-aws-id'] === CLUSTER) },
      rules: {
        enable: async () => void this.ruleStates.push(true),
        disable: async () => void this.ruleStates.push(false),
      },
    };
  }

  /** A bearer token of the administrator, good for some minutes. */
  async adminToken(): Promise<string> {
    const credentials = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret' };
    const { token } = await callerIdentityToken({
      clusterName: CLUSTER,
      region: 'eu-central-1',
      credentials,
      nowMs: this.clock.now(),
    });
    return token;
  }

  apiFunction(): ApiFunction {
    return apiFunction(this.parts('apiserver'));
  }

  async start(): Promise<void> {
    this.parameters.texts.set('/keys', signingKey);
    this.parameters.texts.set('/authority', `${authority.certificate}\n${authority.privateKey}`);
    const dispatcher = dispatcherFunction(this.parts('dispatcher'));
    const timed = <T>(name: FunctionName, call: Promise<T>): Promise<T> => this.#timed(name, () => call);
    this.stream.handler = (event) => timed('dispatcher', dispatcher(event, CONTEXT));
    const [controllers, scheduler] = (['controllers', 'scheduler'] as const).map((name) =>
      workFunction(this.parts(name), name),
    );
    const source = (queueUrl: string, concurrency: number, handler: EventSourceHandler | undefined): void => {
      if (handler !== undefined) this.#sources.push(new EventSource({ sqs: this.sqs, queueUrl, concurrency, handler }));
    };
    source(this.workUrl, 4, (event) =>
      timed('controllers', (controllers as NonNullable<typeof controllers>)(event, CONTEXT)),
    );
    source(this.schedulerUrl, 1, (event) =>
      timed('scheduler', (scheduler as NonNullable<typeof scheduler>)(event, CONTEXT)),
    );
    source(this.delayUrl, 2, (event) => timed('dispatcher', dispatcher(event, CONTEXT)));
    // As Lambda, the sweep and the API are environments of their own.
    this.#api = await openApi(this.parts('nodes'), { isServed: false });
    const first = this.apiFunction();
    await this.drive(first.buffer(urlEvent('GET', '/readyz'), CONTEXT));
    const sweep = sweepFunction(this.parts('sweep'));
    const next = (): void => {
      this.#cancelSweep = this.clock.setTimer(SWEEP_INTERVAL_MS, () => {
        next();
        if (this.ruleStates.at(-1) === true)
          void timed('sweep', sweep({}, CONTEXT)).catch((error) => this.logged.push(`sweep: ${String(error)}`));
      });
    };
    next();
    await this.drive(this.nodes.start());
    this.#calm = false;
    const { messageFaults, streamFaults } = this.#options;
    if (messageFaults !== undefined) this.sqs.faults = { ...messageFaults, random: this.random };
    if (streamFaults !== undefined) this.stream.faults = { ...streamFaults, random: this.random };
  }

  /** From now on nothing fails any more. */
  calm(): void {
    this.#calm = true;
    this.sqs.faults = undefined;
    this.stream.faults = undefined;
  }

  /** Lets time pass until something is done. */
  async drive<T>(done: Promise<T>, withinMs = 600_000): Promise<T> {
    let isDone = false;
    const end = done.finally(() => (isDone = true));
    end.catch(() => undefined);
    const endMs = this.clock.now() + withinMs;
    await this.clock.advance(0);
    while (!isDone) {
      const next = this.clock.nextTimerMs;
      if (next === undefined || next > endMs) throw new Error('it does not end');
      await this.clock.advance(Math.max(0, next - this.clock.now()));
    }
    return end;
  }

  /** Lets time pass until `check` no longer throws, and says how much. */
  async until(check: () => Promise<void>, withinMs: number): Promise<number> {
    const startMs = this.clock.now();
    for (;;) {
      try {
        await this.drive(check());
        return this.clock.now() - startMs;
      } catch (error) {
        if (this.clock.now() - startMs > withinMs) throw error;
        await this.clock.advance(250);
      }
    }
  }

  async stop(): Promise<void> {
    this.#cancelSweep();
    this.#stop.abort();
    this.stream.close();
    await this.drive(this.nodes.stop());
    await this.drive(Promise.all([...this.#sources.map((source) => source.stop()), ...this.#listening]));
  }

  /** The API server's function, as a node reaches it. */
  #remote(user: UserInfo): Transport {
    const transport = this.api.transport(user);
    const { network } = this.#options;
    return {
      send: (request) =>
        this.#timed('apiserver', async () => {
          if (network !== undefined) await sleep(this.clock, network.roundTripMs);
          return transport.send(request);
        }),
    };
  }

  async #timed<T>(name: FunctionName, call: () => Promise<T>): Promise<T> {
    const startMs = this.clock.now();
    try {
      return await call();
    } finally {
      this.#options.onInvoked?.(name, this.clock.now() - startMs);
    }
  }

  #sqsOver(): Sqs {
    const { clock, random, sqs } = this;
    return this.#options.network?.sqs(sqs, { clock, random }) ?? sqs;
  }

  #follow(node: string): DoorbellRings {
    const listener = new SqsDoorbellListener({ sqs: this.#sqsOver(), clock: this.clock, cluster: CLUSTER, node });
    const rings = new DoorbellRings({ listener, clock: this.clock });
    this.#listening.push(rings.listen(this.#stop.signal));
    return rings;
  }

  #connect(double: TableDouble): Table {
    const { tableFaults, network: over } = this.#options;
    const { clock, random } = this;
    if (over !== undefined) return over.table(new TableConnection({ double }), { clock, random });
    const network = {
      clock: this.clock,
      random: this.random,
      latencyMaxMs: LATENCY_MAX_MS,
      lateMaxMs: LATE_MAX_MS,
      timeoutMs: TIMEOUT_MS,
    };
    if (tableFaults === undefined) return new TableConnection({ double });
    const isCalm = (): boolean => this.#calm;
    const faults = Object.fromEntries(
      Object.keys(NO_FAULTS).map((name) => [name, tableFaults[name as keyof Faults] ?? 0]),
    ) as unknown as Faults;
    const live = Object.defineProperties(
      {},
      Object.fromEntries(
        Object.keys(faults).map((name) => [
          name,
          { enumerable: true, get: () => (isCalm() ? 0 : faults[name as keyof Faults]) },
        ]),
      ),
    ) as Faults;
    return new TableConnection({ double, network, faults: live });
  }
}

/** STS, as it answers who is known, and who is not. */
function answerOf(isKnown: boolean): Response {
  const result = { Account: '123456789012', Arn: ADMIN_ARN, UserId: 'AIDAEXAMPLE' };
  return isKnown
    ? Response.json({ GetCallerIdentityResponse: { GetCallerIdentityResult: result } })
    : new Response('', { status: 403 });
}

type EventSourceHandler = ConstructorParameters<typeof EventSource>[0]['handler'];

/** A request as a function URL gives it. */
export function urlEvent(
  method: string,
  path: string,
  more: { headers?: Record<string, string>; body?: string | Buffer } = {},
): object {
  const [rawPath = '/', rawQueryString = ''] = path.split('?', 2);
  const { headers = {}, body } = more;
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath,
    rawQueryString,
    headers,
    requestContext: { http: { method, path: rawPath, protocol: 'HTTP/1.1', sourceIp: '203.0.113.7', userAgent: '' } },
    ...(body === undefined ? {} : { body: body.toString(typeof body === 'string' ? undefined : 'base64') }),
    isBase64Encoded: body !== undefined && typeof body !== 'string',
  };
}
