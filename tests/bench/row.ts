/** One measurement in the table that `deno task bench` prints. */
export interface Row {
  /** What was measured, as a phrase. */
  what: string;
  /** The figure, with its unit. */
  ours: string;
  /** What it is compared with, measured in the same run. */
  beside?: string;
  /** Ours divided by the other. */
  ratio?: number;
  /** What we want it to be. */
  target?: string;
}

/** The value below which the given part of the measurements lies. */
export function percentile(values: number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}

/** Median and 99th percentile, in milliseconds. */
export function spread(ms: number[]): string {
  return `${percentile(ms, 0.5).toFixed(2)} ms, p99 ${percentile(ms, 0.99).toFixed(2)} ms`;
}

/** How long each of `times` calls took, one after the other, in milliseconds. */
export async function each(
  times: number,
  call: (i: number) => Promise<unknown>,
): Promise<number[]> {
  const ms: number[] = [];
  for (let i = 0; i < times; i++) {
    const start = performance.now();
    await call(i);
    ms.push(performance.now() - start);
  }
  return ms;
}

/** Calls a second with so many at once. */
export async function rate(
  times: number,
  atOnce: number,
  call: (i: number) => Promise<unknown>,
): Promise<number> {
  let next = 0;
  const start = performance.now();
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (next < times) await call(next++);
  }));
  return times / ((performance.now() - start) / 1000);
}
