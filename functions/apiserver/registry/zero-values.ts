import { isJsonObject } from '../../../lib/json/path.js';
import { shapeOf, type Shape } from '../../../lib/schema/engine/index.js';
import type { Schema, SchemaSource } from '../../../lib/schema/schema.js';

/**
 * In Go a member that is no pointer is always there, as its zero value. Kubernetes' rules look at it without asking, and where
 * it is required it is written even so (`"template":{}`, `"schedule":""`). So required members with a zero value as default
 * are filled in, and the spec of an object too; hooks of kinds may then rely on them. Changes `object`.
 */
export function fillZeroValues(schema: Schema, object: object, source: SchemaSource): void {
  const shape = shapeOf(schema, source);
  const spec = shape.fields.get('spec');
  const root = object as Record<string, unknown>;
  if (spec !== undefined && root.spec === undefined && isEmptyObject(spec.schema.default)) root.spec = {};
  fill(planOf(shape), root);
}

/** What has to be filled in an object of a shape, and where to look further. */
interface Plan {
  readonly zeros: [name: string, zero: '' | 0 | false | 'struct'][];
  readonly members: [name: string, plan: Plan][];
  element: Plan | undefined;
  /** Something is to be filled here or below. */
  needed: boolean;
}

const plans = new WeakMap<Shape, Plan>();

function planOf(shape: Shape): Plan {
  const known = plans.get(shape);
  if (known !== undefined) return known;
  const plan: Plan = { zeros: [], members: [], element: undefined, needed: false };
  plans.set(shape, plan);
  for (const [name, field] of shape.fields) {
    const zero = field.required ? zeroOf(field.schema.default) : undefined;
    if (zero !== undefined) plan.zeros.push([name, zero]);
    const inner = planOf(field.shape);
    // A shape that contains itself is still being planned: it is looked into, which costs little.
    if (inner.needed || plan === inner || !isFinal(field.shape)) plan.members.push([name, inner]);
  }
  if (shape.element !== undefined) {
    const inner = planOf(shape.element.shape);
    if (inner.needed || !isFinal(shape.element.shape)) plan.element = inner;
  }
  plan.needed = plan.zeros.length > 0 || plan.members.length > 0 || plan.element !== undefined;
  finals.add(shape);
  return plan;
}

const finals = new WeakSet<Shape>();

function isFinal(shape: Shape): boolean {
  return finals.has(shape);
}

function fill(plan: Plan, value: Record<string, unknown>): void {
  for (const [name, zero] of plan.zeros) if (value[name] === undefined) value[name] = zero === 'struct' ? {} : zero;
  for (const [name, inner] of plan.members) descend(inner, value[name]);
  if (plan.element !== undefined) for (const name in value) descend(plan.element, value[name]);
}

function descend(plan: Plan, value: unknown): void {
  if (Array.isArray(value)) {
    if (plan.element !== undefined) for (const item of value) descend(plan.element, item);
  } else if (isJsonObject(value)) {
    fill(plan, value);
  }
}

function zeroOf(value: unknown): '' | 0 | false | 'struct' | undefined {
  if (value === '' || value === 0 || value === false) return value;
  return isEmptyObject(value) ? 'struct' : undefined;
}

function isEmptyObject(value: unknown): boolean {
  return isJsonObject(value) && Object.keys(value).length === 0;
}
