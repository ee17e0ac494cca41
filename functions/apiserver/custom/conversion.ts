import { ApiError, internalError } from '../../../lib/api/errors.js';
import { apiVersionOf, type KubernetesObject } from '../../../lib/api/meta.js';
import { randomUuid, type Random } from '../../../lib/random.js';
import type { V1CustomResourceDefinitionSpec } from '../../../lib/schema/generated/types.js';
import type { WebhookCaller } from '../webhooks/webhook-caller.js';
import { cloneJson, equalJson } from '../registry/json-values.js';
import { CONVERSION_BATCH_MAX, CONVERSION_TIMEOUT_MS } from './limits.js';

type Review = KubernetesObject & {
  response?: {
    uid?: string;
    convertedObjects?: KubernetesObject[];
    result?: { status?: string; message?: string };
  };
};

/** Brings objects of a custom resource to another version, as its definition says. */
export class Converter {
  readonly #caller: WebhookCaller | undefined;
  readonly #random: Random;

  constructor(caller: WebhookCaller | undefined, random: Random) {
    this.#caller = caller;
    this.#random = random;
  }

  /** The objects in that version, in their order. Those that are in it already are the same. Throws an ApiError when the webhook fails. */
  async convert(
    spec: V1CustomResourceDefinitionSpec,
    objects: readonly KubernetesObject[],
    version: string,
  ): Promise<KubernetesObject[]> {
    const apiVersion = apiVersionOf(spec.group, version);
    const others = objects.filter((object) => object.apiVersion !== apiVersion);
    if (others.length === 0) return [...objects];
    if (spec.conversion?.strategy !== 'Webhook')
      return objects.map((object) => (object.apiVersion === apiVersion ? object : { ...object, apiVersion }));
    const converted = new Map<KubernetesObject, KubernetesObject>();
    for (let start = 0; start < others.length; start += CONVERSION_BATCH_MAX) {
      const batch = others.slice(start, start + CONVERSION_BATCH_MAX);
      const answers = await this.#ask(spec, batch, apiVersion);
      for (const [index, object] of batch.entries()) {
        const answer = answers[index];
        if (answer !== undefined) converted.set(object, checked(spec, object, answer, apiVersion));
      }
    }
    return objects.map((object) => converted.get(object) ?? object);
  }

  async #ask(
    spec: V1CustomResourceDefinitionSpec,
    objects: readonly KubernetesObject[],
    desiredAPIVersion: string,
  ): Promise<KubernetesObject[]> {
    const kind = spec.names.kind;
    const { webhook } = spec.conversion ?? {};
    const failed = (why: string): ApiError =>
      internalError(`conversion webhook for ${objects[0]?.apiVersion ?? ''}, Kind=${kind} failed: ${why}`);
    if (this.#caller === undefined || webhook?.clientConfig === undefined)
      throw failed('this server has nothing to call webhooks with');
    if (!(webhook.conversionReviewVersions ?? []).includes('v1'))
      throw failed('the webhook does not know ConversionReview v1, add it to conversionReviewVersions');
    const uid = randomUuid(this.#random);
    const review = {
      kind: 'ConversionReview',
      apiVersion: 'apiextensions.k8s.io/v1',
      request: { uid, desiredAPIVersion, objects },
    };
    let answer: Review;
    try {
      answer = (await this.#caller.post(webhook.clientConfig, { review, timeoutMs: CONVERSION_TIMEOUT_MS })) as Review;
    } catch (error) {
      throw failed(error instanceof Error ? error.message : String(error));
    }
    const { response } = answer;
    if (response === undefined) throw failed('the response carries no response');
    if (response.uid !== uid)
      throw failed(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? '')}`);
    if (response.result?.status !== 'Success') throw failed(response.result?.message ?? 'the webhook gave no reason');
    const found = response.convertedObjects ?? [];
    if (!Array.isArray(found) || found.length !== objects.length)
      throw failed(`expected ${objects.length} converted objects, got ${found.length}`);
    return found;
  }
}

/** A webhook may change what is in an object, of its metadata labels and annotations only. */
function checked(
  spec: V1CustomResourceDefinitionSpec,
  before: KubernetesObject,
  after: KubernetesObject,
  apiVersion: string,
): KubernetesObject {
  const refuse = (why: string): ApiError =>
    internalError(`conversion webhook for ${before.apiVersion ?? ''}, Kind=${spec.names.kind} failed: ${why}`);
  if (after?.apiVersion !== apiVersion)
    throw refuse(`invalid groupVersion (expected ${apiVersion}, received ${String(after?.apiVersion)})`);
  if (after.kind !== before.kind)
    throw refuse(`invalid kind (expected ${String(before.kind)}, received ${String(after.kind)})`);
  const { labels, annotations, ...rest } = after.metadata ?? {};
  const { labels: _labels, annotations: _annotations, ...own } = before.metadata ?? {};
  for (const field of ['name', 'namespace', 'uid'] as const) {
    if (rest[field] !== own[field])
      throw refuse(`invalid metadata: must have the same ${field}: ${String(own[field])} != ${String(rest[field])}`);
  }
  const metadata = {
    ...(equalJson(rest, own) ? rest : cloneJson(own)),
    ...(labels === undefined ? {} : { labels }),
    ...(annotations === undefined ? {} : { annotations }),
  };
  return { ...after, metadata };
}
