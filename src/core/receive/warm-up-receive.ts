import type { PayloadDecoder } from '../codec/codec.ts';
import { pcmCodec } from '../codec/pcm-codec.ts';
import { warmUpBytes } from '../dsp/planar.ts';
import { bytesPerSample, isSampleFormat } from '../format/formats.ts';
import type { MessagePortLike, ReceiveProcessorOptions } from '../messages.ts';
import { snapshotBytes } from '../snapshot.ts';
import { isFirstWarmUp } from '../warm-up.ts';
import { ReceiveEngine } from './receive-engine.ts';
import { REPORT_LENGTH } from './receive-report.ts';

/** A substitute for the port. */
const NO_PORT: MessagePortLike = {
  postMessage: () => {},
  addEventListener: () => {},
  start: () => {},
  close: () => {},
};
const QUANTUM = 128;
/** Sample rate of PCM on the wire, in Hz. */
const WARM_UP_RATE = 8000;
const PACKETS_PER_SECOND = 50;
/** First bytes of Opus packets of 20 ms (RFC 6716 §3.1): SILK wideband, hybrid, CELT fullband. */
const OPUS_HEADS = [9 << 3, 15 << 3, 31 << 3];
const OPUS_BYTES = 80;

/**
 * Receives a synthetic stream on an engine of its own, so that the first quantum of another engine finds compiled code. Does
 * nothing if a similar stream has been received in this scope. For constructors. Allocates.
 * @param decoder decoder of the other engine, used here too if creating one takes long; it is reset
 */
export function warmUpReceive(
  options: ReceiveProcessorOptions,
  decoder: PayloadDecoder,
  contextRate: number,
): void {
  const { format, channels, outputChannels } = options;
  if (!isFirstWarmUp('receive', format, channels, outputChannels, decoder.sampleRate)) return;
  // Phases that last seconds take fewer frames at a low rate; only the ratio matters to the resampler.
  const sampleRate = isSampleFormat(format)
    ? Math.min(WARM_UP_RATE, decoder.sampleRate)
    : decoder.sampleRate;
  const own = isSampleFormat(format)
    ? pcmCodec.createDecoder({ format, sampleRate, channels })
    : decoder;
  const scratchContextRate = (contextRate * sampleRate) / decoder.sampleRate;
  const frames = Math.max(
    1,
    Math.min(options.maxPacketFrames, Math.floor(sampleRate / PACKETS_PER_SECOND)),
  );
  const snapshot = options.snapshot && new ArrayBuffer(snapshotBytes(REPORT_LENGTH));
  // PCM may come in longer packets.
  const burstFrames = isSampleFormat(format)
    ? Math.min(options.maxPacketFrames, 3 * frames)
    : frames;
  // A small buffer: only the code needs to be warm.
  const capacityPackets = Math.min(burstFrames > frames ? 32 : 64, options.capacityPackets);
  const maxPayloadBytes = payload(options, 0, burstFrames).length;
  const scratch = { ...options, snapshot, capacityPackets, maxPayloadBytes };
  const engine = new ReceiveEngine(scratch, own, scratchContextRate, NO_PORT);
  const output = Array.from({ length: options.outputChannels }, () => new Float32Array(QUANTUM));
  const quantaPerPacket = Math.ceil((frames / sampleRate) * (scratchContextRate / QUANTUM));
  let sequence = 0;
  let frame = 0;
  let now = 0;
  const send = (length = frames): void => {
    const bytes = payload(options, sequence, length);
    engine.obey({ type: 'packet', sequence, frame, frames: length, copy: 0, bytes }, now);
    lose(length);
  };
  const lose = (length = frames): void => {
    sequence++;
    frame += length;
  };
  const render = (packets: number): void => {
    for (let quantum = 0; quantum < packets * quantaPerPacket; quantum++) {
      engine.render(output, now);
      now += QUANTUM;
    }
  };
  const live = (packets: number): void => {
    for (let packet = 0; packet < packets; packet++) {
      send();
      render(1);
    }
  };
  // Twice: code that has run only once is not optimized yet, and still slow.
  for (let again = 0; again < 2; again++) {
    render(1);
    live(2);
    // A lost packet, and an invalid one.
    lose();
    live(2);
    const bytes = new Uint8Array(1);
    engine.obey({ type: 'packet', sequence, frame, frames, copy: 0, bytes }, now);
    lose();
    live(1);
    // Nothing arrives for a while, then everything at once: slower, concealed, faster; then over a second of audio, so that some is
    // skipped.
    render(4);
    for (let packet = 0; packet < 6; packet++) send();
    live(3);
    const burst = Math.min(capacityPackets - 1, Math.ceil((1.2 * sampleRate) / burstFrames));
    for (let packet = 0; packet < burst; packet++) send(burstFrames);
    live(1);
  }
  engine.obey({ type: 'reset' }, now);
  live(1);
  // Resets the decoder.
  engine.obey({ type: 'reset' }, now);
}

function payload(
  { format, channels }: ReceiveProcessorOptions,
  sequence: number,
  frames: number,
): Uint8Array<ArrayBuffer> {
  if (isSampleFormat(format))
    return warmUpBytes(format, frames * channels * bytesPerSample(format));
  // The decoder accepts any bytes: it decodes arithmetic codes.
  const bytes = warmUpBytes('s16', OPUS_BYTES);
  const head = OPUS_HEADS[Math.floor(sequence / 3) % OPUS_HEADS.length]!;
  bytes[0] = head + (channels === 2 ? 4 : 0);
  // The flag that announces a copy of the previous packet in this one.
  bytes[1] = 0xc0;
  for (let i = 2; i < OPUS_BYTES; i++) bytes[i] = (37 * (i + sequence)) % 251;
  return bytes;
}
