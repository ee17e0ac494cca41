/** Numbers of RFC 1035, 3596, 2782 and 6891. */
export const TYPE = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const;

export const RCODE = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5, BADVERS: 16 } as const;

export const CLASS_IN = 1;

export type RecordData =
  | { type: typeof TYPE.A | typeof TYPE.AAAA; address: string }
  | { type: typeof TYPE.CNAME | typeof TYPE.PTR | typeof TYPE.NS; target: string }
  | { type: typeof TYPE.SRV; priority: number; weight: number; port: number; target: string }
  | { type: typeof TYPE.TXT; text: string }
  | { type: typeof TYPE.SOA; primary: string; mailbox: string; serial: number; minimumSeconds: number };

/** Names have no closing dot and are in lower case, but for the question's own. */
export interface DnsRecord {
  name: string;
  ttlSeconds: number;
  data: RecordData;
}

/** What an answer says, before it becomes bytes. */
export interface Answer {
  rcode: number;
  /** From our own zone. */
  authoritative: boolean;
  answers: DnsRecord[];
  authority: DnsRecord[];
  additional: DnsRecord[];
  /** There is more than this, and the client is to ask over TCP. */
  truncated?: boolean;
}

export function failure(rcode: number): Answer {
  return { rcode, authoritative: false, answers: [], authority: [], additional: [] };
}
