import { SPEECH_LOOP_MS, SPEECH_WORDS } from '../audio/speech-words.ts';

/** Frames from the first, up to the second. */
export type FrameSpan = readonly [from: number, to: number];

/** What one way of sending has delivered to the server. */
export interface Arrivals {
  /** Frames that were captured so far. */
  readonly capturedFrames: number;
  /** Those that the server has, in order and apart from each other. */
  readonly spans: readonly FrameSpan[];
  /** Position of frame 0 in the looped speech sample, ms; null where the source is another one. */
  readonly startMs: number | null;
}

/** `'arrived'`: the server has it; `'pending'`: it may still come; `'lost'`: later audio has arrived, and it has not. */
export type ArrivalState = 'arrived' | 'pending' | 'lost';

/** A stretch of audio as it is drawn, 0..1 from the oldest that is shown to now. */
export interface ArrivalStretch {
  readonly from: number;
  readonly to: number;
  readonly state: ArrivalState;
}

/** A word that was said, and what became of it. */
export interface SaidWord {
  readonly text: string;
  readonly state: ArrivalState;
}

/** A word counts as lost when at least this share of it is lost: less is not noticed. */
const MISSED_PART = 0.25;

/** What became of the last `windowFrames`. */
export function stretchesOf(arrivals: Arrivals, windowFrames: number): readonly ArrivalStretch[] {
  const { capturedFrames, spans } = arrivals;
  const first = Math.max(0, capturedFrames - windowFrames);
  const place = (frame: number): number => (frame - capturedFrames + windowFrames) / windowFrames;
  const stretches: ArrivalStretch[] = [];
  let at = first;
  for (const [from, to] of spans) {
    if (to <= first) continue;
    if (from > at) stretches.push({ from: place(at), to: place(from), state: 'lost' });
    const end = Math.min(to, capturedFrames);
    if (end > Math.max(at, from)) {
      stretches.push({ from: place(Math.max(at, from)), to: place(end), state: 'arrived' });
    }
    at = Math.max(at, end);
  }
  if (at < capturedFrames) stretches.push({ from: place(at), to: 1, state: 'pending' });
  return stretches;
}

/** Frames that are lost, of all that were captured. */
export function lostFrames({ spans }: Arrivals): number {
  let lost = 0;
  let at = 0;
  for (const [from, to] of spans) {
    lost += Math.max(0, from - at);
    at = to;
  }
  return lost;
}

/**
 * The words of the last times that the speech sample was said, the newest last.
 * @param sampleRate of the frames, Hz
 * @param loops how many times at most
 */
export function saidWords(
  arrivals: Arrivals,
  sampleRate: number,
  loops: number,
): readonly (readonly SaidWord[])[] {
  const { startMs, capturedFrames } = arrivals;
  if (startMs === null) return [];
  const frameAt = (ms: number): number => ((ms - startMs) * sampleRate) / 1000;
  const nowMs = startMs + (capturedFrames * 1000) / sampleRate;
  const last = Math.floor(nowMs / SPEECH_LOOP_MS);
  const said: SaidWord[][] = [];
  for (let loop = Math.max(0, last - loops + 1); loop <= last; loop++) {
    const words: SaidWord[] = [];
    for (const { text, startMs: from, endMs: to } of SPEECH_WORDS) {
      const begin = frameAt(loop * SPEECH_LOOP_MS + from);
      const end = frameAt(loop * SPEECH_LOOP_MS + to);
      // A word that began before the capture, or has not ended yet, does not count.
      if (begin < 0 || end > capturedFrames) continue;
      words.push({ text, state: stateOf(arrivals, begin, end) });
    }
    if (words.length > 0) said.push(words);
  }
  return said;
}

function stateOf({ spans }: Arrivals, begin: number, end: number): ArrivalState {
  let arrived = 0;
  for (const [from, to] of spans) {
    arrived += Math.max(0, Math.min(to, end) - Math.max(from, begin));
  }
  const missing = 1 - arrived / (end - begin);
  if (missing < MISSED_PART) return 'arrived';
  const newest = spans.at(-1)?.[1] ?? 0;
  return newest >= end ? 'lost' : 'pending';
}
