import { keyOf } from '../../lib/client/client.js';
import type { Clock } from '../../lib/clock/clock.js';
import type { V1Pod } from '../../lib/schema/generated/types.js';
import type { EventRecorder } from '../../lib/work/event-recorder.js';
import type { Runtime } from '../runtime/runtime.js';
import type { ManifestSource } from './manifest-folder.js';
import { placeStaticPod, withSeen } from './static-pod.js';

/** Reads, completes and checks a manifest. `place` makes it this node's. Throws an error that says what is wrong. */
export type ManifestReader = (bytes: Uint8Array, place: (pod: V1Pod) => V1Pod) => V1Pod;

/** Where a node's static pods come from. */
export interface StaticPodOptions {
  source: ManifestSource;
  read: ManifestReader;
}

export interface StaticPodsContext extends StaticPodOptions {
  clock: Clock;
  nodeName: string;
  runtime: Runtime;
  /** Whether a pod of this uid is being run. */
  hasPod(uid: string): boolean;
  events: EventRecorder;
  /** A pod is to run, now that no other of its name is left. */
  start(pod: V1Pod): void;
  /** A pod is to end, in its own time; `gone` is called when it has. */
  end(pod: V1Pod): void;
  /** No pod of this name is left, and none is to come. */
  hide(name: string): void;
  log(level: 'info' | 'warn', message: string, data: Record<string, unknown>): void;
}

/** The folder is read so often, whether or not it has changed: the kubelet's fileCheckFrequency. */
export const REREAD_MS = 20_000;

/** After a change of the folder: editors and copies write in several steps. */
const SETTLE_MS = 200;

/** After an error of the runtime. */
const RETRY_MS = 1_000;

/**
 * The pods that a folder of this machine says, whatever the API says of them. A file that changes is another pod: the one before ends, and
 * only then the new one starts.
 */
export class StaticPods {
  readonly #context: StaticPodsContext;
  /** By namespace and name: what is to run. */
  #wanted = new Map<string, V1Pod>();
  /** By namespace and name: what runs, or ends. */
  readonly #running = new Map<string, V1Pod>();
  /** By name, while what an earlier agent has left of it is being removed. */
  readonly #starting = new Set<string>();
  /** By file: what was wrong with it when it was last read. */
  #problems = new Map<string, string>();
  #folderProblem = '';
  #cancelTimer: () => void = () => undefined;
  #unwatch: () => void = () => undefined;
  #isStopped = false;

  constructor(context: StaticPodsContext) {
    this.#context = context;
  }

  /** Reads the folder and goes on reading it. What is there is being started when this returns. */
  start(): void {
    this.#reread();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer();
    this.#unwatch();
  }

