import { nodes, pods } from '../../../lib/client/resources.js';
import type { Checker } from './cluster-state.js';
import { hasEnded, nameOf } from './pods.js';

/** Every machine is a Ready node, without taints of an outage, and with a pod range of its own. */
export const nodesAreReady: Checker = (state) => {
  const problems: string[] = [];
  const ranges = new Map<string, string>();
  for (const name of state.world.machines.keys()) {
    if (state.find(nodes, undefined, name) === undefined) problems.push(`the machine ${name} has no node`);
  }
  for (const node of state.of(nodes)) {
    const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
    if (ready !== 'True') problems.push(`${nameOf(node)} has Ready ${ready}`);
    if ((node.spec?.taints ?? []).length > 0)
      problems.push(`${nameOf(node)} has taints ${JSON.stringify(node.spec?.taints)}`);
    const range = node.spec?.podCIDR ?? 'none';
    const other = ranges.get(range);
    if (other !== undefined) problems.push(`${other} and ${nameOf(node)} both have the pod range ${range}`);
    ranges.set(range, nameOf(node));
  }
  return problems;
};

/** What runs on the machines is what the API server knows, and no two pods have the same address. */
export const machinesRunTheirPods: Checker = (state) => {
  const problems: string[] = [];
  const known = new Map(state.of(pods).map((pod) => [pod.metadata?.uid ?? '', pod]));
  const running = new Map<string, string>();
  for (const [machine, sandboxes] of state.sandboxes) {
    for (const { podUid, name, state: sandboxState } of sandboxes) {
      const pod = known.get(podUid);
      if (pod === undefined) problems.push(`${machine} keeps the pod ${name} (${podUid}), which is gone`);
      else if (pod.spec?.nodeName !== machine)
        problems.push(`${machine} keeps ${nameOf(pod)}, which is another node's`);
      if (sandboxState !== 'ready') continue;
      const other = running.get(podUid);
      if (other !== undefined) problems.push(`${name} has two sandboxes: on ${other} and on ${machine}`);
      running.set(podUid, machine);
    }
  }
  const addresses = new Map<string, string>();
  for (const pod of known.values()) {
    if (hasEnded(pod) || !pod.spec?.nodeName) continue;
    if (!running.has(pod.metadata?.uid ?? '')) problems.push(`${nameOf(pod)} does not run on ${pod.spec.nodeName}`);
    const ip = pod.status?.podIP ?? '';
    const other = addresses.get(ip);
    if (other !== undefined) problems.push(`${other} and ${nameOf(pod)} both have the address ${ip}`);
    addresses.set(ip, nameOf(pod));
  }
  return problems;
};
