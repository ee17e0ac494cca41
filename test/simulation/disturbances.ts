import { nodes } from '../../lib/client/resources.js';
import { sleep } from '../../lib/clock/clock.js';
import { Dice } from './dice.js';
import type { Machine } from './machine.js';
import type { User } from './workload/user.js';
import type { World } from './world.js';

const PART = 6;

/** A machine without power that is away for longer is taken out of the cluster; it registers again when it comes back. */
const GIVEN_UP_MS = 70_000;

/** A control plane is down so long. */
const DOWNTIMES_MS = [0, 0, 0, 1_000, 20_000];

/** Before it dies, some of it hangs for so long. */
const AGONY_MS = 5_000;

const FAILING = [['scheduler'], ['scheduler'], ['controllers'], ['scheduler', 'controllers']];

/** A machine, or its network, is away so long: some come back before the cluster takes them for lost, some after. */
const OUTAGE_MAX_MS = 120_000;

/** What happens to processes and machines during the storm. Resolves when all is up again. */
export async function disturb(world: World, operator: User): Promise<void> {
  const dice = new Dice(world.plan.seed, PART);
  const { crashes, nodeFailures, stormMs } = world.plan;
  const machines = [...world.machines.values()];
  const steps: Promise<void>[] = [];
  for (let index = 0; index < nodeFailures; index++) {
    const machine = dice.pick(machines);
    const atMs = dice.between(0, stormMs);
    const outageMs = dice.between(1_000, OUTAGE_MAX_MS);
    const kind = dice.pick(['power', 'network', 'agent'] as const);
    steps.push(fail(world, operator, { machine, kind, atMs, outageMs }));
  }
  // One after the other: there is one control plane.
  const pauses = Array.from({ length: crashes }, () => ({
    upMs: dice.between(0, stormMs / crashes),
    downMs: dice.pick(DOWNTIMES_MS),
    failing: dice.pick(FAILING),
  }));
  steps.push(
    (async () => {
      for (const { upMs, downMs, failing } of pauses) {
        await sleep(world.clock, upMs);
        world.weather.failing = failing;
        await sleep(world.clock, AGONY_MS);
        world.trace.add('world', 'the control plane dies');
        world.killControlPlane();
        await sleep(world.clock, downMs);
        await world.startControlPlane();
        world.trace.add('world', 'the control plane is back');
      }
    })(),
  );
  await Promise.all(steps);
}

interface Failure {
  machine: Machine;
  kind: 'power' | 'network' | 'agent';
  atMs: number;
  outageMs: number;
}

async function fail(world: World, operator: User, { machine, kind, atMs, outageMs }: Failure): Promise<void> {
  await sleep(world.clock, atMs);
  world.trace.add('world', `${machine.name} loses ${kind}`, { outageMs });
  if (kind === 'power') machine.powerOff();
  else if (kind === 'agent') machine.killAgent();
  else machine.unplugNetwork();
  const isGivenUp = kind === 'power' && outageMs > GIVEN_UP_MS;
  await sleep(world.clock, outageMs);
  if (isGivenUp) await operator.delete(nodes, { name: machine.name });
  world.trace.add('world', `${machine.name} has ${kind} again`);
  if (kind === 'network') machine.plugNetwork();
  else await machine.start();
}
