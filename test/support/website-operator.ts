import {
  CoordinationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  KubernetesObjectApi,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  V1MicroTime,
  type Informer,
  type KubernetesObject,
  type ObjectCache,
  type V1Deployment,
} from 'kubernetes-client';

export const WEBSITE = { group: 'example.com', version: 'v1', plural: 'websites' };
export const DIRECTORY = 'directory';
const FINALIZER = 'example.com/directory';
const MANAGER = 'website-operator';
const LEASE = 'website-operator';
const LEASE_SECONDS = 3;
const RENEW_MS = 700;
const RETRY_MS = 300;
/** As client-go's informers: everything is looked at anew now and then. */
const RESYNC_MS = 2_000;

export interface Website extends KubernetesObject {
  spec?: { replicas?: number; host?: string };
  status?: { observedGeneration?: number; readyReplicas?: number };
}

type Cached<T extends KubernetesObject> = Informer<T> & ObjectCache<T>;

/**
 * A small operator as people write them: informers, one worker, leader election, a finalizer, owned objects by server-side apply and a
 * status. A website is a Deployment and its host's line in a directory, which many share and which must go when the website goes.
 */
export class WebsiteOperator {
  readonly identity: string;
  /** Reconciles that were begun as the leader. */
  reconciles = 0;
  readonly #namespace: string;
  readonly #objects: KubernetesObjectApi;
  readonly #custom: CustomObjectsApi;
  readonly #core: CoreV1Api;
  readonly #leases: CoordinationV1Api;
  readonly #websites: Cached<Website>;
  readonly #deployments: Cached<V1Deployment>;
  readonly #queue = new Set<string>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #leaderUntilMs = 0;
  #isKilled = false;
  #isWorking = false;

