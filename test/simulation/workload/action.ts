import { namespaces } from '../../../lib/client/resources.js';
import type { World } from '../world.js';
import type { User } from './user.js';

/** One thing a user or an administrator does. */
export interface Action {
  name: string;
  /** How often it is drawn, relative to the others. */
  weight: number;
  run(user: User, world: World): Promise<void>;
}

/** Namespaces that users work in; the last one is deleted and made again. */
export const NAMESPACES = ['default', 'team', 'passing'] as const;
export const PASSING_NAMESPACE = 'passing';

/** One that is there: not one that is only just asked for. */
export function pickNamespace(user: User): string {
  const namespace = user.dice.pick(NAMESPACES);
  return user.wishesFor(namespaces).some(({ name }) => name === namespace) ? namespace : 'default';
}

/** One of the wishes for a kind, if there are any, to do something to it. */
export function pickWish(
  user: User,
  resource: Parameters<User['wishesFor']>[0],
): ReturnType<User['wishesFor']>[number] | undefined {
  const wishes = user.wishesFor(resource);
  return wishes.length === 0 ? undefined : user.dice.pick(wishes);
}
