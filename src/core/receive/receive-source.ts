import type { PayloadDecoder } from '../codec/codec.ts';
import { MicwireError, PacketError } from '../errors.ts';
import { DelayTarget } from './delay-target.ts';
import { FEC_COPY, JitterBuffer } from './jitter-buffer.ts';
import type { InsertOutcome } from './jitter-buffer.ts';
import { PcmConcealment } from './pcm-concealment.ts';
import { ReceiveDecision } from './receive-decision.ts';
import { COUNT } from './receive-report.ts';
import { TimeScaler } from './time-scaler.ts';

export interface ReceiveSourceOptions {
  /** Taken over: no other code may use it. */
  readonly decoder: PayloadDecoder;
  /** Whether to use the decoder's own concealment, as for Opus. */
  readonly decoderConceals: boolean;
  /** Minimum delay from pulling audio to hearing it, in ms: a packet must have arrived that long before. */
  readonly latencyMs: number;
  /** Maximum number of frames in a packet. */
  readonly maxPacketFrames: number;
  readonly capacityPackets: number;
  readonly maxPayloadBytes: number;
  /** Limits of the target delay, in ms. */
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  /** Null for the default of `DelayTarget`. */
  readonly latencyCost: number | null;
}

/** How much earlier than the target audio may be played, in ms, before anything corrects it. */
const EARLY_MS = 5;
/** How long the decoder's own concealment is used; by then it has faded, and comfort noise replaces it. */
const DECODER_CONCEALS_SECONDS = 0.1;

/** Slots of times, which calls would otherwise box. */
const NOW = 0;
const AHEAD = 1;
const ARRIVAL = 2;

/**
 * Converts packets from the network to one endless stream at the rate of the wire. When no decoded audio is left, it asks {@link
 * ReceiveDecision}, and decodes the next packet, recovers a lost one from the FEC of the packet after it, or conceals; then it
 * changes the length of the audio as decided. No input from the network makes it throw. Allocates only in its constructor, except
 * for the errors of invalid packets.
 */
export class ReceiveSource {
  readonly sampleRate: number;
  readonly channels: number;
  readonly buffer: JitterBuffer;
  readonly target: DelayTarget;
  readonly decision: ReceiveDecision;
  /** Number of packets that could not be decoded. */
  decodeErrors = 0;
  /** Frames of lost packets that were decoded from the next packet. */
  fecFrames = 0;

  readonly #decoder: PayloadDecoder;
  readonly #decoderConceals: number;
  readonly #scaler: TimeScaler;
  readonly #concealment: PcmConcealment;
  readonly #times = new Float64Array(3);
  readonly #msPerFrame: number;
  readonly #lookAheadFrames: number;
  /** Frames concealed without interruption; 0 while packets are played. */
  #concealed = 0;
  /** Whether the next decoded audio is cross-faded into. */
  #joins = true;
  /** Frames in the line, from the next one to be read, that may be concealed audio. */
  #doubtful = 0;
  /** Frames of this quantum: pulled, and decoded from packets. */
  #quantumPulled = 0;
  #quantumDecoded = 0;

