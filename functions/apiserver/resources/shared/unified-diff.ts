const CONTEXT_LINES = 3;

type Line = [mark: ' ' | '-' | '+', text: string];

/** The difference of two values as a unified diff of their JSON, as Kubernetes shows what may not be changed. */
export function unifiedDiff(before: unknown, after: unknown): string {
  const a = JSON.stringify(before, undefined, 1).split('\n');
  const b = JSON.stringify(after, undefined, 1).split('\n');
  return hunks(compare(a, b)).join('');
}

/** Longest common subsequence between what the equal ends leave over. */
function compare(a: readonly string[], b: readonly string[]): Line[] {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end += 1;

  const left = a.slice(start, a.length - end);
  const right = b.slice(start, b.length - end);
  const width = right.length + 1;
  const lengths = new Uint32Array((left.length + 1) * width);
  const length = (i: number, j: number): number => lengths[i * width + j] ?? 0;
  for (let i = left.length - 1; i >= 0; i -= 1) {
    for (let j = right.length - 1; j >= 0; j -= 1) {
      lengths[i * width + j] =
        left[i] === right[j] ? length(i + 1, j + 1) + 1 : Math.max(length(i + 1, j), length(i, j + 1));
    }
  }

  const lines: Line[] = a.slice(0, start).map((text) => [' ', text]);
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    const before = left[i];
    const after = right[j];
    if (before !== undefined && before === after) {
      lines.push([' ', before]);
      i += 1;
      j += 1;
    } else if (before !== undefined && (after === undefined || length(i + 1, j) >= length(i, j + 1))) {
      lines.push(['-', before]);
      i += 1;
    } else {
      lines.push(['+', after ?? '']);
      j += 1;
    }
  }
  for (const text of a.slice(a.length - end)) lines.push([' ', text]);
  return lines;
}

function hunks(lines: readonly Line[]): string[] {
  const shown = new Set<number>();
  for (const [index, [mark]] of lines.entries()) {
    if (mark === ' ') continue;
    for (let near = index - CONTEXT_LINES; near <= index + CONTEXT_LINES; near += 1) {
      if (near >= 0 && near < lines.length) shown.add(near);
    }
  }
  const texts: string[] = [];
  let beforeLine = 1;
  let afterLine = 1;
  let hunk: Line[] = [];
  let hunkStart: [before: number, after: number] = [1, 1];
  const close = (): void => {
    if (hunk.length === 0) return;
    const removed = hunk.filter(([mark]) => mark !== '+').length;
    const added = hunk.filter(([mark]) => mark !== '-').length;
    texts.push(`@@ -${range(hunkStart[0], removed)} +${range(hunkStart[1], added)} @@\n`);
    texts.push(...hunk.map(([mark, text]) => `${mark}${text}\n`));
    hunk = [];
  };
  for (const [index, line] of lines.entries()) {
    if (shown.has(index)) {
      if (hunk.length === 0) hunkStart = [beforeLine, afterLine];
      hunk.push(line);
    } else {
      close();
    }
    if (line[0] !== '+') beforeLine += 1;
    if (line[0] !== '-') afterLine += 1;
  }
  close();
  return texts;
}

function range(start: number, count: number): string {
  if (count === 1) return String(start);
  return `${count === 0 ? start - 1 : start},${count}`;
}
