import { AUTHORIZER_TYPE, CelAccess, RESOURCE_CHECK_TYPE } from '../../../../lib/cel/index.js';
import type { CelAccessAnswer, CelAccessQuestion } from '../../../../lib/cel/index.js';
import type { UserInfo } from '../../../../lib/api/meta.js';
import type { Authorizer } from '../../auth/auth.js';
import { serviceAccountGroups, serviceAccountUsername } from '../../auth/users.js';
import type { AdmissionAttributes } from '../plugin.js';
import { namespaceOf } from './rules.js';

/**
 * Lets expressions ask the authorizer, which takes time, although expressions cannot wait: a question without an answer is noted and
 * answered with no; then the answers are fetched and the expression is evaluated again. Answers are kept for the whole request.
 */
export class AccessQuestions {
  readonly #authorizer: Authorizer;
  readonly #attributes: AdmissionAttributes;
  readonly #answers = new Map<string, CelAccessAnswer>();
  #open = new Map<string, CelAccessQuestion>();

  constructor(authorizer: Authorizer, attributes: AdmissionAttributes) {
    this.#authorizer = authorizer;
    this.#attributes = attributes;
  }

  /** The variables `authorizer` and `authorizer.requestResource`. */
  get variables(): Record<string, unknown> {
    const { request, subresource } = this.#attributes;
    const { group, resource } = request.form;
    const ask = (question: CelAccessQuestion): CelAccessAnswer => this.#ask(question);
    const about = {
      group,
      resource,
      subresource,
      namespace: namespaceOf(this.#attributes),
      name: request.name('validate'),
    };
    return {
      authorizer: new CelAccess(ask, {}, AUTHORIZER_TYPE.name),
      'authorizer.requestResource': new CelAccess(ask, about, RESOURCE_CHECK_TYPE.name),
    };
  }

  /** Fetches what is missing; false when nothing was. */
  async answer(): Promise<boolean> {
    if (this.#open.size === 0) return false;
    const open = [...this.#open];
    this.#open = new Map();
    await Promise.all(
      open.map(async ([key, question]) => {
        this.#answers.set(key, await this.#authorize(question));
      }),
    );
    return true;
  }

  #ask(question: CelAccessQuestion): CelAccessAnswer {
    const key = JSON.stringify(question);
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    this.#open.set(key, question);
    return { allowed: false, reason: '' };
  }

  async #authorize(question: CelAccessQuestion): Promise<CelAccessAnswer> {
    const { verb, path = '', serviceAccount } = question;
    const { group = '', resource = '', subresource = '', namespace = '', name = '', fieldSelector = '' } = question;
    const user: UserInfo =
      serviceAccount === undefined
        ? this.#attributes.user
        : {
            username: serviceAccountUsername(serviceAccount.namespace, serviceAccount.name),
            groups: [...serviceAccountGroups(serviceAccount.namespace), 'system:authenticated'],
          };
    try {
      const common = { user, verb, group, resource, subresource, namespace, name, path, fieldSelector };
      return await this.#authorizer.authorize({ ...common, version: '*', resourceRequest: path === '' });
    } catch (error) {
      return { allowed: false, reason: '', error: error instanceof Error ? error.message : String(error) };
    }
  }
}
