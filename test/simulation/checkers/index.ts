import { allocationsMatchServices } from './allocations.js';
import { askedFor } from './asked-for.js';
import { budgetsAreCounted } from './budgets.js';
import type { Checker } from './cluster-state.js';
import { daemonSetsConverged } from './daemon-sets.js';
import { deploymentsConverged } from './deployments.js';
import { cronJobsConverged, jobsConverged } from './jobs.js';
import { watchesToldEverything } from './mirrors.js';
import { machinesRunTheirPods, nodesAreReady } from './nodes.js';
import { namespacesLive, nothingIsEnding, ownersLive } from './ownership.js';
import { replicaSetsConverged, replicationControllersConverged } from './replica-sets.js';
import { workIsDone } from './rest.js';
import { nodesAreNotOverfull, onlyMisfitsWait } from './scheduling.js';
import { servicesHaveEndpoints } from './services.js';
import { statefulSetsConverged } from './stateful-sets.js';

/** What holds of a cluster once nothing disturbs it any more. */
export const checkers: Readonly<Record<string, Checker>> = {
  askedFor,
  deploymentsConverged,
  replicaSetsConverged,
  statefulSetsConverged,
  daemonSetsConverged,
  jobsConverged,
  cronJobsConverged,
  replicationControllersConverged,
  budgetsAreCounted,
  servicesHaveEndpoints,
  allocationsMatchServices,
  ownersLive,
  namespacesLive,
  nothingIsEnding,
  nodesAreReady,
  machinesRunTheirPods,
  onlyMisfitsWait,
  nodesAreNotOverfull,
  watchesToldEverything,
  workIsDone,
};
