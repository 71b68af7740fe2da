import { Capture, PacketError, Receiver, rtpFraming } from 'micwire';
import { rtpMap, rtpPayloadType, writeRtpHeader } from 'micwire/rtp';
import { SampleEncoder } from 'micwire/codec';
import type { OpenStage } from '../controllers/session.ts';
import { exampleVoice } from './example-voice.ts';
import type { LearnPart } from './learn-voice.ts';
import type { FlowSettings } from './packet-flow.ts';
import { FLOW_PACKET_MS, FlowNetwork } from './packet-flow.ts';
import type { RtpStreamWords } from './rtp-fields.ts';

const STREAM = { format: 'opus', sampleRate: 48_000, channels: 1 } as const;
const EXAMPLE_STREAM = { format: 'mulaw', sampleRate: 8000, channels: 1 } as const;
/** Of the network that the voice goes over. */
const SEED = 1;

/** A packet as it was sent, with what its stream says. */
export interface SentPacket {
  readonly bytes: Uint8Array;
  readonly stream: RtpStreamWords;
  readonly format: 'opus' | 'mulaw';
}

/** Sends the source as packets of RTP through a network that loses and delays them, and plays what arrives. */
export class RtpBench implements LearnPart {
  settings: FlowSettings = { lossRatio: 0.05, jitterMs: 60 };
  /** The last packet that was sent. */
  last: SentPacket | null = null;
  /** Whether the voice goes through the network; null while nothing runs. */
  receiver: Receiver | null = null;
  #capture: Capture<'opus'> | null = null;
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();

  async open({ context, source, output, outdated }: OpenStage): Promise<void> {
    const receiver = await Receiver.create(context, STREAM);
    if (outdated()) return void receiver.close();
    this.receiver = receiver;
    receiver.connect(output);
    const capture = await Capture.create(context, source.microphone ?? source.node, {
      ...STREAM,
      packetDurationMs: FLOW_PACKET_MS,
    });
    if (outdated()) return void capture.close();
    this.#capture = capture;
    const [ssrc, timestampOffset, sequence] = crypto.getRandomValues(new Uint32Array(3));
    const sequenceOffset = sequence! & 0xffff;
    const options = { ...STREAM, ssrc: ssrc!, sequenceOffset, timestampOffset: timestampOffset! };
    const encoder = rtpFraming.createEncoder(options);
    const decoder = rtpFraming.createDecoder(options);
    const network = new FlowNetwork(SEED);
    const stream: RtpStreamWords = {
      rtpMap: rtpMap(STREAM),
      clockRate: 48_000,
      firstSequence: sequenceOffset,
      firstTimestamp: timestampOffset!,
    };
    capture.addEventListener('chunk', ({ detail: chunk }) => {
      // A capture that is being closed may have a last one.
      if (receiver !== this.receiver) return;
      const bytes = encoder.encode(chunk);
      this.last = { bytes, stream, format: 'opus' };
      const transitMs = network.transit(this.settings);
      if (transitMs === null) return;
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        try {
          receiver.insert(decoder.decode(bytes));
        } catch (error) {
          if (!(error instanceof PacketError)) throw error;
        }
      }, transitMs);
      this.#timers.add(timer);
    });
  }

  shut(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    void this.#capture?.close();
    void this.receiver?.close();
    this.#capture = null;
    this.receiver = null;
  }
}

/** A packet to look at before any was sent: 20 ms of µ-law, as telephones send it. */
export function examplePacket(): SentPacket {
  const samples = exampleVoice(EXAMPLE_STREAM.sampleRate, 160);
  const header = {
    payloadType: rtpPayloadType(EXAMPLE_STREAM),
    sequenceNumber: 17_042,
    timestamp: 3_000_000_480,
    ssrc: 0x5ca1ab1e,
    marker: false,
  };
  const bytes = new Uint8Array(12 + samples.length);
  const at = writeRtpHeader(header, bytes);
  new SampleEncoder({ format: 'mulaw', channels: 1 }).encode([samples], 0, 160, bytes, at);
  return {
    bytes,
    format: 'mulaw',
    stream: {
      rtpMap: rtpMap(EXAMPLE_STREAM),
      clockRate: 8000,
      firstSequence: 17_039,
      firstTimestamp: 3_000_000_000,
    },
  };
}
