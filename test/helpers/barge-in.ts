import type { Playout } from 'micwire';
import { SampleEncoder } from '../../src/core/format/sample-format.ts';
import { NumberedSignalReader, SIGNAL_PERIOD_SECONDS, numberedSignal } from './numbered-signal.ts';

/** How a fake agent's replies are heard. */
export interface BargeInOptions {
  readonly playout: Playout;
  readonly random: () => number;
  /** Lets so much of the audio pass. */
  readonly advance: (seconds: number) => Promise<void>;
  /** Of audio that the agent makes in all: less than {@link SIGNAL_PERIOD_SECONDS}. */
  readonly seconds: number;
}

/** What the playout told: an interruption, or that an item was heard whole. Frames are those of the whole signal. */
interface Told {
  readonly what: 'interrupted' | 'ended';
  readonly reply: Reply;
  readonly frames: number;
  readonly ms: number;
  readonly contextFrame: number;
}

interface Reply {
  readonly item: string;
  /** First frame of the whole signal. */
  readonly from: number;
  readonly frames: number;
  /** Frames of it that are marked. */
  readonly places: readonly number[];
}

interface ToldMark {
  readonly item: string | undefined;
  readonly frames: number;
  readonly contextFrame: number;
}

export interface BargeInResult {
  readonly told: readonly Told[];
  readonly marks: readonly ToldMark[];
  readonly replies: readonly Reply[];
}

/**
 * A fake agent writes replies ten times faster than real time, one after the other; each is heard to its end, interrupted, or
 * interrupted, taken back and interrupted again. All of it is one numbered signal.
 */
export async function bargeIn(options: BargeInOptions): Promise<BargeInResult> {
  const { playout, random, advance, seconds } = options;
  const { sampleRate } = playout;
  const signal = numberedSignal(0, sampleRate);
  const encoder = new SampleEncoder({ format: 'f32', channels: 1 });
  const told: Told[] = [];
  const marks: ToldMark[] = [];
  const replies: Reply[] = [];
  playout.addEventListener('mark', ({ detail }) => marks.push(detail));
  const settled = async <T>(promise: Promise<T>): Promise<T> => {
    let waiting = true;
    const done = promise.finally(() => (waiting = false));
    // A failure is the caller's; nobody else waits for this.
    done.catch(() => {});
    for (let i = 0; waiting && i < 1000; i++) await advance(0.01);
    return done;
  };
  const interrupt = async (reply: Reply): Promise<void> => {
    const fadeMs = [0, 1, 5, 20][Math.floor(random() * 4)]!;
    const interrupted = await settled(playout.interrupt({ fadeMs }));
    told.push({ ...interrupted, what: 'interrupted', reply });
  };
  const limit = Math.floor(Math.min(seconds, SIGNAL_PERIOD_SECONDS - 0.1) * sampleRate);
  for (let from = 0; ;) {
    const frames = Math.floor((0.8 + random()) * sampleRate);
    if (from + frames > limit) break;
    const places = Array.from({ length: 12 }, () => Math.floor(random() * (frames + 2000)));
    const reply: Reply = { item: `reply-${replies.length + 1}`, from, frames, places };
    const { item } = reply;
    replies.push(reply);
    for (const place of places.slice(0, 6)) playout.mark('', { item, frames: place });
    for (let at = 0; at < frames;) {
      // As agents do: enough at first for a network, or a page, that stalls.
      const least = at === 0 ? 0.5 : 0.1;
      const count = Math.min(frames - at, Math.ceil((least + random() / 5) * sampleRate));
      const bytes = new Uint8Array(count * encoder.bytesPerFrame);
      encoder.encode([signal], from + at, count, bytes, 0);
      playout.write(bytes, { item });
      at += count;
      await advance(count / sampleRate / 10);
    }
    for (const place of places.slice(6)) playout.mark('', { item, frames: place });
    from += frames;
    if (random() < 0.25) {
      const ended = new Promise<Told>((resolve) => {
        playout.addEventListener(
          'ended',
          ({ detail }) => resolve({ ...detail, what: 'ended', reply }),
          { once: true },
        );
      });
      playout.end(item);
      told.push(await settled(ended));
    } else {
      await advance(0.1 + (random() * frames) / sampleRate / 2);
      await interrupt(reply);
      await advance(0.05);
      if (random() < 0.4 && (await settled(playout.undo()))) {
        await advance(0.1);
        await interrupt(reply);
      }
    }
    await advance(0.05);
  }
  return { told, marks, replies };
}

/** A stretch of a recording without silence. */
export interface Run {
  /** Output frames: the quantum's first, and one past the last that is not silent. */
  readonly from: number;
  readonly to: number;
  /** Frames of the signal: the one that leaves as output frame `from`, and one past the last that was heard. */
  readonly first: number;
  readonly heard: number;
}

const MIN_SILENCE_FRAMES = 64;

/** Finds what a recording of a numbered signal holds, from nothing but its samples. */
export function runsOf(
  recording: Float32Array,
  contextRate: number,
  sampleRate: number,
  quantum: number,
): Run[] {
  const runs: Run[] = [];
  const reader = new NumberedSignalReader(contextRate);
  for (let at = recording.findIndex((sample) => sample !== 0); at >= 0;) {
    const to = endOfRun(recording, at);
    // A run begins with a quantum.
    const from = Math.floor(at / quantum) * quantum;
    // In the middle there are no ramps.
    const middle = Math.floor((from + to - reader.windowFrames) / 2);
    const { source, seconds } = reader.read(recording, middle);
    if (source !== 0) throw new Error(`What is heard at frame ${middle} is not the signal.`);
    const exact = seconds * sampleRate - ((middle - from) * sampleRate) / contextRate;
    const first = Math.round(exact) + 0;
    if (Math.abs(exact - first) > 0.1) {
      throw new Error(`The run at frame ${from} begins with frame ${exact} of the signal.`);
    }
    const heard = first + Math.ceil(((to - from) * sampleRate) / contextRate);
    runs.push({ from, to, first, heard });
    const next = recording.subarray(to).findIndex((sample) => sample !== 0);
    at = next < 0 ? -1 : to + next;
  }
  return runs;
}

/** One past the last frame before a silence. A filter's ringing may have single zeros. */
function endOfRun(recording: Float32Array, from: number): number {
  let to = from;
  for (let at = from; at < recording.length && at - to < MIN_SILENCE_FRAMES; at++) {
    if (recording[at] !== 0) to = at + 1;
  }
  return to;
}

/** The output frame as which a frame of the signal leaves in a run. */
export function leavesAt(run: Run, frame: number, contextRate: number, sampleRate: number): number {
  return run.from + Math.floor(((frame - run.first) * contextRate) / sampleRate);
}
