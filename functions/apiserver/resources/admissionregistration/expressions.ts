import { LateModule } from '../../../../lib/late-module.js';

/** What compiles expressions: large, and of use only to who writes policies and webhooks with conditions. */
export const expressions = new LateModule(() => import('../../admission/dynamic/cel-environment.js'));
