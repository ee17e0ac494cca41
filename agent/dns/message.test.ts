import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeAnswer } from './encode-answer.js';
import { decodeQuery, decodeUpstream, encodeUpstreamQuery, MessageError, questionOf, type Query } from './message.js';
import { RCODE, TYPE, type Answer, type DnsRecord } from './records.js';

function query(name: string, type: number = TYPE.A, edns?: Query['edns']): Query {
  return { id: 7, opcode: 0, flags: 0x100, name, type, class: 1, question: questionOf(name, type), edns };
}

function answer(answers: DnsRecord[]): Answer {
  return { rcode: RCODE.NOERROR, authoritative: true, answers, authority: [], additional: [] };
}

const address = (index: number): DnsRecord => ({
  name: 'web.ns.svc.cluster.local',
  ttlSeconds: 5,
  data: { type: TYPE.A, address: `10.244.${index >> 8}.${index & 255}` },
});

test('a question is read as it was written', () => {
  const bytes = encodeUpstreamQuery(
    query('Web.ns', TYPE.AAAA, { udpBytes: 1232, version: 0, dnssecOk: true }),
    99,
    1232,
  );
  expect(decodeQuery(bytes)).toMatchObject({
    id: 99,
    name: 'web.ns',
    type: TYPE.AAAA,
    class: 1,
    edns: { udpBytes: 1232, version: 0, dnssecOk: true },
  });
});

test('an answer is read as it was written, with names that point to earlier ones', () => {
  const records: DnsRecord[] = [
    { name: 'a.example.com', ttlSeconds: 60, data: { type: TYPE.CNAME, target: 'b.example.com' } },
    { name: 'b.example.com', ttlSeconds: 30, data: { type: TYPE.AAAA, address: 'fd00::5' } },
    { name: 'b.example.com', ttlSeconds: 40, data: { type: TYPE.A, address: '192.0.2.7' } },
  ];
  const bytes = encodeAnswer(query('a.example.com'), answer(records), 512);
  expect(bytes.length).toBeLessThan(110);
  expect(decodeUpstream(bytes)).toMatchObject({ id: 7, rcode: 0, truncated: false, keepSeconds: 30, answers: records });
});

test('what does not fit is left out, and the answer says so', () => {
  const many = answer(Array.from({ length: 100 }, (_, index) => address(index)));
  const small = encodeAnswer(query('web.ns.svc.cluster.local'), many, 512);
  expect(small.length).toBeLessThanOrEqual(512);
  const read = decodeUpstream(small);
  expect(read.truncated).toBe(true);
  expect(read.answers.length).toBeGreaterThan(20);
  const large = decodeUpstream(encodeAnswer(query('web.ns.svc.cluster.local'), many, 65_535));
  expect(large).toMatchObject({ truncated: false });
  expect(large.answers).toHaveLength(100);
});

test('bytes of any kind are read or refused, never more', () => {
  const valid = encodeUpstreamQuery(query('web.ns', TYPE.A, { udpBytes: 4096, version: 0, dnssecOk: false }), 1, 1232);
  const answered = encodeAnswer(query('a.example.com'), answer([address(1), address(2)]), 512);
  const read = (bytes: Buffer): void => {
    for (const decode of [decodeQuery, decodeUpstream]) {
      try {
        decode(bytes);
      } catch (error) {
        if (!(error instanceof MessageError)) throw error;
      }
    }
  };
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(200), fc.boolean(), (noise, at, isAnswer) => {
      const bytes = Buffer.from(isAnswer ? answered : valid);
      Buffer.from(noise).copy(bytes, at % bytes.length);
      read(bytes);
      read(Buffer.from(noise));
      read(bytes.subarray(0, at % bytes.length));
    }),
    { numRuns: 3000 },
  );
});

test('an answer is never answered, and names may not point in circles', () => {
  const bytes = encodeAnswer(query('a.b'), answer([]), 512);
  expect(() => decodeQuery(bytes)).toThrow('not a question');
  const loop = Buffer.from('00070100000100010000000001610000010001c015000100010000000000047f000001', 'hex');
  loop.writeUInt16BE(0xc013, 19);
  loop.writeUInt16BE(0x8180, 2);
  expect(() => decodeUpstream(loop)).toThrow(MessageError);
});
