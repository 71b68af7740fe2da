import { Capture, Playout, WebSocketTransport, FRAMINGS } from 'micwire';
import type { Chunk, Packet, SampleFormat } from 'micwire';
import { SampleDecoder } from 'micwire/codec';
import { afterEach, describe, expect, it } from 'vitest';
import { endContext } from '../helpers/end-context.ts';

const encoder = FRAMINGS['base64-json'].createEncoder();
const decoder = FRAMINGS['base64-json'].createDecoder();
/** What is compared, in seconds. */
const SECONDS = 2;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** Samples at their places on the context's clock. */
class Recording {
  readonly #samples: Float32Array;
  readonly #from: number;
  #written = 0;

  /** @param from the context's frame at index 0 */
  constructor(from: number, frames: number) {
    this.#from = from;
    this.#samples = new Float32Array(frames);
  }

  get complete(): boolean {
    return this.#written >= this.#samples.length;
  }

  /** Places samples whose first one is at that frame of the context. */
  place(samples: Float32Array, contextFrame: number): void {
    for (let i = 0; i < samples.length; i++) {
      const at = contextFrame + i - this.#from;
      if (at < 0 || at >= this.#samples.length) continue;
      this.#samples[at] = samples[i]!;
      this.#written++;
    }
  }

  get values(): Float32Array {
    return this.#samples;
  }
}

function decode(bytes: Uint8Array, format: SampleFormat, frames: number): Float32Array {
  const samples = new Float32Array(frames);
  new SampleDecoder({ format, channels: 1 }).decode(bytes, 0, frames, [samples], 0);
  return samples;
}

/** Records what a node gives, bit for bit. */
async function record(node: AudioNode, recording: Recording): Promise<void> {
  const { sampleRate } = node.context;
  const capture = await Capture.create(node.context, node, {
    sampleRate,
    channels: 1,
    format: 'f32',
  });
  cleanups.push(() => capture.close());
  for await (const chunk of capture) {
    const at = Math.round(chunk.contextTime * sampleRate);
    recording.place(decode(chunk.bytes, 'f32', chunk.frames), at);
    if (recording.complete) return;
  }
}

function rms(samples: Float32Array): number {
  return Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);
}

/** Frames of each stretch that is compared, and how many stretches are tried. */
const WINDOW = 4096;
const WINDOWS = 4;

/**
 * Normalised cross-correlation of `heard` with `reference` delayed by the lag that suits best, in the best of the loudest
 * stretches: on a busy machine an underrun may fall into one of them.
 */
function bestMatch(reference: Float32Array, heard: Float32Array, maxLag: number) {
  const starts: { readonly start: number; readonly level: number }[] = [];
  for (let start = 0; start + WINDOW + maxLag <= reference.length; start += WINDOW) {
    starts.push({ start, level: rms(reference.subarray(start, start + WINDOW)) });
  }
  starts.sort((a, b) => b.level - a.level);
  let best = { lag: 0, correlation: -1 };
  for (const { start } of starts.slice(0, WINDOWS)) {
    for (let lag = 0; lag < maxLag; lag++) {
      const correlation = correlate(reference, start, heard, start + lag);
      if (correlation > best.correlation) best = { lag, correlation };
    }
  }
  return best;
}

function correlate(a: Float32Array, fromA: number, b: Float32Array, fromB: number): number {
  let product = 0;
  let energyA = 0;
  let energyB = 0;
  for (let i = 0; i < WINDOW; i++) {
    const x = a[fromA + i]!;
    const y = b[fromB + i]!;
    product += x * y;
    energyA += x * x;
    energyB += y * y;
  }
  return product / Math.sqrt(energyA * energyB || 1);
}

async function openMicrophone(context: AudioContext): Promise<AudioNode> {
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
  });
  cleanups.push(() => stream.getTracks().forEach((track) => track.stop()));
  return context.createMediaStreamSource(stream);
}

