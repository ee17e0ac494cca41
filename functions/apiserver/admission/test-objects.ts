import type { KubernetesObject } from '../../../lib/api/meta.js';
import type { AdmissionAttributes, ObjectReader, ServedKinds } from './plugin.js';

/** Objects in memory for unit tests, by plural: `new TestObjects({ pods: [pod] })`. */
export class TestObjects implements ObjectReader {
  readonly #objects: Record<string, KubernetesObject[]>;

  constructor(objects: Record<string, object[]> = {}) {
    this.#objects = objects as Record<string, KubernetesObject[]>;
  }

  /** Replaces an object of that name, or adds it. */
  put(plural: string, object: object): void {
    const added = object as KubernetesObject;
    const others = this.#of(plural).filter(
      (other) => !isNamed(other, added.metadata?.namespace ?? '', added.metadata?.name),
    );
    this.#objects[plural] = [...others, added];
  }

  remove(plural: string, namespace: string, name: string): void {
    this.#objects[plural] = this.#of(plural).filter((object) => !isNamed(object, namespace, name));
  }

  async get<T extends KubernetesObject>(
    kind: { group: string; plural: string },
    namespace: string,
    name: string,
  ): Promise<T | undefined> {
    return this.#of(kind.plural).find((object) => isNamed(object, namespace, name)) as T | undefined;
  }

  async list<T extends KubernetesObject>(kind: { group: string; plural: string }, namespace?: string): Promise<T[]> {
    return this.#of(kind.plural).filter(
      (object) => namespace === undefined || object.metadata?.namespace === namespace,
    ) as T[];
  }

  async policy<T extends KubernetesObject>(
    kind: { group: string; plural: string },
    namespace?: string,
  ): Promise<readonly T[]> {
    return this.list<T>(kind, namespace);
  }

  #of(plural: string): KubernetesObject[] {
    return this.#objects[plural] ?? [];
  }
}

function isNamed(object: KubernetesObject, namespace: string, name: string | undefined): boolean {
  return (object.metadata?.namespace ?? '') === namespace && object.metadata?.name === name;
}

/** The parts of attributes that only webhooks and policies look at, for plugins that do not. */
export function requestForTests(): Pick<AdmissionAttributes, 'request' | 'reinvocation'> {
  const none = async (): Promise<never> => Promise.reject(new Error('this test has no request'));
  return {
    request: {
      options: undefined,
      name: () => '',
      form: {
        group: '',
        version: '',
        resource: '',
        kind: { group: '', version: '', kind: '' },
        object: none,
        oldObject: none,
        accept: none,
        merge: (object) => object,
      },
      equivalents: () => [],
      signal: new AbortController().signal,
      deadlineMs: Number.POSITIVE_INFINITY,
    },
    reinvocation: { isAgain: false, request: () => undefined, memory: new Map() },
  };
}

/** Nothing is served: for plugins that do not look. */
export const NO_KINDS: ServedKinds = { all: () => [], show: (_resource, stored) => stored };
