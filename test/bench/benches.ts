import type { Bench } from './result.js';

/** Every bench by its name for `npm run bench -- NAME`. Loaded when run, each in a process of its own. */
export const benches: Readonly<Record<string, () => Promise<Bench>>> = {
  startup: async () => (await import('./startup.js')).benchStartup,
  running: async () => (await import('./running.js')).benchRunning,
  api: async () => (await import('./api.js')).benchApi,
  watch: async () => (await import('./watch.js')).benchWatch,
  extensions: async () => (await import('./extensions.js')).benchExtensions,
  scheduling: async () => (await import('./scheduling.js')).benchScheduling,
  idle: async () => (await import('./footprint.js')).benchIdle,
  memory: async () => (await import('./footprint.js')).benchMemory,
  store: async () => (await import('./store.js')).benchStore,
  services: async () => (await import('./services.js')).benchServices,
  containers: async () => (await import('./containers.js')).benchContainers,
  'cloud-operations': async () => (await import('./cloud-operations.js')).benchCloudOperations,
  'cloud-month': async () => (await import('./cloud-month.js')).benchCloudMonth,
  'cloud-cold': async () => (await import('./cloud-cold.js')).benchCloudCold,
  'cloud-running': async () => (await import('./cloud-running.js')).benchCloudRunning,
  'cloud-writes': async () => (await import('./cloud-writes.js')).benchCloudWrites,
  dns: async () => (await import('./dns.js')).benchDns,
};
