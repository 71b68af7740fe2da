import { Capture, dumpForImporter } from 'micwire';
import type { Call, Chunk } from 'micwire';
import type { OpenStage } from '../controllers/session.ts';
import { CallBench } from './call-bench.ts';
import { captureFile } from './capture-file.ts';
import type { CaptureFile, SentAudio } from './capture-file.ts';
import { readCapture } from './capture-list.ts';
import type { CapturedPacket } from './capture-list.ts';

/** How much of the voice is captured, ms. */
export const RECORD_MS = 5000;
const PACKET_MS = 20;
const STREAM = { format: 'opus', sampleRate: 48_000, channels: 1 } as const;
/** What the network of the capture does. */
const NETWORK = { lossRatio: 0.05, jitterMs: 60 } as const;

/** Shown before anything is captured: a second of silence, as Opus encodes it. */
const EXAMPLE = readCapture(
  captureFile({
    stream: { ...STREAM, ssrc: 0x5ca1ab1e, sequenceOffset: 17_039, timestampOffset: 3_000_000_000 },
    packets: Array.from({ length: 50 }, (_, sequence) => ({
      packet: {
        ...{ ...STREAM, sequence, frame: sequence * 960, frames: 960 },
        timestamp: sequence * PACKET_MS * 1000,
        dropped: 0,
        payload: Uint8Array.of(0xf8, 0xff, 0xfe),
      },
      sentMs: Date.UTC(2026, 0) + sequence * PACKET_MS,
    })),
    network: NETWORK,
    seed: 1,
    transactions: [new Uint8Array(12).fill(0x5a), new Uint8Array(12).fill(0xa5)],
  }).bytes,
);

/** A call within the page for the browser's tools, and a capture of the same voice as plain RTP. */
export class ToolsBench extends CallBench {
  /** The last capture; null before the first. */
  file: CaptureFile | null = null;
  /** Those of the last capture; before the first those of an example. */
  packets: readonly CapturedPacket[] = EXAMPLE;
  /** How much is captured, 0..1; null while nothing is. */
  progress: number | null = null;
  readonly #changed: () => void;
  #stage: OpenStage | null = null;
  #capture: Capture<'opus'> | null = null;
  #lastCalls: readonly Call[] = [];

  /** @param changed called when anything of it has changed */
  constructor(changed: () => void) {
    super(changed);
    this.#changed = changed;
  }

  override async open(stage: OpenStage): Promise<void> {
    this.#stage = stage;
    await super.open(stage);
  }

  override shut(): void {
    this.#lastCalls = this.calls ?? this.#lastCalls;
    this.#endCapture();
    this.#stage = null;
    super.shut();
  }

  /** A dump of the call that runs, or of the last one; null before the first. */
  dump(): string | null {
    const calls = this.calls ?? this.#lastCalls;
    return calls.length === 0 ? null : dumpForImporter(calls);
  }

  /** Captures some seconds of the voice. Rejects with what `Capture.create` throws. */
  async record(): Promise<void> {
    const stage = this.#stage;
    if (stage === null || this.progress !== null) return;
    this.progress = 0;
    const { context, source } = stage;
    try {
      const capture = await Capture.create(context, source.microphone ?? source.node, {
        ...STREAM,
        packetDurationMs: PACKET_MS,
      });
      if (stage !== this.#stage) return void capture.close();
      this.#capture = capture;
      this.#collect(capture);
    } catch (error) {
      // Stopped meanwhile: another recording may have begun.
      if (stage !== this.#stage) return;
      this.progress = null;
      throw error;
    }
  }

  #collect(capture: Capture<'opus'>): void {
    const sent: SentAudio[] = [];
    const startMs = performance.timeOrigin + performance.now();
    let firstFrame = 0;
    capture.addEventListener('chunk', ({ detail }) => {
      if (capture !== this.#capture) return;
      const chunk: Chunk<'opus'> = detail;
      if (sent.length === 0) firstFrame = chunk.frame;
      const sentMs = startMs + ((chunk.frame - firstFrame) * 1000) / STREAM.sampleRate;
      sent.push({ packet: chunk, sentMs });
      const before = Math.floor((this.progress ?? 0) * 100);
      this.progress = (sent.length * PACKET_MS) / RECORD_MS;
      if (this.progress >= 1) this.#finish(sent);
      // A page need not be drawn for each packet.
      if (this.progress === null || Math.floor(this.progress * 100) !== before) this.#changed();
    });
  }

  #finish(packets: readonly SentAudio[]): void {
    this.#endCapture();
    const random = crypto.getRandomValues(new Uint32Array(4));
    const transactions = [new Uint8Array(12), new Uint8Array(12)] as const;
    for (const transaction of transactions) crypto.getRandomValues(transaction);
    this.file = captureFile({
      stream: {
        ...STREAM,
        ssrc: random[0]!,
        timestampOffset: random[1]!,
        sequenceOffset: random[2]! & 0xffff,
      },
      packets,
      network: NETWORK,
      seed: random[3]!,
      transactions,
    });
    this.packets = readCapture(this.file.bytes);
  }

  #endCapture(): void {
    void this.#capture?.close();
    this.#capture = null;
    this.progress = null;
  }
}
