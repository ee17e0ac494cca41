import { sleep, type Clock } from '../../lib/clock/clock.js';
import type { V1Container, V1LifecycleHandler, V1Pod } from '../../lib/schema/generated/types.js';
import { httpGet } from './probes/http-get.js';
import { portNumber, type ExecCommand } from './probes/probe.js';

export interface HookTarget {
  pod: V1Pod;
  spec: V1Container;
  containerId: string;
  /** Where an HTTP hook goes that names no host. */
  ip: string;
}

const USER_AGENT = 'kube-lifecycle/1.36';

/** Runs a lifecycle hook. Rejects with the kubelet's words when it fails or takes longer than it may. */
export async function runHook(
  hook: V1LifecycleHandler,
  target: HookTarget,
  context: { exec: ExecCommand; clock: Clock; timeoutMs: number },
): Promise<void> {
  const { exec, clock, timeoutMs } = context;
  const { pod, spec, containerId, ip } = target;
  const where = `for Container "${spec.name}" in Pod "${pod.metadata?.name}_${pod.metadata?.namespace}(${pod.metadata?.uid})"`;
  if (hook.exec !== undefined) {
    const command = hook.exec.command ?? [];
    const failed = (why: string, output: string): Error =>
      new Error(
        `Exec lifecycle hook ([${command.join(' ')}]) ${where} failed - error: ${why}, message: ${JSON.stringify(output)}`,
      );
    const result = await exec(containerId, command, timeoutMs).catch((error: unknown) => {
      throw failed(error instanceof Error ? error.message : String(error), '');
    });
    if (result.exitCode !== 0) {
      throw failed(`command '${command.join(' ')}' exited with ${result.exitCode}: ${result.output}`, result.output);
    }
  } else if (hook.httpGet !== undefined) {
    const port = portNumber(hook.httpGet.port, spec);
    const answer = await httpGet(hook.httpGet, { host: ip, port, userAgent: USER_AGENT, timeoutMs, clock }).catch(
      (error: unknown) => {
        const why = error instanceof Error ? error.message : String(error);
        throw new Error(`HTTP lifecycle hook (${hook.httpGet?.path}) ${where} failed - error: ${why}`);
      },
    );
    if (answer.status >= 400) {
      throw new Error(
        `HTTP lifecycle hook (${hook.httpGet.path}) ${where} failed - error: HTTP status ${answer.status}`,
      );
    }
  } else if (hook.sleep !== undefined) {
    await sleep(clock, Math.min(hook.sleep.seconds * 1000, timeoutMs));
  } else {
    throw new Error('Invalid handler: has no exec, httpGet or sleep');
  }
}