  constructor(options: { kubeconfig: string; namespace: string; identity: string }) {
    const config = new KubeConfig();
    config.loadFromFile(options.kubeconfig);
    this.identity = options.identity;
    this.#namespace = options.namespace;
    this.#objects = KubernetesObjectApi.makeApiClient(config);
    this.#custom = config.makeApiClient(CustomObjectsApi);
    this.#core = config.makeApiClient(CoreV1Api);
    this.#leases = config.makeApiClient(CoordinationV1Api);
    const { namespace } = options;
    this.#websites = makeInformer<Website>(config, `/apis/example.com/v1/namespaces/${namespace}/websites`, () =>
      this.#objects.list<Website>('example.com/v1', 'Website', namespace),
    );
    this.#deployments = makeInformer<V1Deployment>(config, `/apis/apps/v1/namespaces/${namespace}/deployments`, () =>
      this.#objects.list<V1Deployment>('apps/v1', 'Deployment', namespace),
    );
  }

  async start(): Promise<void> {
    for (const event of ['add', 'update', 'delete'] as const) {
      this.#websites.on(event, ({ metadata }) => this.#enqueue(metadata?.name));
      this.#deployments.on(event, ({ metadata }) => this.#enqueue(metadata?.ownerReferences?.[0]?.name));
    }
    for (const informer of [this.#websites, this.#deployments]) {
      informer.on('error', () => this.#later(RETRY_MS, () => void informer.start().catch(() => undefined)));
      await informer.start();
    }
    void this.#elect();
    this.#resync();
  }

  /** Dies: nothing is finished, nothing released. */
  async kill(): Promise<void> {
    this.#isKilled = true;
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all([this.#websites.stop(), this.#deployments.stop()]);
  }

  #later(ms: number, run: () => void): void {
    if (this.#isKilled) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, ms);
    this.#timers.add(timer);
  }

  #resync(): void {
    for (const { metadata } of this.#websites.list(this.#namespace)) this.#enqueue(metadata?.name);
    this.#later(RESYNC_MS, () => this.#resync());
  }

  #enqueue(name: string | undefined): void {
    if (name === undefined || this.#isKilled) return;
    this.#queue.add(name);
    void this.#work();
  }

  get #isLeader(): boolean {
    return !this.#isKilled && Date.now() < this.#leaderUntilMs;
  }

  async #work(): Promise<void> {
    if (this.#isWorking) return;
    this.#isWorking = true;
    try {
      for (const name of this.#queue) {
        if (!this.#isLeader) break;
        this.#queue.delete(name);
        this.reconciles++;
        try {
          await this.#reconcile(name);
        } catch {
          this.#later(RETRY_MS, () => this.#enqueue(name));
        }
      }
    } finally {
      this.#isWorking = false;
    }
  }

  async #elect(): Promise<void> {
    const startMs = Date.now();
    if (await this.#tryToLead(startMs).catch(() => false)) {
      this.#leaderUntilMs = startMs + LEASE_SECONDS * 1_000;
      void this.#work();
    }
    this.#later(RENEW_MS, () => void this.#elect());
  }

  async #tryToLead(nowMs: number): Promise<boolean> {
    const namespace = this.#namespace;
    const spec = {
      holderIdentity: this.identity,
      leaseDurationSeconds: LEASE_SECONDS,
      renewTime: new V1MicroTime(nowMs),
    };
    const found = (await this.#leases.listNamespacedLease({ namespace, fieldSelector: `metadata.name=${LEASE}` }))
      .items[0];
    if (found === undefined) {
      const body = {
        metadata: { name: LEASE, namespace },
        spec: { ...spec, acquireTime: spec.renewTime, leaseTransitions: 0 },
      };
      await this.#leases.createNamespacedLease({ namespace, body });
      return true;
    }
    const { holderIdentity, renewTime, leaseTransitions = 0 } = found.spec ?? {};
    const isMine = holderIdentity === this.identity;
    if (!isMine && nowMs < new Date(renewTime ?? 0).getTime() + LEASE_SECONDS * 1_000) return false;
    const taken = isMine ? {} : { acquireTime: spec.renewTime, leaseTransitions: leaseTransitions + 1 };
    // Of two that try, the second has read what is no longer so.
    await this.#leases.replaceNamespacedLease({
      namespace,
      name: LEASE,
      body: changed(found, { spec: changed(found.spec ?? {}, { ...spec, ...taken }) }),
    });
    return true;
  }

  async #reconcile(name: string): Promise<void> {
    const website = this.#websites.get(name, this.#namespace);
    if (website === undefined) return;
    const { deletionTimestamp, finalizers = [] } = website.metadata ?? {};
    if (deletionTimestamp !== undefined) {
      if (!finalizers.includes(FINALIZER)) return;
      await this.#writeDirectory(name, undefined);
      const rest = finalizers.filter((one) => one !== FINALIZER);
      await this.#objects.replace(withFinalizers(website, rest));
      return;
    }
    if (!finalizers.includes(FINALIZER)) {
      await this.#objects.replace(withFinalizers(website, [...finalizers, FINALIZER]));
      return;
    }
    await this.#writeDirectory(name, website.spec?.host ?? '');
    await this.#applyDeployment(name, website);
    await this.#applyStatus(name, website);
  }

  /** Read, change, write: somebody else writes the same object all the time. */
  async #writeDirectory(name: string, host: string | undefined): Promise<void> {
    const at = { namespace: this.#namespace, name: DIRECTORY };
    const map = await this.#core.readNamespacedConfigMap(at);
    if (map.data?.[name] === host) return;
    const { [name]: _old, ...others } = map.data ?? {};
    const data = host === undefined ? others : { ...others, [name]: host };
    await this.#core.replaceNamespacedConfigMap({ ...at, body: changed(map, { data }) });
  }

  async #applyDeployment(name: string, website: Website): Promise<void> {
    const labels = { website: name };
    const owner = {
      apiVersion: 'example.com/v1',
      kind: 'Website',
      name,
      uid: website.metadata?.uid ?? '',
      controller: true,
      blockOwnerDeletion: true,
    };
    await this.#objects.patch(
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name, namespace: this.#namespace, labels, ownerReferences: [owner] },
        spec: {
          replicas: website.spec?.replicas ?? 1,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'example.com/web:1' }] } },
        },
      } as V1Deployment,
      undefined,
      undefined,
      MANAGER,
      true,
      PatchStrategy.ServerSideApply,
    );
  }

  async #applyStatus(name: string, website: Website): Promise<void> {
    const readyReplicas = this.#deployments.get(name, this.#namespace)?.status?.readyReplicas ?? 0;
    const observedGeneration = website.metadata?.generation;
    const { status } = website;
    if (status?.observedGeneration === observedGeneration && status?.readyReplicas === readyReplicas) return;
    await this.#custom.patchNamespacedCustomObjectStatus(
      {
        ...WEBSITE,
        namespace: this.#namespace,
        name,
        fieldManager: MANAGER,
        force: true,
        body: {
          apiVersion: 'example.com/v1',
          kind: 'Website',
          metadata: { name },
          status: { observedGeneration, readyReplicas },
        },
      },
      setHeaderOptions('Content-Type', PatchStrategy.ServerSideApply),
    );
  }
}

function withFinalizers(website: Website, finalizers: string[]): Website {
  return changed(website, { metadata: changed(website.metadata ?? {}, { finalizers }) });
}

/** A copy with other fields; what the cache holds is not touched. */
function changed<T extends object>(object: T, change: Partial<T>): T {
  return Object.assign(Object.create(Object.getPrototypeOf(object) as object) as T, object, change);
}
