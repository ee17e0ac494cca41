import { readAccess } from './support/cluster-access.js';
import { Connection } from './support/connection.js';
import { processorMs } from './support/process-usage.js';
import { LOADS, type LoadOptions, type LoadResult } from './support/load.js';

/** The clients of one measurement, in a process of their own. Options come as the first message, the result goes back as one. */
process.once('message', (message) => {
  void run(message as LoadOptions).then((result) => process.send?.(result, () => process.exit()));
});

async function run(options: LoadOptions): Promise<LoadResult> {
  const { kubeconfig, load, connections, warmUpMs, measureMs, serverPid } = options;
  const access = readAccess(kubeconfig);
  const next = LOADS[load]();
  const open = await Promise.all(Array.from({ length: connections }, () => Connection.open(access)));
  const latencies: number[] = [];
  let bytes = 0;
  let isMeasuring = false;
  let isOver = false;
  const sendAll = async (connection: Connection): Promise<void> => {
    while (!isOver) {
      const request = next();
      const startMs = performance.now();
      const answer = await connection.send(request);
      if (answer.status >= 300) throw new Error(`${load} was answered with ${answer.status}`);
      if (!isMeasuring) continue;
      latencies.push(performance.now() - startMs);
      bytes += answer.bytes;
    }
  };
  const running = Promise.all(open.map(sendAll));
  await after(warmUpMs, running);
  isMeasuring = true;
  const startMs = performance.now();
  const startCpuMs = processorMs(serverPid);
  await after(measureMs, running);
  const elapsedMs = performance.now() - startMs;
  const endCpuMs = processorMs(serverPid);
  isMeasuring = false;
  isOver = true;
  await running;
  for (const connection of open) connection.close();
  const serverCpuMs = startCpuMs === undefined || endCpuMs === undefined ? undefined : endCpuMs - startCpuMs;
  return { latencies, bytes, elapsedMs, serverCpuMs };
}

/** Resolves after a time, or rejects as soon as `work` does. */
function after(ms: number, work: Promise<unknown>): Promise<unknown> {
  return Promise.race([new Promise((resolve) => setTimeout(resolve, ms)), work.then(() => undefined)]);
}
