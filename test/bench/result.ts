/** One line of the table that `npm run bench` prints. */
export interface BenchResult {
  name: string;
  value: string;
  /** What we aim at. */
  aim?: string;
}

/** A bench: measures, says on the way what it is doing, and resolves with its lines. */
export type Bench = (say: (text: string) => void) => Promise<BenchResult[]>;
