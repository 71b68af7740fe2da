import { expect, test } from 'vitest';
import { CaptureEngine } from '../src/core/capture/capture-engine.ts';
import { ChunkWriter } from '../src/core/capture/chunk-writer.ts';
import { Chunk, longestPayload } from '../src/core/capture/chunk.ts';
import type { ChunkOptions } from '../src/core/capture/chunk.ts';
import type { SampleFormat } from '../src/core/format/formats.ts';
import { MicrophoneEngine } from '../src/core/microphone/microphone-engine.ts';
import { MISSING, PAUSED, PRESENT } from '../src/core/microphone/presence.ts';
import type {
  CaptureEvent,
  CaptureProcessorOptions,
  MessagePortLike,
  MicrophoneCommand,
  MicrophoneEvent,
} from '../src/core/messages.ts';
import { samplesOf } from './helpers/chunks.ts';
import { ExpectedCapture } from './helpers/expected-capture.ts';
import { seededRandom } from './helpers/random.ts';

const RATE = 48_000;
const CHUNKS: ChunkOptions<SampleFormat> = {
  stream: { sampleRate: RATE, channels: 1, format: 'f32' },
  encoding: 'binary',
};
const CHUNK_MS = 5;
const STEPS = 200;
const SEEDS = 240;
const BATCHES = 8;

/** A capture of the microphone: its engine, what it has sent, and what it should. */
class CaptureRig {
  readonly engine: CaptureEngine;
  readonly chunks: Chunk[] = [];
  readonly expected: ExpectedCapture;
  paused = false;
  closed: Extract<CaptureEvent, { type: 'closed' }> | undefined;

  constructor(preRollFrames: number) {
    this.expected = new ExpectedCapture(preRollFrames);
    const options: CaptureProcessorOptions = {
      ...CHUNKS,
      dither: 'none',
      chunkDurationMs: CHUNK_MS,
      payloadBytes: longestPayload(CHUNKS, CHUNK_MS),
      // Room for the longest pre-roll: at a pause it leaves at once.
      slots: 64,
      resampler: null,
      ring: null,
      preRollFrames,
    };
    const port: MessagePortLike = {
      postMessage: (message) => this.#take(message as CaptureEvent),
      addEventListener: () => {},
      start: () => {},
      close: () => {},
    };
    this.engine = new CaptureEngine(
      options,
      RATE,
      port,
      (sink, chunkDurationMs) => new ChunkWriter({ ...options, chunkDurationMs, sink }),
    );
  }

  process(feed: Float32Array, frame: number, presence: number): void {
    this.engine.process([feed], feed.length, frame, presence);
    if (this.paused) this.expected.idle(frame + feed.length - this.expected.numbers.length);
    else this.expected.quantum(frame, feed.length, presence);
  }

  /** @param heard the feed's sample by frame of the context */
  check(heard: readonly number[]): void {
    const { expected, chunks } = this;
    const seen = new Set<number>();
    let next = 0;
    for (const chunk of chunks) {
      if (chunk.frame !== next + chunk.dropped)
        throw new Error(`chunk ${chunk.sequence} is misplaced`);
      next = chunk.frame + chunk.frames;
      const first = Math.round(chunk.contextTime * RATE);
      samplesOf(chunk)[0]!.forEach((sample, i) => {
        const from = first + i;
        if (sample !== heard[from])
          throw new Error(`frame ${from} is ${sample}, not ${heard[from]}`);
        if (expected.numbers[from] !== chunk.frame + i) {
          throw new Error(
            `frame ${from} is number ${chunk.frame + i}, not ${expected.numbers[from]}`,
          );
        }
        if (seen.has(from)) throw new Error(`frame ${from} came twice`);
        seen.add(from);
      });
    }
    const lost = expected.present.filter((present, frame) => present && !seen.has(frame)).length;
    const missing = expected.numbers.filter(
      (number, frame) => number >= 0 && !expected.present[frame],
    ).length;
    const { captured, delivered, dropped } = this.closed!;
    expect({ captured, delivered, dropped, lost }).toEqual({
      captured: expected.captured,
      delivered: seen.size,
      dropped: missing,
      lost: 0,
    });
  }

