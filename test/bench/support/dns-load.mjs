// Asks a DNS server over UDP, a number of questions at a time, and counts the answers.
import dgram from 'node:dgram';

const LOST_MS = 1000;

process.once('message', ({ port, outstanding, ms, questions }) => {
  const messages = questions.map((text) => Buffer.from(text, 'base64'));
  const latencies = [];
  const endMs = performance.now() + ms;
  let running = outstanding;
  let next = 0;

  const ask = (socket) => {
    if (performance.now() >= endMs) return finish(socket);
    const message = messages[next++ % messages.length];
    socket.startMs = performance.now();
    socket.send(message);
    clearTimeout(socket.timer);
    socket.timer = setTimeout(() => ask(socket), LOST_MS);
  };
  const finish = (socket) => {
    clearTimeout(socket.timer);
    socket.close();
    running--;
    if (running === 0) process.send({ answers: latencies.length, latencies });
  };
  for (let index = 0; index < outstanding; index++) {
    const socket = dgram.createSocket('udp4');
    socket.on('message', () => {
      latencies.push(performance.now() - socket.startMs);
      ask(socket);
    });
    socket.connect(port, '127.0.0.1', () => ask(socket));
  }
});
