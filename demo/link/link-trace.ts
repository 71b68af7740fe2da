import { describeOutside, numberIn } from '../../src/core/arguments.ts';

/** What a link did from one moment on, until the next point. */
interface LinkTracePoint {
  /** ms from the trace's beginning. */
  readonly atMs: number;
  /** One-way delay, in ms; -1: packets were lost. */
  readonly delayMs: number;
}

/** What a link did over some time, recorded. A replay restarts at its end. */
export interface LinkTrace {
  /** Its length in ms. */
  readonly durationMs: number;
  /** In the order of time, the first at 0. At least one. */
  readonly points: readonly LinkTracePoint[];
}

/** Most points of a trace: some 17 minutes in steps of 20 ms. */
export const MAX_TRACE_POINTS = 50_000;
const MAX_DURATION_MS = 86_400_000;
const MAX_DELAY_MS = 60_000;

/**
 * Checks a trace that comes from anywhere.
 * @returns a copy
 * @throws TypeError or RangeError with expected and actual
 */
export function checkLinkTrace(value: unknown): LinkTrace {
  const { durationMs, points } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (!Array.isArray(points) || points.length < 1 || points.length > MAX_TRACE_POINTS) {
    throw new TypeError(
      `trace.points must be an array of 1 to ${MAX_TRACE_POINTS}, got ${Array.isArray(points) ? points.length : describeOutside(points)}.`,
    );
  }
  let previous = -1;
  const checked = points.map((point: unknown, index): LinkTracePoint => {
    const { atMs, delayMs } = (point ?? {}) as Readonly<Record<string, unknown>>;
    const at = numberIn(`trace.points[${index}].atMs`, atMs, 0, MAX_DURATION_MS, describeOutside);
    if (index === 0 ? at !== 0 : at <= previous) {
      throw new RangeError(
        `trace.points[${index}].atMs must be ${index === 0 ? 0 : `above ${previous}`}, got ${at}.`,
      );
    }
    previous = at;
    if (delayMs === -1) return { atMs: at, delayMs };
    return {
      atMs: at,
      delayMs: numberIn(
        `trace.points[${index}].delayMs`,
        delayMs,
        0,
        MAX_DELAY_MS,
        describeOutside,
      ),
    };
  });
  const duration = numberIn('trace.durationMs', durationMs, 0, MAX_DURATION_MS, describeOutside);
  if (duration <= previous) {
    throw new RangeError(`trace.durationMs must be above ${previous}, got ${duration}.`);
  }
  return { durationMs: duration, points: checked };
}

/**
 * Reads a trace from text. A line holds a time and a one-way delay, both in ms, separated by white space or a comma; `lost`
 * instead of the delay says that packets were lost from then on. A last line with `end` instead of the delay says how long
 * the trace is; without it, the last point lasts as long as the one before it (1 s when it is the only one). Times may
 * begin anywhere: the first line is time 0. What follows `#` is a comment. See docs/link.md.
 * @throws SyntaxError with the line's number; TypeError and RangeError as `checkLinkTrace`
 */
export function parseLinkTrace(text: string): LinkTrace {
  const points: LinkTracePoint[] = [];
  let first = 0;
  let durationMs = -1;
  for (const [index, line] of text.split(/\r\n|[\r\n]/).entries()) {
    const words = line.replace(/#.*$/s, '').trim();
    if (words === '') continue;
    const [time = '', delay = '', ...more] = words.split(/\s*,\s*|\s+/);
    const at = Number(time);
    const lasts = delay === 'end';
    const delayMs = delay === 'lost' ? -1 : Number(delay);
    const known = delay === 'lost' || lasts || (delay !== '' && delayMs >= 0);
    if (time === '' || !Number.isFinite(at) || !known || more.length > 0 || durationMs >= 0) {
      throw new SyntaxError(
        `Line ${index + 1} of a trace must be a time and a delay in ms, or 'lost', or at the very end 'end'; ` +
          `got ${describeOutside(line)}.`,
      );
    }
    if (points.length === 0) first = at;
    if (lasts) durationMs = at - first;
    else if (points.length < MAX_TRACE_POINTS) points.push({ atMs: at - first, delayMs });
    else throw new RangeError(`A trace must have at most ${MAX_TRACE_POINTS} points.`);
  }
  const last = points.at(-1)?.atMs ?? 0;
  const before = points.at(-2)?.atMs ?? last - 1000;
  if (durationMs < 0) durationMs = 2 * last - before;
  return checkLinkTrace({ durationMs, points });
}

/** The trace as text that `parseLinkTrace` reads. */
export function formatLinkTrace({ durationMs, points }: LinkTrace): string {
  const lines = points.map(({ atMs, delayMs }) => `${atMs} ${delayMs < 0 ? 'lost' : delayMs}`);
  return `# time in ms, one-way delay in ms\n${lines.join('\n')}\n${durationMs} end\n`;
}
