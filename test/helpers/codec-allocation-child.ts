/**
 * Prints what encoding, decoding, concealing and recovering one packet allocate, in bytes. Run in a process of its own with
 * `--expose-gc` and a young generation so large that nothing is collected meanwhile.
 */
import { opusWasm } from '../../scripts/opus-wasm.mjs';
import type { PayloadDecoder, PayloadEncoder } from '../../src/core/codec/codec.ts';
import { pcmCodec } from '../../src/core/codec/pcm-codec.ts';
import type { SampleFormat } from '../../src/core/format/formats.ts';
import { OpusDecoder } from '../../src/core/codec/opus-decoder.ts';
import { OpusEncoder } from '../../src/core/codec/opus-encoder.ts';
import { OpusLibrary } from '../../src/core/codec/opus-library.ts';
import { PacketDecoder } from '../../src/core/codec/packet-decoder.ts';
import { voice } from './voice.ts';

const FRAMES = 960;
const PACKETS = 50;
const ROUNDS = 12;
const MOST_RUNS = 12;
const GOOD_BYTES = 0.5;

const collect = (globalThis as unknown as { readonly gc: () => void }).gc;
const module = await WebAssembly.compile((await opusWasm(process.cwd())).bytes as BufferSource);
const library = new OpusLibrary(module);
const format = { sampleRate: 48_000, channels: 1 };
const input = [voice(FRAMES * PACKETS)];
const output = [new Float32Array(FRAMES * 4)];

function measure(act: (packet: number) => void): number {
  let least = Infinity;
  for (let run = 0; run < MOST_RUNS && least > GOOD_BYTES; run++) {
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let round = 0; round < ROUNDS; round++) {
      for (let packet = 0; packet < PACKETS; packet++) act(packet);
    }
    const bytes = process.memoryUsage().heapUsed - before;
    if (run > 0) least = Math.min(least, bytes / (ROUNDS * PACKETS));
  }
  return least;
}

function figures(encoder: PayloadEncoder, decoder: PayloadDecoder): Record<string, number> {
  const target = new Uint8Array(encoder.maxBytes(FRAMES));
  const packets = Array.from({ length: PACKETS }, (_, i) =>
    target.slice(0, encoder.encode(input, i * FRAMES, FRAMES, target, 0)),
  );
  const tolerant = new PacketDecoder(decoder);
  const lost = 2 * FRAMES;
  return {
    encode: measure((i) => encoder.encode(input, i * FRAMES, FRAMES, target, 0)),
    decode: measure((i) => decoder.decode(packets[i]!, 0, packets[i]!.length, output, 0)),
    conceal: measure(() => decoder.conceal(FRAMES, output, 0)),
    recover: measure((i) =>
      tolerant.decode(packets[i]!, 0, packets[i]!.length, lost, output, 0, lost + FRAMES),
    ),
  };
}

function figuresOf(name: SampleFormat) {
  const stream = { ...format, format: name };
  return figures(pcmCodec.createEncoder(stream), pcmCodec.createDecoder(stream));
}

const opus = { ...format, bitrate: 24_000, complexity: 3, fec: true, expectedLossPercent: 25 };
console.log(
  JSON.stringify({
    opus: figures(new OpusEncoder(library, opus), new OpusDecoder(library, format)),
    s16: figuresOf('s16'),
    mulaw: figuresOf('mulaw'),
  }),
);
