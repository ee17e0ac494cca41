import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ContainerStreams, StreamingRuntime } from '../../agent/server/served-node.js';
import { SpdyConnection } from '../../lib/spdy/connection.js';
import type { SpdyStream } from '../../lib/spdy/stream.js';

type Session = { command: readonly string[]; streams: ContainerStreams } | 'ports';

/**
 * A runtime's streaming server whose "containers" are processes of this machine: it speaks the protocols of a CRI runtime's (SPDY/3.1,
 * remote command version 4, port-forward) and so lets everything in front of it be tested where there is no container runtime.
 */
export class ProcessRuntime implements StreamingRuntime {
  readonly #server: Server;
  readonly #sessions = new Map<string, Session>();
  #next = 0;

  private constructor() {
    this.#server = createServer();
    this.#server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
      const session = this.#sessions.get(incoming.url ?? '');
      this.#sessions.delete(incoming.url ?? '');
      if (session === undefined) return void socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
      const [protocol] = (incoming.headersDistinct['x-stream-protocol-version'] ?? []).flatMap((one) =>
        one.split(/, */),
      );
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
      );
      if (session === 'ports') forwardPorts(socket, head);
      else runCommand(socket, head, session);
    });
  }

  static async start(): Promise<ProcessRuntime> {
    const runtime = new ProcessRuntime();
    runtime.#server.listen(0, '127.0.0.1');
    await once(runtime.#server, 'listening');
    return runtime;
  }

  exec(_container: string, command: readonly string[], streams: ContainerStreams): Promise<string> {
    return this.#prepare({ command, streams });
  }

  attach(_container: string, streams: ContainerStreams): Promise<string> {
    return this.#prepare({ command: ['sh', '-c', 'while read line; do echo "heard $line"; done'], streams });
  }

  portForward(): Promise<string> {
    return this.#prepare('ports');
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #prepare(session: Session): Promise<string> {
    const path = `/session/${this.#next++}`;
    this.#sessions.set(path, session);
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`;
  }
}

function runCommand(socket: Duplex, head: Buffer, { command, streams }: Exclude<Session, 'ports'>): void {
  const { stdin, stdout, stderr, tty } = streams;
  const expected = 1 + [stdin, stdout, stderr && !tty, tty].filter(Boolean).length;
  const open = new Map<string, SpdyStream>();
  const connection = new SpdyConnection(socket, head, {
    side: 'server',
    onStream(stream) {
      open.set(stream.headers['streamtype'] ?? '', stream);
      if (open.size === expected) start();
    },
  });
  const start = (): void => {
    const child = spawn(command[0] as string, command.slice(1));
    child.on('error', (error) => finish({ status: 'Failure', message: error.message, reason: 'InternalError' }));
    child.stdin.on('error', () => undefined);
    const input = open.get('stdin');
    if (input === undefined) child.stdin.end();
    else input.pipe(child.stdin);
    const outputs = [
      [child.stdout, open.get('stdout')],
      [child.stderr, open.get('stderr') ?? open.get('stdout')],
    ] as const;
    for (const [from, to] of outputs) {
      if (to === undefined) from.resume();
      else from.pipe(to, { end: false });
    }
    child.on('close', (code) => {
      if (code === 0) return finish({ status: 'Success' });
      finish({
        status: 'Failure',
        reason: 'NonZeroExitCode',
        message: `command terminated with non-zero exit code: exit status ${code}`,
        details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
      });
    });
    socket.once('close', () => child.kill('SIGKILL'));
  };
  let isFinished = false;
  const finish = (status: object): void => {
    if (isFinished) return;
    isFinished = true;
    for (const name of ['stdout', 'stderr']) open.get(name)?.end();
    open
      .get('error')
      ?.end(JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, ...status }), () =>
        setTimeout(() => connection.close(), 50),
      );
  };
}

function forwardPorts(socket: Duplex, head: Buffer): void {
  const errors = new Map<string, SpdyStream>();
  new SpdyConnection(socket, head, {
    side: 'server',
    onStream(stream) {
      const { streamtype, port, requestid = '' } = stream.headers;
      if (streamtype === 'error') return void errors.set(requestid, stream);
      const target = connect(Number(port), '127.0.0.1');
      target.on('error', (error) => {
        errors.get(requestid)?.end(`error forwarding port ${port}: ${error.message}`);
        stream.destroy();
      });
      target.once('connect', () => {
        stream.pipe(target);
        target.pipe(stream);
      });
      target.once('close', () => errors.get(requestid)?.end());
    },
  });
}