  #take(event: CaptureEvent): void {
    if (event.type === 'closed') this.closed = event;
    if (event.type !== 'chunk') return;
    this.chunks.push(new Chunk(CHUNKS, event));
    const { header, bytes } = event;
    this.engine.obey({ type: 'recycle', header: header.slice(), bytes: bytes.slice() }, 0);
  }
}

/** A device that can be plugged in: then it delivers a numbered signal; its sign says which device it is. */
interface Device {
  readonly sign: number;
  /** Where it is heard from on; Infinity: not at all. */
  from: number;
  until: number;
}

function blockOf(device: Device, frame: number, frames: number): Float32Array {
  return Float32Array.from({ length: frames }, (_, i) =>
    frame + i >= device.from && frame + i < device.until ? device.sign * (frame + i + 1) : 0,
  );
}

function run(seed: number): void {
  const random = seededRandom(seed);
  const pick = (below: number): number => Math.floor(random() * below);
  const events: MicrophoneEvent[] = [];
  const held = random() < 0.5 ? null : false;
  const engine = new MicrophoneEngine({ channels: 1, silenceFrames: 2000, held }, RATE, {
    postMessage: (event: MicrophoneEvent) => void events.push({ ...event }),
  });
  const captures = [0, 0, 1 + pick(9000)].map((preRoll) => new CaptureRig(preRoll));
  const devices: Device[] = [1, -1].map((sign) => ({ sign, from: Infinity, until: Infinity }));
  const tell = (command: MicrophoneCommand): void => engine.obey(command, frame);
  /** By frame of the context: what captures heard, what the devices gave, and the presence. */
  const feed: number[] = [];
  const raw: number[][] = [[], []];
  const presences: number[] = [];
  const muted: boolean[] = [];
  /** By the first frame of a quantum: where it ends, and whether audio was there in the quantum before. */
  const ends: number[] = [];
  const live: boolean[] = [];
  let wasLive = false;
  let frame = pick(500);
  const start = frame;
  let request = 0;
  const inputs: (0 | 1)[] = [];
  let isMuted = false;

  for (let step = 0; step < STEPS; step++) {
    const event = random();
    if (event < 0.06) {
      const input = pick(2) as 0 | 1;
      inputs[++request] = input;
      const device = devices[input]!;
      if (random() < 0.8) device.from = frame + pick(1500);
      device.until = random() < 0.3 ? frame + pick(20_000) : Infinity;
      tell({ type: 'take', input, request, patienceFrames: pick(4000), fadeFrames: 0 });
    } else if (event < 0.1) {
      tell({ type: 'lose' });
      // Most devices give nothing any more then.
      if (random() < 0.7)
        for (const device of devices) device.until = Math.min(device.until, frame);
    } else if (event < 0.14) {
      isMuted = !isMuted;
      tell({ type: 'mute', on: isMuted, fadeFrames: 0 });
    } else if (event < 0.22) {
      tell({ type: 'hold', held: random() < 0.1 ? null : random() < 0.5 });
    } else if (event < 0.24 && step > 2) frame += 1 + pick(2000);
    else if (event < 0.28) {
      const capture = captures[pick(captures.length)]!;
      if (capture.paused) capture.engine.obey({ type: 'resume' }, frame);
      else {
        capture.engine.obey({ type: 'pause' }, frame);
        capture.expected.pause();
      }
      capture.paused = !capture.paused;
    }
    const frames = random() < 0.1 ? 1 + pick(2000) : 1 + pick(256);
    const blocks = devices.map((device) => blockOf(device, frame, frames));
    const outputs = Array.from({ length: 3 }, () => [new Float32Array(frames)]);
    const inputsNow = blocks.map((block) => (random() < 0.02 && block[0] === 0 ? [] : [block]));
    engine.process(
      inputsNow.map((input, i) =>
        input.length === 0 && blocks[i]!.some(Boolean) ? [blocks[i]!] : input,
      ),
      outputs,
      frame,
    );
    const presence = outputs[2]![0]![0]!;
    ends[frame] = frame + frames;
    live[frame] = wasLive;
    wasLive = presence === PRESENT || presence === PAUSED;
    for (const capture of captures) capture.process(outputs[1]![0]!, frame, presence);
    while (feed.length < frame) {
      feed.push(NaN);
      raw[0]!.push(0);
      raw[1]!.push(0);
      presences.push(0);
      muted.push(false);
    }
    for (let i = 0; i < frames; i++) {
      feed.push(outputs[1]![0]![i]!);
      raw[0]!.push(blocks[0]![i]!);
      raw[1]!.push(blocks[1]![i]!);
      presences.push(presence);
      muted.push(isMuted);
    }
    frame += frames;
  }
  tell({ type: 'close' });
  for (const { engine: capture } of captures) capture.obey({ type: 'close' }, frame);

  // What was present is of the device that was heard last, to the sample, or it fades out.
  const heard = events.filter((event) => event.type === 'heard');
  const takes = new Set(heard.map((event) => event.frame));
  let current: 0 | 1 | undefined;
  let before: 0 | 1 | undefined;
  let switched = 0;
  let index = 0;
  for (let at = start; at < frame; at++) {
    if (heard[index]?.frame === at) {
      const next = inputs[heard[index++]!.request]!;
      before = live[at] === true ? current : undefined;
      switched = at;
      // A device begins at its first sound, if there is one in the quantum.
      if (before !== next) while (raw[next]![switched] === 0 && switched < ends[at]!) switched++;
      if (switched === ends[at]) switched = at;
      current = next;
    }
    const presence = presences[at]!;
    if (presence !== PRESENT && presence !== PAUSED) continue;
    const device = at < switched ? before : current;
    const sample = device === undefined ? 0 : raw[device]![at]!;
    const exact = muted[at] === true ? feed[at] === 0 : feed[at] === sample;
    const faded = Math.abs(feed[at]!) <= Math.abs(sample) && feed[at]! * sample >= 0;
    if (!exact && !(faded && endsSoon(presences, takes, at))) {
      throw new Error(`frame ${at} is ${feed[at]}, not ${sample}`);
    }
  }
  expect(index).toBe(heard.length);

  const closed = events.at(-1) as Extract<MicrophoneEvent, { type: 'closed' }>;
  const passed = closed.presentFrames + closed.missingFrames + closed.pausedFrames;
  expect(passed).toBe(frame - start);
  expect(closed.presentFrames).toBe(presences.filter((presence) => presence === PRESENT).length);
  expect(closed.mutedFrames).toBe(
    presences.filter((presence, at) => presence === PRESENT && muted[at] === true).length,
  );
  const counted = presences.filter((presence) => presence === MISSING).length;
  expect(closed.missingFrames).toBeGreaterThanOrEqual(counted);

  for (const capture of captures) capture.check(feed);
}

/** Whether audio is missing, or a device begins, within a quantum after `at`. */
function endsSoon(presences: readonly number[], takes: Set<number>, at: number): boolean {
  for (let i = at + 1; i < presences.length && i < at + 2100; i++) {
    if (takes.has(i) || (presences[i] !== PRESENT && presences[i] !== PAUSED)) return true;
  }
  return false;
}

test.each(Array.from({ length: BATCHES }, (_, batch) => batch))(
  'every frame of a microphone is heard from the right device and reaches captures, or is counted: random schedules, batch %i of 8',
  (batch) => {
    for (let seed = batch; seed < SEEDS; seed += BATCHES) {
      try {
        run(seed);
      } catch (error) {
        throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
      }
    }
  },
);
