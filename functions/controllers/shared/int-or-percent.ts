/** A count, or a percentage of another count: `25%`. */
export type IntOrPercent = number | string;

/** The count that is meant, a percentage of `total` rounded as said. Throws for a string that is no percentage. */
export function scaledValue(value: IntOrPercent, total: number, round: 'up' | 'down'): number {
  if (typeof value === 'number') return value;
  const match = /^(-?\d+)%$/.exec(value);
  if (match === null) throw new Error(`invalid value for IntOrString: invalid type: string is not a percentage`);
  const exact = (Number(match[1]) * total) / 100;
  return round === 'up' ? Math.ceil(exact) : Math.floor(exact);
}
