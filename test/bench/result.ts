/** One line of the table that `npm run bench` prints. */
export interface BenchResult {
  name: string;
  value: string;
  /** What we aim at. */
  aim?: string;
}
