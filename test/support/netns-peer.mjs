// Runs inside a network namespace, driven over IPC: servers that say who they are and whom they see, and clients.
import dgram from 'node:dgram';
import http from 'node:http';
import net from 'node:net';

const sockets = new Map();
const servers = [];

const commands = {
  async listenTcp({ host, port, name }) {
    const server = net.createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end(`${name} ${socket.remoteAddress}`);
    });
    servers.push(server);
    await new Promise((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  },
  async listenUdp({ host, port, name }) {
    const socket = dgram.createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.on('message', (_, from) => socket.send(`${name} ${from.address}`, from.port, from.address));
    servers.push(socket);
    await new Promise((resolve, reject) => socket.once('error', reject).bind(port, host, resolve));
  },
  async close() {
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
  },
  tcp({ host, port, timeoutMs = 1500, from }) {
    return new Promise((resolve) => {
      let text = '';
      const socket = net.connect({ host, port, localAddress: from, timeout: timeoutMs });
      socket.on('data', (chunk) => (text += chunk));
      socket.on('end', () => resolve(text));
      socket.on('timeout', () => (socket.destroy(), resolve('ETIMEDOUT')));
      socket.on('error', (error) => resolve(error.code));
    });
  },
  // One socket by its id, so that a flow goes on from the same port.
  async udp({ id, host, port, timeoutMs = 600 }) {
    let socket = sockets.get(id);
    if (socket === undefined) {
      socket = dgram.createSocket(host.includes(':') ? 'udp6' : 'udp4');
      sockets.set(id, socket);
      await new Promise((resolve) => socket.bind(0, resolve));
    }
    socket.removeAllListeners();
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve('ETIMEDOUT'), timeoutMs);
      const done = (text) => (clearTimeout(timer), resolve(text));
      socket.on('message', (message) => done(String(message)));
      socket.on('error', (error) => done(error.code));
      socket.send('x', port, host, (error) => error && done(error.code));
    });
  },
  // New connections one after the other, several at a time: how many there were in `ms`.
  async load({ host, port, ms, connections }) {
    const end = Date.now() + ms;
    let count = 0;
    const client = async () => {
      while (Date.now() < end) {
        await commands.tcp({ host, port });
        count++;
      }
    };
    await Promise.all(Array.from({ length: connections }, client));
    return String(count);
  },
  // Requests of HTTP, each on a connection of its own. Answers how many were answered.
  async requests({ host, port, ms, connections }) {
    const end = Date.now() + ms;
    let count = 0;
    const client = async () => {
      while (Date.now() < end) {
        await new Promise((resolve, reject) => {
          const request = http.get({ host, port, agent: false, timeout: 5000 }, (response) => {
            response.resume().on('end', response.statusCode === 200 ? resolve : reject);
          });
          request.on('error', reject).on('timeout', () => request.destroy(new Error('no answer in time')));
        });
        count++;
      }
    };
    await Promise.all(Array.from({ length: connections }, client));
    return String(count);
  },
  // One datagram and the one that comes back, in base64.
  exchange({ host, port, message, timeoutMs = 1000 }) {
    const socket = dgram.createSocket('udp4');
    return new Promise((resolve) => {
      const done = (result) => (clearTimeout(timer), socket.close(), resolve(result));
      const timer = setTimeout(() => done('ETIMEDOUT'), timeoutMs);
      socket.on('message', (answer) => done(answer.toString('base64')));
      socket.on('error', (error) => done(error.code));
      socket.send(Buffer.from(message, 'base64'), port, host);
    });
  },
  async http({ host, port, path = '/' }) {
    const response = await fetch(`http://${host}:${port}${path}`);
    return `${response.status} ${await response.text()}`;
  },
  // One request on a connection of its own: the body, or why there is none.
  get({ host, port = 80, path = '/', timeoutMs = 2000 }) {
    return new Promise((resolve) => {
      const signal = AbortSignal.timeout(timeoutMs);
      const request = http.get({ host, port, path, agent: false, signal }, (response) => {
        let body = '';
        response.on('data', (chunk) => (body += chunk));
        response.on('end', () => resolve(response.statusCode === 200 ? body.trim() : String(response.statusCode)));
        response.on('error', (error) => resolve(error.code));
      });
      request.on('error', (error) => resolve(error.code));
    });
  },
};

process.on('message', async ({ id, name, args }) => {
  try {
    process.send({ id, result: await commands[name](args) });
  } catch (error) {
    process.send({ id, error: String(error) });
  }
});
process.on('disconnect', () => process.exit(0));
process.send({ ready: true });
