import { Capture } from 'micwire';
import { SampleDecoder } from 'micwire/codec';
import { expect } from 'vitest';

/** A recording under way. */
export interface NodeRecording {
  /** Ends it. @returns its samples */
  readonly stop: () => Promise<Float32Array>;
  /** Ends it, where nobody wants the samples. */
  readonly close: () => Promise<void>;
}

/** Records all that a node gives from now on, bit for bit, through a capture of its own; none of it may be lost. */
export async function recordNode(node: AudioNode): Promise<NodeRecording> {
  const { sampleRate } = node.context;
  const capture = await Capture.create(node.context, node, {
    sampleRate,
    channels: 1,
    format: 'f32',
    bufferDurationMs: 10_000,
  });
  const decoder = new SampleDecoder({ format: 'f32', channels: 1 });
  const pieces: Float32Array[] = [];
  const read = (async () => {
    for await (const chunk of capture) {
      expect(chunk.dropped).toBe(0);
      const samples = new Float32Array(chunk.frames);
      decoder.decode(chunk.bytes, 0, chunk.frames, [samples], 0);
      pieces.push(samples);
    }
  })();
  return {
    close: () => capture.close(),
    stop: async () => {
      await capture.close();
      await read;
      const all = new Float32Array(pieces.reduce((sum, { length }) => sum + length, 0));
      let at = 0;
      for (const piece of pieces) {
        all.set(piece, at);
        at += piece.length;
      }
      return all;
    },
  };
}

/** The greatest step between neighbours, and where it is. */
export function steepestStep(samples: Float32Array): {
  readonly step: number;
  readonly at: number;
} {
  let step = 0;
  let at = 0;
  for (let i = 1; i < samples.length; i++) {
    const next = Math.abs(samples[i]! - samples[i - 1]!);
    if (next > step) {
      step = next;
      at = i;
    }
  }
  return { step, at };
}
