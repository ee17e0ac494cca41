import type { Clock } from '../../lib/clock/clock.js';
import type { Random } from '../../lib/random.js';
import type { Log } from '../network/log.js';
import { AnswerCache } from './cache.js';
import { exchangeTcp, exchangeUdp, UpstreamError, type UpstreamServer } from './exchange.js';
import {
  UPSTREAM_ATTEMPTS_MAX,
  UPSTREAM_QUERIES_MAX,
  UPSTREAM_QUERIES_PER_CLIENT_MAX,
  UPSTREAM_UDP_BYTES,
} from './limits.js';
import { decodeUpstream, encodeUpstreamQuery, type Query, type UpstreamAnswer } from './message.js';
import { RCODE } from './records.js';

export interface ForwarderOptions {
  /** Read for every question that is not in the cache: the file of name servers may change. None: nothing is forwarded. */
  servers: () => Promise<readonly UpstreamServer[]>;
  clock: Clock;
  random: Random;
  log: Log;
}

/** An answer from upstream. */
export interface Forwarded {
  bytes: Buffer;
  answer: UpstreamAnswer;
}

/** Asks the servers that the node uses itself, and remembers what they say. The same question asked twice at a time goes out once. */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #cache: AnswerCache;
  readonly #underWay = new Map<string, Promise<Forwarded>>();
  readonly #ofClient = new Map<string, number>();
  /** Ids of questions that are out, to know them when they come back to us. */
  readonly #ids = new Map<string, number>();
  #queries = 0;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#cache = new AnswerCache(options.clock);
  }

  /** Whether this question is one that we have sent upstream ourselves: an upstream server sends it back, and answering it would never end. */
  isOwn(query: Query): boolean {
    return this.#ids.get(`${query.id} ${questionKey(query)}`) !== undefined;
  }

  /** With the id and the spelling of the question. @throws UpstreamError when nobody answers, or too much is asked at a time. */
  async ask(query: Query, client: string): Promise<Forwarded> {
    const key = cacheKey(query);
    const cached = this.#cache.get(key);
    if (cached !== undefined) {
      return { bytes: asAnswerTo(query, this.#cache.aged(cached)), answer: cached.answer };
    }
    const present = this.#underWay.get(key);
    const { bytes, answer } = await (present ?? this.#begin(key, query, client));
    return { bytes: asAnswerTo(query, Buffer.from(bytes)), answer };
  }

  #begin(key: string, query: Query, client: string): Promise<Forwarded> {
    const ofClient = this.#ofClient.get(client) ?? 0;
    if (this.#queries >= UPSTREAM_QUERIES_MAX || ofClient >= UPSTREAM_QUERIES_PER_CLIENT_MAX) {
      return Promise.reject(new UpstreamError('too many questions at a time'));
    }
    this.#queries++;
    this.#ofClient.set(client, ofClient + 1);
    const result = this.#askServers(query)
      .then((one) => {
        this.#cache.put(key, one.bytes, one.answer);
        return one;
      })
      .finally(() => {
        this.#underWay.delete(key);
        this.#queries--;
        const left = (this.#ofClient.get(client) ?? 1) - 1;
        if (left === 0) this.#ofClient.delete(client);
        else this.#ofClient.set(client, left);
      });
    this.#underWay.set(key, result);
    return result;
  }

  /** In their order, as resolvers do: the next one when one does not answer, or says that it cannot. */
  async #askServers(query: Query): Promise<Forwarded> {
    const servers = (await this.#options.servers()).slice(0, UPSTREAM_ATTEMPTS_MAX);
    if (servers.length === 0) throw new UpstreamError('this node has no name servers to forward to');
    let failed: Forwarded | undefined;
    let error: unknown;
    // A single server gets a second chance: datagrams get lost.
    for (const server of servers.length === 1 ? [...servers, ...servers] : servers) {
      try {
        const result = await this.#askServer(server, query);
        if (result.answer.rcode !== RCODE.SERVFAIL && result.answer.rcode !== RCODE.REFUSED) return result;
        failed = result;
      } catch (caught) {
        error = caught;
      }
    }
    if (failed !== undefined) return failed;
    throw error;
  }

  async #askServer(server: UpstreamServer, query: Query): Promise<Forwarded> {
    const id = this.#options.random.uint32() & 0xffff;
    const message = encodeUpstreamQuery(query, id, UPSTREAM_UDP_BYTES);
    const own = `${id} ${questionKey(query)}`;
    this.#ids.set(own, (this.#ids.get(own) ?? 0) + 1);
    try {
      const accept = (bytes: Buffer): boolean => this.#read(bytes, id, query) !== undefined;
      let bytes = await exchangeUdp(server, message, accept, this.#options.clock);
      let answer = this.#read(bytes, id, query);
      if (answer?.truncated) {
        bytes = await exchangeTcp(server, message, this.#options.clock);
        answer = this.#read(bytes, id, query);
      }
      if (answer === undefined) throw new UpstreamError(`${server.ip} answered something else`);
      return { bytes, answer };
    } finally {
      const left = (this.#ids.get(own) ?? 1) - 1;
      if (left === 0) this.#ids.delete(own);
      else this.#ids.set(own, left);
    }
  }

  /** Undefined for what does not answer this question. */
  #read(bytes: Buffer, id: number, query: Query): UpstreamAnswer | undefined {
    try {
      const answer = decodeUpstream(bytes);
      return answer.id === id && sameQuestion(answer.question, query.question) ? answer : undefined;
    } catch (error) {
      this.#options.log('info', 'an upstream name server sent what cannot be read', { error: String(error) });
      return undefined;
    }
  }
}

/** Everything of a question that makes a difference to its answer. */
function cacheKey(query: Query): string {
  const { edns } = query;
  return `${edns === undefined ? '-' : Number(edns.dnssecOk)} ${query.flags & 0x30} ${questionKey(query)}`;
}

function questionKey({ question }: Query): string {
  return question.toString('latin1').toLowerCase();
}

function sameQuestion(a: Buffer, b: Buffer): boolean {
  return a.equals(b) || a.toString('latin1').toLowerCase() === b.toString('latin1').toLowerCase();
}

/** The id and the question's own spelling go into `bytes`, which is the caller's. */
function asAnswerTo(query: Query, bytes: Buffer): Buffer {
  bytes.writeUInt16BE(query.id, 0);
  query.question.copy(bytes, 12);
  return bytes;
}