  /** Whether a pod of this uid is to run. */
  has(uid: string): boolean {
    for (const { metadata } of this.#wanted.values()) if (metadata?.uid === uid) return true;
    return false;
  }

  /** A pod that was ended has left nothing. */
  gone(pod: V1Pod): void {
    const name = keyOf(pod);
    if (this.#running.get(name)?.metadata?.uid !== pod.metadata?.uid) return;
    this.#running.delete(name);
    if (this.#isStopped) return;
    const next = this.#wanted.get(name);
    if (next === undefined) this.#context.hide(name);
    else this.#begin(next);
  }

  #reread(): void {
    this.#cancelTimer();
    this.#unwatch();
    if (this.#isStopped) return;
    const { clock, source, log } = this.#context;
    // Watched before it is read, so that nothing is missed; each time anew, since it may be another folder by now.
    this.#unwatch = source.watch(() => {
      this.#unwatch();
      this.#cancelTimer();
      if (!this.#isStopped) this.#cancelTimer = clock.setTimer(SETTLE_MS, () => this.#reread());
    });
    this.#cancelTimer = clock.setTimer(REREAD_MS, () => this.#reread());
    try {
      this.#take(this.#read());
      this.#folderProblem = '';
    } catch (error) {
      // What runs goes on: nobody has said that it should not.
      const problem = String(error);
      if (problem !== this.#folderProblem)
        log('warn', 'the folder of static pods could not be read', { error: problem });
      this.#folderProblem = problem;
    }
  }

  #read(): Map<string, V1Pod> {
    const { source, read, clock, nodeName } = this.#context;
    const found = new Map<string, V1Pod>();
    const files = new Map<string, string>();
    const problems = new Map<string, string>();
    for (const one of source.read()) {
      const { file } = one;
      if ('problem' in one) {
        problems.set(file, one.problem);
        continue;
      }
      try {
        const pod = read(one.bytes, (given) => placeStaticPod(given, { nodeName, file }));
        const name = keyOf(pod);
        const other = files.get(name);
        if (other !== undefined) throw new Error(`${other} has a pod of this name already: ${name}`);
        files.set(name, file);
        found.set(name, this.#known(pod) ?? withSeen(pod, clock.now()));
      } catch (error) {
        problems.set(file, error instanceof Error ? error.message : String(error));
      }
    }
    this.#complain(problems);
    return found;
  }

  #known(pod: V1Pod): V1Pod | undefined {
    const before = this.#wanted.get(keyOf(pod));
    return before?.metadata?.uid === pod.metadata?.uid ? before : undefined;
  }

  /** What is wrong is said once, and again when it changes. */
  #complain(problems: Map<string, string>): void {
    const { log, events, nodeName } = this.#context;
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: nodeName, uid: nodeName } };
    for (const [file, problem] of problems) {
      if (this.#problems.get(file) === problem) continue;
      log('warn', 'a static pod is not run: its file cannot be used', { file, error: problem });
      void events.warning(node, 'FailedValidation', `Static pod of ${file} is not run: ${problem}`);
    }
    this.#problems = problems;
  }

  #take(found: Map<string, V1Pod>): void {
    const before = this.#wanted;
    this.#wanted = found;
    for (const [name, pod] of before) {
      const { uid } = pod.metadata ?? {};
      if (found.get(name)?.metadata?.uid === uid) continue;
      if (this.#running.get(name)?.metadata?.uid === uid) this.#context.end(pod);
    }
    for (const [name, pod] of found) if (!this.#running.has(name)) this.#begin(pod);
  }

  #begin(pod: V1Pod): void {
    const name = keyOf(pod);
    if (this.#starting.has(name)) return;
    this.#starting.add(name);
    this.#removeEarlier(pod).then(
      () => {
        this.#starting.delete(name);
        if (this.#isStopped) return;
        const wanted = this.#wanted.get(name);
        if (wanted === undefined) return this.#context.hide(name);
        if (wanted.metadata?.uid !== pod.metadata?.uid) return this.#begin(wanted);
        this.#running.set(name, wanted);
        this.#context.start(wanted);
      },
      (error: unknown) => {
        const { clock, log } = this.#context;
        log('warn', 'a static pod could not be started', { pod: name, error: String(error) });
        clock.setTimer(RETRY_MS, () => {
          this.#starting.delete(name);
          const wanted = this.#wanted.get(name);
          if (wanted !== undefined && !this.#isStopped) this.#begin(wanted);
        });
      },
    );
  }

  /** The file has changed while no agent was there: what was in it before ends, also when the API does not say that it is gone. */
  async #removeEarlier(pod: V1Pod): Promise<void> {
    const { runtime, hasPod } = this.#context;
    const { namespace, name, uid } = pod.metadata ?? {};
    for (const sandbox of await runtime.listSandboxes()) {
      if (sandbox.namespace !== namespace || sandbox.name !== name) continue;
      if (sandbox.podUid === uid || hasPod(sandbox.podUid)) continue;
      await runtime.stopSandbox(sandbox.id);
      await runtime.removeSandbox(sandbox.id);
    }
  }
}
