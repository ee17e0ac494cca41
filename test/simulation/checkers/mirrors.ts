import { collectionName } from '../../../lib/client/resource.js';
import type { Checker } from './cluster-state.js';
import { nameOf } from './pods.js';

/** Who has followed a collection through the whole storm, with watches that broke, has come to the same objects as who lists it now. */
export const watchesToldEverything: Checker = (state) =>
  [...state.mirrors].flatMap(([resource, followed]) => {
    const listed = state.collections.get(collectionName(resource)) ?? [];
    const versions = new Map(listed.map((object) => [nameOf(object), JSON.stringify(object)]));
    const problems: string[] = [];
    for (const object of followed) {
      const name = nameOf(object);
      const present = versions.get(name);
      if (present === undefined) problems.push(`${name} is gone, and a watch has not said so`);
      else if (present !== JSON.stringify(object)) problems.push(`${name} is not as a watch has said`);
      versions.delete(name);
    }
    return [...problems, ...[...versions.keys()].map((name) => `a watch has not told of ${name}`)];
  });
