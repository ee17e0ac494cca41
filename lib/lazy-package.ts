import { createRequire } from 'node:module';

const load = createRequire(import.meta.url);

/**
 * A package that is loaded when it is first asked for, at once and without a promise: large ones that most processes never need, called from
 * places that cannot wait. Bundles carry them as files beside themselves (see scripts/build.ts).
 */
export function lazyPackage<T>(name: LazyPackageName): () => T {
  let loaded: T | undefined;
  return () => (loaded ??= load(name) as T);
}

/** All of them: what goes beside a bundle. */
export const LAZY_PACKAGES = ['croner', 're2js', 'yaml'] as const;

export type LazyPackageName = (typeof LAZY_PACKAGES)[number];
