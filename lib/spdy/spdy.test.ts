import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createDeflate, constants } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SpdyConnection } from './connection.js';
import { HEADER_DICTIONARY } from './dictionary.js';
import { HeaderReader, HeaderWriter } from './header-codec.js';
import type { SpdyStream } from './stream.js';

let server: Server;
let client: SpdyConnection;
let peer: Promise<SpdyConnection>;
let sockets: Socket[];
let opened: SpdyStream[];
let onOpen: (stream: SpdyStream) => void;
let rubbish: () => void;

beforeEach(async () => {
  sockets = [];
  opened = [];
  onOpen = () => undefined;
  server = createServer();
  peer = new Promise((resolve) =>
    server.on('connection', (socket) => {
      sockets.push(socket);
      resolve(
        new SpdyConnection(socket, Buffer.alloc(0), {
          side: 'server',
          onStream(stream) {
            opened.push(stream);
            onOpen(stream);
          },
        }),
      );
    }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  sockets.push(socket);
  rubbish = () => void socket.write(Buffer.from('8003000100000004ffffffff', 'hex'));
  client = new SpdyConnection(socket, Buffer.alloc(0), { side: 'client' });
  await peer;
});

afterEach(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
});

async function text(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe('the headers of a SPDY connection', () => {
  it('have the dictionary of the protocol', () => {
    expect(HEADER_DICTIONARY.byteLength).toBe(1423);
    // SPDY/3's own test of it: the identity that a zlib peer states for the dictionary.
    expect(createHash('sha1').update(HEADER_DICTIONARY).digest('hex')).toBe('d68ca9b208de9c3754703445a22cf668a5abebb3');
  });

  it('come back from what another compressor made, block after block', async () => {
    const reader = new HeaderReader();
    const deflate = createDeflate({ dictionary: HEADER_DICTIONARY });
    const packed: Buffer[] = [];
    deflate.on('data', (chunk: Buffer) => packed.push(chunk));
    for (const type of ['error', 'stdin', 'stdout']) {
      packed.length = 0;
      deflate.write(Buffer.concat([Buffer.from([0, 0, 0, 1]), sized('streamtype'), sized(type)]));
      await new Promise<void>((resolve) => deflate.flush(constants.Z_SYNC_FLUSH, () => resolve()));
      expect(await reader.decode(Buffer.concat(packed))).toEqual({ streamtype: type });
    }
  });

  it('come back from our own writer, also long ones', async () => {
    const [writer, reader] = [new HeaderWriter(), new HeaderReader()];
    const all: Record<string, string>[] = [{ streamType: 'data' }, { x: 'y'.repeat(60_000) }, {}];
    for (const headers of all) {
      const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
      expect(await reader.decode(writer.encode(headers))).toEqual(lower);
    }
  });

  it('are refused when they are none, or unpack to too much', async () => {
    await expect(new HeaderReader().decode(Buffer.from('rubbish'))).rejects.toThrow('unpacked');
    const deflate = createDeflate({ dictionary: HEADER_DICTIONARY });
    const packed: Buffer[] = [];
    deflate.on('data', (chunk: Buffer) => packed.push(chunk));
    deflate.end(Buffer.alloc(50_000_000));
    await once(deflate, 'end');
    await expect(new HeaderReader().decode(Buffer.concat(packed))).rejects.toThrow('more than');
  });
});

function sized(word: string): Buffer {
  const bytes = Buffer.alloc(4 + word.length);
  bytes.writeUInt32BE(word.length);
  bytes.write(word, 4);
  return bytes;
}

describe('streams of a SPDY connection', () => {
  it('carry data both ways and end each way on their own', async () => {
    onOpen = (stream) => {
      expect(stream.headers).toEqual({ streamtype: 'stdin' });
      stream.pipe(stream);
    };
    const stream = client.open({ streamType: 'stdin' });
    stream.write('hello ');
    stream.end('there');
    expect(await text(stream)).toBe('hello there');
  });

  it('do not mix, and large data arrives whole although it is read slowly', async () => {
    onOpen = (stream) => stream.pipe(stream);
    const sent = Array.from({ length: 5 }, (_, index) => Buffer.alloc(700_000 + index, index + 1));
    const echoed = await Promise.all(
      sent.map(async (bytes, index) => {
        const stream = client.open({ port: String(index) });
        stream.end(bytes);
        const chunks: Buffer[] = [];
        for await (const chunk of stream) {
          chunks.push(chunk);
          await new Promise((resolve) => setImmediate(resolve));
        }
        return Buffer.concat(chunks);
      }),
    );
    echoed.forEach((bytes, index) => expect(bytes.equals(sent[index] as Buffer)).toBe(true));
  });

  it('that the peer resets right after its last word are read to their end', async () => {
    onOpen = (stream) => {
      // Written and given up in one go, as containerd does.
      stream.write('last word', () => stream.destroy());
    };
    const stream = client.open({});
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await text(stream)).toBe('last word');
  });

  it('that the peer resets fail, the others go on', async () => {
    onOpen = (stream) => (stream.headers['kind'] === 'bad' ? stream.destroy() : stream.pipe(stream));
    const bad = client.open({ kind: 'bad' });
    const good = client.open({ kind: 'good' });
    good.end('fine');
    const [error] = await once(bad, 'error');
    expect(String(error)).toContain('reset');
    expect(await text(good)).toBe('fine');
  });

  it('end when the connection ends', async () => {
    const stream = client.open({});
    while (opened.length === 0) await new Promise((resolve) => setImmediate(resolve));
    (await peer).close();
    expect(await text(stream)).toBe('');
    expect(client.isClosed).toBe(true);
    expect(() => client.open({})).toThrow('has ended');
  });

  it('rubbish on the wire ends the connection, not the process', async () => {
    const stream = client.open({});
    while (opened.length === 0) await new Promise((resolve) => setImmediate(resolve));
    rubbish();
    expect(await text(stream)).toBe('');
    expect((await peer).isClosed).toBe(true);
  });
});