  constructor(options: ReceiveSourceOptions) {
    const { decoder } = options;
    const { sampleRate, channels } = decoder;
    this.sampleRate = sampleRate;
    this.channels = channels;
    this.#decoder = decoder;
    this.#decoderConceals = options.decoderConceals ? DECODER_CONCEALS_SECONDS * sampleRate : 0;
    this.target = new DelayTarget({
      sampleRate,
      minDelayMs: options.minDelayMs,
      maxDelayMs: options.maxDelayMs,
      leadMs: EARLY_MS + options.latencyMs,
      ...(options.latencyCost !== null && { latencyCost: options.latencyCost }),
    });
    this.buffer = new JitterBuffer({
      sampleRate,
      capacityPackets: options.capacityPackets,
      maxPayloadBytes: options.maxPayloadBytes,
      listener: this.target,
    });
    this.decision = new ReceiveDecision({ buffer: this.buffer, target: this.target });
    this.#concealment = new PcmConcealment(sampleRate, channels);
    this.#scaler = new TimeScaler({
      sampleRate,
      channels,
      aheadFrames: 2 * options.maxPacketFrames + Math.ceil(0.05 * sampleRate),
      historyFrames: this.#concealment.historyFrames,
    });
    this.#msPerFrame = 1000 / sampleRate;
    this.#lookAheadFrames = this.#scaler.lookAheadFrames;
  }

  /** Number of frames that are decoded but not read yet. */
  get decodedFrames(): number {
    return this.#scaler.line.available;
  }

  /** Whether audio is being concealed. */
  get conceals(): boolean {
    return this.#concealed > 0;
  }

  /** Sets the time of the next arrivals in ms. */
  setArrival(nowMs: number): void {
    this.#times[ARRIVAL] = nowMs;
  }

  /** Inserts a packet, and what its FEC says about the previous one: see `JitterBuffer.insert`. */
  insert(
    sequence: number,
    frame: number,
    frames: number,
    payload: Uint8Array,
    copy: number,
  ): InsertOutcome {
    const { buffer } = this;
    const now = this.#times[ARRIVAL]!;
    const outcome = buffer.insert(sequence, frame, frames, payload, now, copy);
    // PCM carries no information about other packets.
    const tells = this.#decoderConceals > 0 && payload.length > 0;
    const told = tells ? this.#redundantFrames(payload) : 0;
    if (told > 0) buffer.insert(sequence - 1, frame - told, told, payload, now, FEC_COPY);
    return outcome;
  }

  /** Starts a render quantum. */
  beginQuantum(): void {
    this.#quantumPulled = 0;
    this.#quantumDecoded = 0;
  }

  /**
   * Sets the time of the next pulls. @param nowMs time on the clock of arrivals @param aheadMs delay from now until the first
   * pulled frame is heard
   */
  setTime(nowMs: number, aheadMs: number): void {
    this.#times[NOW] = nowMs;
    this.#times[AHEAD] = aheadMs;
  }

  /** Fills frames `at` … `at + frames` of `output`. */
  pull(output: readonly Float32Array[], at: number, frames: number): void {
    this.#quantumPulled += frames;
    // Time-scaling may remove some of the expected frames: then more are fetched.
    for (let done = 0; done < frames;) done += this.#give(output, at + done, frames - done);
    if (this.decision.started) this.buffer.counters.add(COUNT.totalSamplesReceived, frames);
  }

  /** Outputs up to `frames` frames, at least one. @returns the number of frames */
  #give(output: readonly Float32Array[], at: number, frames: number): number {
    const scaler = this.#scaler;
    const { line } = scaler;
    while (line.available < frames) this.#supply();
    if (scaler.wanted !== 0) this.#lookAhead(frames);
    const removed = scaler.removedFrames;
    const inserted = scaler.insertedFrames;
    const count = scaler.read(output, at, frames);
    if (scaler.removedFrames !== removed) this.decision.scaled(scaler.removedFrames - removed);
    if (scaler.insertedFrames !== inserted) this.decision.scaled(inserted - scaler.insertedFrames);
    this.#listen(count);
    this.#times[AHEAD] = this.#times[AHEAD]! + count * this.#msPerFrame;
    return count;
  }

  /** Forgets the stream: the next packet starts another one. The counters remain. */
  reset(): void {
    this.buffer.reset();
    this.target.reset();
    this.decision.reset();
    this.#decoder.reset();
    this.#scaler.reset();
    this.#concealment.reset();
    this.#concealed = 0;
    this.#joins = true;
    this.#doubtful = 0;
  }

  close(): void {
    this.#decoder.close();
  }

  /**
   * Decodes packets ahead of time, because time-scaling needs look-ahead: per quantum at most twice the frames that it pulls, up to
   * the end of a packet.
   */
  #lookAhead(frames: number): void {
    const { buffer } = this;
    const { line } = this.#scaler;
    while (line.available < this.#lookAheadFrames + frames) {
      const slot = buffer.next();
      if (slot < 0 || buffer.gapBefore(slot) > 0) return;
      const decoded = this.#quantumDecoded;
      if (decoded >= 2 * this.#quantumPulled) return;
      this.#supply();
      // The decision may have been to wait.
      if (this.#quantumDecoded === decoded) return;
    }
  }

  #supply(): void {
    const { line } = this.#scaler;
    const ahead = this.#times[AHEAD]! + line.available * this.#msPerFrame;
    const { decision } = this;
    const action = decision.decide(this.#times[NOW]!, ahead);
    switch (action) {
      case 'wait':
        this.#append(decision.frames);
        break;
      case 'conceal':
        this.#conceal(decision.frames);
        break;
      default:
        this.#play(action === 'skip');
        this.#scaler.wanted =
          action === 'accelerate'
            ? decision.scaleFrames
            : action === 'decelerate'
              ? -decision.scaleFrames
              : 0;
    }
  }

  /** Appends silence, or comfort noise if a background is known. */
  #append(frames: number): void {
    const scaler = this.#scaler;
    scaler.makeRoom(frames);
    const { line } = scaler;
    for (let c = 0; c < this.channels; c++) {
      line.channels[c]!.fill(0, line.end, line.end + frames);
    }
    this.#concealment.noise.add(line.channels, line.end, frames, 1, 0);
    line.end += frames;
    this.#doubtful = line.available;
    this.#concealment.beginMerge();
    this.#joins = true;
    this.#concealed = 0;
  }

  /** @param skips whether audio was skipped before the packet */
  #play(skips: boolean): void {
    const { buffer, decision } = this;
    const { slot } = decision;
    const jumps = skips || buffer.joinsAt(slot);
    const covered = decision.take();
    const frames = buffer.framesOf(slot);
    const { line } = this.#scaler;
    if (!this.#decode(slot, frames)) {
      this.decodeErrors++;
      buffer.counters.add(COUNT.concealedSamples, frames - covered);
      this.#conceal(frames - covered);
      return;
    }
    const { channels, end } = line;
    const left = frames - covered;
    if (covered > 0) {
      for (let c = 0; c < this.channels; c++) {
        channels[c]!.copyWithin(end, end + covered, end + frames);
      }
    }
    if (!this.#joins && (jumps || covered > 0)) this.#begin();
    const concealment = this.#concealment;
    if (concealment.mergeLeft > 0) concealment.merge(channels, end, left);
    this.#joins = false;
    this.#concealed = 0;
    line.end = end + left;
  }

  /** Decodes a packet to the end of the line. @returns false for an invalid packet */
  #decode(slot: number, frames: number): boolean {
    const room = this.#scaler.makeRoom(frames);
    this.#quantumDecoded += frames;
    const { buffer } = this;
    const { payloads } = buffer;
    const offset = buffer.offsetOf(slot);
    const length = buffer.bytesOf(slot);
    const { channels, end } = this.#scaler.line;
    const decoder = this.#decoder;
    if (frames > room) return false;
    try {
      if (buffer.copyOf(slot) === FEC_COPY) {
        decoder.recover(payloads, offset, length, frames, channels, end);
        this.fecFrames += frames;
        return true;
      }
      if (decoder.framesIn(payloads, offset, length) !== frames) return false;
      decoder.decode(payloads, offset, length, channels, end);
      return true;
    } catch (error) {
      return refused(error);
    }
  }

  /** Conceals: with the decoder, while that is useful, then with repetition that fades into comfort noise. */
  #conceal(frames: number): void {
    const scaler = this.#scaler;
    scaler.makeRoom(frames);
    const { line } = scaler;
    const { channels, end } = line;
    if (!this.#decoderMakes(frames)) {
      if (!this.#joins || this.#concealed === 0) this.#begin();
      const { counters } = this.buffer;
      this.#concealment.conceal(channels, end, frames);
      counters.add(COUNT.silentConcealedSamples, this.#concealment.silentFrames);
    }
    line.end = end + frames;
    this.#concealed += frames;
    this.#doubtful = line.available;
    scaler.wanted = 0;
  }

  /** @returns whether the decoder has concealed the frames */
  #decoderMakes(frames: number): boolean {
    if (this.#concealed + frames > this.#decoderConceals || this.#joins) return false;
    const { line } = this.#scaler;
    try {
      this.#decoder.conceal(frames, line.channels, line.end);
      // The previous packet was too short for the whole cross-fade: the decoder's concealment continues that packet.
      this.#concealment.endMerge();
      return true;
    } catch (error) {
      return refused(error);
    }
  }

  /** Number of frames before the packet that its FEC describes. */
  #redundantFrames(payload: Uint8Array): number {
    try {
      return this.#decoder.redundantFramesIn(payload, 0, payload.length);
    } catch (error) {
      refused(error);
      return 0;
    }
  }

  /** Starts repetition from here on. */
  #begin(): void {
    const { line } = this.#scaler;
    this.#concealment.begin(line.channels, line.end);
    this.#joins = true;
  }

  /** Learns the background from the audio read last, if none of it was concealed. */
  #listen(frames: number): void {
    const doubtful = this.#doubtful;
    this.#doubtful = doubtful > frames ? doubtful - frames : 0;
    if (doubtful > 0) return;
    const { line } = this.#scaler;
    this.#concealment.noise.listen(line.channels, line.read - frames, frames);
  }
}

/** Data that no decoder accepts is not a failure. @returns false */
function refused(error: unknown): false {
  if (error instanceof PacketError || error instanceof MicwireError) return false;
  throw error;
}
