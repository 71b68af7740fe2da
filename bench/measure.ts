/** One figure of a benchmark, in the shape that every suite writes. */
export interface Row {
  /** What was done, with its sizes: 's16 20 ms 16 kHz'. */
  readonly case: string;
  /** What did it: 'micwire', or a peer's name. */
  readonly subject: string;
  /** What was measured: 'time', 'throughput', 'alias' … */
  readonly metric: string;
  readonly value: number;
  /** Of `value`: 'ns', 'MB/s', 'dB' … */
  readonly unit: string;
}

export interface Timing {
  /** Median over the rounds, ns per call. */
  readonly medianNs: number;
  /** Fastest round, ns per call. */
  readonly bestNs: number;
}

export interface MeasureOptions {
  /** @default 31 */
  readonly rounds?: number;
  /** How long one subject runs in one round, ms. @default 5 */
  readonly batchMs?: number;
}

/** Results go here, so that no engine may drop the work as unused. */
let sink: unknown;

/**
 * Times functions against each other. The subjects take turns in short batches, and who begins moves on each round, so
 * that whatever else the machine does hits all alike; quote ratios of medians, from one run.
 */
export function timeInTurns<Name extends string>(
  subjects: Readonly<Record<Name, () => unknown>>,
  { rounds = 31, batchMs = 5 }: MeasureOptions = {},
): Record<Name, Timing> {
  const names = Object.keys(subjects) as Name[];
  const calls = names.map((name) => callsPerBatch(subjects[name], batchMs));
  const times: number[][] = names.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const which = (turn + round) % names.length;
      const count = calls[which]!;
      times[which]!.push(batch(subjects[names[which]!], count) / count);
    }
  }
  const entries = names.map((name, which) => {
    const sorted = times[which]!.toSorted((a, b) => a - b);
    return [name, { medianNs: sorted[sorted.length >> 1]!, bestNs: sorted[0]! }] as const;
  });
  return Object.fromEntries(entries) as Record<Name, Timing>;
}

/** The middle of `values` (the upper one of an even count). */
export function median(values: readonly number[]): number {
  const middle = values.toSorted((a, b) => a - b)[values.length >> 1];
  if (middle === undefined) throw new RangeError('There is no median of nothing.');
  return middle;
}

/** Warms `subject` up and finds how often it runs in `batchMs`. */
function callsPerBatch(subject: () => unknown, batchMs: number): number {
  const wantedNs = batchMs * 1e6;
  let count = 1;
  for (;;) {
    // The better of two: a pause of the machine or the compiler must not pass for the subject's own time.
    const ns = Math.min(batch(subject, count), batch(subject, count));
    if (ns >= wantedNs) return Math.max(1, Math.round((count * wantedNs) / ns));
    count = Math.ceil(count * Math.min(10, Math.max(1.5, (1.2 * wantedNs) / (ns + 1))));
  }
}

/** Nanoseconds that `count` calls took. A page's clock may be as coarse as 0.1 ms: batches are much longer. */
function batch(subject: () => unknown, count: number): number {
  const start = performance.now();
  for (let call = 0; call < count; call++) sink = subject();
  return (performance.now() - start) * 1e6;
}

/** The last result, for the curious; it exists so that `sink` is read. */
export function lastResult(): unknown {
  return sink;
}
