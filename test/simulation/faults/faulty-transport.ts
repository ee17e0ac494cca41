import { Buffer } from 'node:buffer';
import { ENDED, forwardAbort, isWatch } from './link.js';
import { conflict, serviceUnavailable, tooManyRequests, type ApiError } from '../../../lib/api/errors.js';
import {
  TransportError,
  type Transport,
  type TransportRequest,
  type TransportResponse,
} from '../../../lib/client/transport.js';
import { sleep, type Clock } from '../../../lib/clock/clock.js';
import type { Dice } from '../dice.js';
import type { RequestFaults } from '../plan.js';
import type { Weather } from './weather.js';

/** Of the writes of a component that is about to die. */
const FAILING_LATE = 0.7;

const LATE_MIN_MS = 20;
const LATE_MAX_MS = 8_000;

/** How long the stream of a watch lasts that breaks. */
const WATCH_MAX_MS = 150_000;

/** How late its events come when they do. */
const WATCH_LAG_MAX_MS = 3_000;

/** A network and servers on which any request can go wrong. */
export class FaultyTransport implements Transport {
  readonly #inner: Transport;
  readonly #clock: Clock;
  readonly #dice: Dice;
  readonly #weather: Weather;
  readonly #faults: RequestFaults;
  readonly #component: string | undefined;

  constructor(
    inner: Transport,
    options: { clock: Clock; dice: Dice; weather: Weather; faults: RequestFaults; component?: string },
  ) {
    this.#inner = inner;
    this.#clock = options.clock;
    this.#dice = options.dice;
    this.#weather = options.weather;
    this.#faults = options.faults;
    this.#component = options.component;
  }

  async send(request: TransportRequest): Promise<TransportResponse> {
    if (!this.#weather.isStormy) return this.#inner.send(request);
    const dice = this.#dice;
    const faults = this.#faults;
    if (dice.chance(faults.lost)) throw new TransportError('the request was lost');
    if (dice.chance(faults.refused)) return refusal(this.#refusal());
    if (dice.chance(faults.conflict) && canConflict(request)) return refusal(outrun(request));
    if (request.method !== 'GET' && dice.chance(this.#lateness())) {
      // Its sender may give up or die meanwhile: what was sent arrives nevertheless.
      await sleep(this.#clock, dice.between(LATE_MIN_MS, LATE_MAX_MS));
      return this.#inner.send({ ...request, signal: undefined });
    }
    if (isWatch(request)) return this.#watch(request);
    const response = await this.#inner.send(request);
    if (dice.chance(faults.answerLost)) throw new TransportError('the answer was lost');
    return response;
  }

  #lateness(): number {
    const isFailing = this.#component !== undefined && this.#weather.failing.includes(this.#component);
    return isFailing ? FAILING_LATE : this.#faults.late;
  }

  #refusal(): ApiError {
    return this.#dice.chance(0.5)
      ? tooManyRequests('the simulation has too many requests', 1)
      : serviceUnavailable('the simulation is unavailable', 1);
  }

  async #watch(request: TransportRequest): Promise<TransportResponse> {
    const lagMs = this.#dice.chance(this.#faults.watchLags) ? this.#dice.between(1, WATCH_LAG_MAX_MS) : 0;
    const lag = { clock: this.#clock, weather: this.#weather, lagMs, signal: request.signal };
    if (!this.#dice.chance(this.#faults.watchBreaks)) {
      const response = await this.#inner.send(request);
      return lagMs === 0 ? response : { ...response, stream: () => delayed(response.stream(), lag) };
    }
    const abort = new AbortController();
    const stop = forwardAbort(request.signal, abort);
    let response: TransportResponse;
    try {
      response = await this.#inner.send({ ...request, signal: abort.signal });
    } catch (error) {
      stop();
      throw error;
    }
    const ending = this.#dice.pick(['clean', 'torn', 'error'] as const);
    const lastsMs = this.#dice.between(0, WATCH_MAX_MS);
    return {
      ...response,
      stream: () => broken(response, { clock: this.#clock, lastsMs, ending, abort, request, stop }),
    };
  }
}

/** A stream whose events come late while it storms. */
async function* delayed(
  chunks: AsyncIterable<Uint8Array>,
  options: { clock: Clock; weather: Weather; lagMs: number; signal: AbortSignal | undefined },
): AsyncGenerator<Uint8Array> {
  const { clock, weather, lagMs, signal } = options;
  for await (const chunk of chunks) {
    if (lagMs > 0 && weather.isStormy) await sleep(clock, lagMs, signal);
    if (signal?.aborted === true) return;
    yield chunk;
  }
}

interface Breakage {
  clock: Clock;
  lastsMs: number;
  ending: 'clean' | 'torn' | 'error';
  abort: AbortController;
  request: TransportRequest;
  stop: () => void;
}

async function* broken(response: TransportResponse, breakage: Breakage): AsyncGenerator<Uint8Array> {
  const { clock, lastsMs, ending, abort, request, stop } = breakage;
  const endsMs = clock.now() + lastsMs;
  const cancel = clock.setTimer(lastsMs, () => abort.abort(ENDED));
  try {
    for await (const chunk of response.stream()) {
      if (clock.now() >= endsMs && ending === 'torn') {
        yield chunk.subarray(0, chunk.length >> 1);
        return;
      }
      yield chunk;
    }
    if (ending === 'error' && request.signal?.aborted !== true) throw new TransportError('the stream broke');
  } finally {
    cancel();
    stop();
    abort.abort(ENDED);
  }
}

/** Only a write that says which state it expects can be answered so. */
function canConflict({ method, body }: TransportRequest): boolean {
  if (body === undefined || (method !== 'PUT' && method !== 'PATCH' && method !== 'DELETE')) return false;
  return (typeof body === 'string' ? body : Buffer.from(body).toString()).includes('"resourceVersion"');
}

function outrun({ path }: TransportRequest): ApiError {
  return conflict({ group: '', resource: 'objects' }, path);
}

function refusal(error: ApiError): TransportResponse {
  const bytes = Buffer.from(JSON.stringify(error.status));
  return {
    status: error.code,
    header: () => undefined,
    bytes: () => Promise.resolve(bytes),
    stream: () => {
      throw new Error('a refusal is no stream');
    },
  };
}
