import type { Log } from '../network/log.js';
import type { ClusterZone } from './cluster-zone.js';
import { CNAME_CHAIN_MAX, TCP_MESSAGE_BYTES_MAX } from './limits.js';
import type { Forwarder } from './forwarder.js';
import { encodeAnswer } from './encode-answer.js';
import { decodeQuery, encodeFormatError, MessageError, questionOf, udpBytesOf, type Query } from './message.js';
import { CLASS_IN, failure, RCODE, TYPE, type Answer } from './records.js';

export interface ResolverOptions {
  zone: ClusterZone;
  forwarder: Pick<Forwarder, 'ask' | 'isOwn'>;
  /** Whether the cluster's state has been read once: before, nothing is said not to exist. */
  isReady: () => boolean;
  log: Log;
}

export interface ResolverClient {
  address: string;
  transport: 'udp' | 'tcp';
}

/** From the bytes of a question to the bytes of its answer. */
export class Resolver {
  readonly #options: ResolverOptions;

  constructor(options: ResolverOptions) {
    this.#options = options;
  }

  /** Undefined: nothing is to be sent. Answers of the cluster come in the same turn. Never rejects. */
  answer(message: Buffer, client: ResolverClient): Buffer | undefined | Promise<Buffer | undefined> {
    let query: Query;
    try {
      query = decodeQuery(message);
    } catch (error) {
      return error instanceof MessageError && error.id !== undefined ? encodeFormatError(error.id) : undefined;
    }
    const bytesMax = client.transport === 'tcp' ? TCP_MESSAGE_BYTES_MAX : udpBytesOf(query);
    try {
      const refusal = refusalOf(query);
      if (refusal !== undefined) return encodeAnswer(query, failure(refusal), bytesMax);
      const known = this.#fromZone(query);
      if (known !== undefined && !endsElsewhere(known, query)) return encodeAnswer(query, known, bytesMax);
      const later =
        known === undefined ? this.#forward(query, client, bytesMax) : this.#follow(query, known, client, bytesMax);
      return later.catch((error: unknown) => this.#failed(query, error, bytesMax));
    } catch (error) {
      return this.#failed(query, error, bytesMax);
    }
  }

  /** An answer of the zone, with aliases inside of it followed. */
  #fromZone({ name, type }: Query): Answer | undefined {
    const { zone, isReady } = this.#options;
    if (name === undefined) return undefined;
    if (!isReady() && zone.owns(name)) return failure(RCODE.SERVFAIL);
    const answer = zone.resolve(name, type);
    if (answer === undefined || type === TYPE.CNAME) return answer;
    for (let links = 0; links < CNAME_CHAIN_MAX; links++) {
      const alias = answer.answers.at(-1)?.data;
      if (alias?.type !== TYPE.CNAME || !zone.owns(alias.target)) return answer;
      const next = zone.resolve(alias.target, type);
      if (next === undefined) return answer;
      answer.answers.push(...next.answers);
      answer.authority.push(...next.authority);
      if (next.answers.length === 0) {
        answer.rcode = next.rcode;
        return answer;
      }
    }
    return failure(RCODE.SERVFAIL);
  }

  async #forward(query: Query, client: ResolverClient, bytesMax: number): Promise<Buffer> {
    const { forwarder, log } = this.#options;
    if (forwarder.isOwn(query)) {
      log('warn', 'an upstream name server sends questions back to this one: see the name servers in resolv.conf', {});
      return encodeAnswer(query, failure(RCODE.SERVFAIL), bytesMax);
    }
    const { bytes, answer } = await forwarder.ask(query, client.address);
    if (bytes.length <= bytesMax) return bytes;
    // What fits of it, marked as truncated.
    return encodeAnswer(query, { ...failure(answer.rcode), answers: answer.answers, truncated: true }, bytesMax);
  }

  /** An external name, and what it stands for when somebody says. */
  async #follow(query: Query, known: Answer, client: ResolverClient, bytesMax: number): Promise<Buffer> {
    const alias = known.answers.at(-1)?.data;
    if (alias?.type === TYPE.CNAME) {
      const question = questionOf(alias.target, query.type);
      try {
        const { answer } = await this.#options.forwarder.ask(
          { ...query, name: alias.target, question },
          client.address,
        );
        if (answer.rcode === RCODE.NOERROR) known.answers.push(...answer.answers);
      } catch (error) {
        this.#options.log('info', 'an external name could not be resolved', {
          name: alias.target,
          error: String(error),
        });
      }
    }
    return encodeAnswer(query, known, bytesMax);
  }

  #failed(query: Query, error: unknown, bytesMax: number): Buffer {
    this.#options.log('info', 'a DNS question could not be answered', { name: query.name, error: String(error) });
    return encodeAnswer(query, failure(RCODE.SERVFAIL), bytesMax);
  }
}

function refusalOf(query: Query): number | undefined {
  if (query.opcode !== 0) return RCODE.NOTIMP;
  if ((query.edns?.version ?? 0) !== 0) return RCODE.BADVERS;
  if (query.class !== CLASS_IN || query.type === TYPE.AXFR || query.type === TYPE.IXFR) return RCODE.REFUSED;
  return undefined;
}

/** Whether what was asked for is to be had from somebody else. */
function endsElsewhere({ answers }: Answer, { type }: Query): boolean {
  return type !== TYPE.CNAME && type !== TYPE.ANY && answers.at(-1)?.data.type === TYPE.CNAME;
}