describe('from the microphone to the wire and back', () => {
  it('the Base64 text decodes to the input within the quantiser’s error, returns unchanged, and plays', async () => {
    const context = new AudioContext();
    cleanups.push(() => endContext(context));
    await context.resume();
    const { sampleRate } = context;
    const microphone = await openMicrophone(context);

    // Room for all of it: a machine that is busy may stall the server for a second.
    const transport = WebSocketTransport.create('/echo', { highWaterBytes: 4e6 });
    cleanups.push(() => transport.close());
    await expect.poll(() => transport.status.state).toBe('open');

    const capture = await Capture.create(context, microphone, {
      sampleRate,
      channels: 1,
      format: 's16',
      encoding: 'base64',
      chunkDurationMs: 20,
    });
    cleanups.push(() => capture.close());
    const playout = await Playout.create(context, {
      sampleRate,
      targetDelayMs: 100,
      backlog: 'keep',
    });
    cleanups.push(() => playout.close());

    const from = Math.ceil((context.currentTime + 0.5) * sampleRate);
    const frames = SECONDS * sampleRate;
    const input = new Recording(from, frames);
    const onTheWire = new Recording(from, frames);
    const heard = new Recording(from, frames);

    const sent = new Map<number, Chunk>();
    const texts = new Map<number, string>();
    const back: Packet[] = [];
    transport.addEventListener('message', ({ data: message }) => {
      const packet = decoder.decode(message)[0]!;
      expect(message).toBe(texts.get(packet.sequence));
      back.push(packet);
      const chunk = sent.get(packet.sequence)!;
      const at = Math.round(chunk.contextTime * sampleRate);
      onTheWire.place(decode(packet.payload, 's16', packet.frames), at);
      playout.write(packet.payload);
    });
    const send = async () => {
      for await (const chunk of capture) {
        const text = encoder.encode(chunk) as string;
        expect(JSON.parse(text).payload).toBe(chunk.base64);
        sent.set(chunk.sequence, chunk);
        texts.set(chunk.sequence, text);
        expect(transport.send(text)).toBe(true);
      }
    };
    const sending = send();
    await Promise.all([record(microphone, input), record(playout.node, heard)]);
    await expect.poll(() => onTheWire.complete).toBe(true);
    await capture.close();
    await sending;

    // Speech, not silence: otherwise everything below would be true of nothing.
    expect(rms(input.values)).toBeGreaterThan(0.003);
    const halfStep = 0.5 / 32_768;
    let worst = 0;
    for (let i = 0; i < frames; i++) {
      const exact = Math.max(-1, Math.min(32_767 / 32_768, input.values[i]!));
      worst = Math.max(worst, Math.abs(onTheWire.values[i]! - exact));
    }
    expect(worst).toBeLessThanOrEqual(halfStep * 1.0001);
    expect(worst).toBeGreaterThan(0);

    // Every chunk came back, in order.
    await expect.poll(() => back.length).toBe(sent.size);
    expect(back.map(({ sequence }) => sequence)).toEqual([...sent.keys()]);
    expect(transport.stats).toMatchObject({ droppedMessages: 0, receivedMessages: sent.size });

    const match = bestMatch(onTheWire.values, heard.values, Math.floor(sampleRate / 2));
    expect(match.correlation).toBeGreaterThan(0.9);
    expect(match.lag / sampleRate).toBeGreaterThan(0.02);
  });

  it('a message damaged by the network is refused with a PacketError, and the connection continues', async () => {
    const transport = WebSocketTransport.create('/echo');
    cleanups.push(() => transport.close());
    await expect.poll(() => transport.status.state).toBe('open');
    const outcomes: string[] = [];
    transport.addEventListener('message', ({ data: message }) => {
      try {
        outcomes.push(String(decoder.decode(message)[0]!.sequence));
      } catch (error) {
        outcomes.push((error as Error).name);
      }
    });
    transport.send('{"type":"audio"');
    transport.send(new Uint8Array(4));
    transport.send(
      encoder.encode({
        sequence: 7,
        frame: 0,
        frames: 1,
        timestamp: 0,
        dropped: 0,
        format: 's16',
        sampleRate: 8000,
        channels: 1,
        payload: Uint8Array.of(1, 2),
      }),
    );
    await expect.poll(() => outcomes).toEqual(['PacketError', 'PacketError', '7']);
  });
});
