import type { OpenStage } from '../controllers/session.ts';
import { withOpusOptions } from '../../src/core/webrtc/opus-sdp.ts';
import { CallBench } from './call-bench.ts';
import type { Negotiated } from './renegotiate.ts';
import { renegotiate } from './renegotiate.ts';
import { errorText } from '../../src/core/errors.ts';

/** Codecs of audio to prefer, and what people call them. */
export const SDP_CODECS = { opus: 'Opus', PCMU: 'PCMU', G722: 'G722' } as const;
/** A codec by its name in SDP. */
export type SdpCodecName = keyof typeof SDP_CODECS;

/** What both sides of the call ask for. */
export interface SdpSettings {
  readonly codec: SdpCodecName;
  /** Parameters of Opus. */
  readonly fec: boolean;
  readonly dtx: boolean;
  readonly stereo: boolean;
  /** Whether nobody sends. */
  readonly hold: boolean;
}

/** As a call begins. */
const FIRST: SdpSettings = { codec: 'opus', fec: true, dtx: false, stereo: false, hold: false };

/** What arrives, measured at the callee. */
export interface SdpMeasured {
  /** Of the last packets, with its payload type. */
  readonly codec: string;
  readonly kilobits: number;
  readonly packetsPerSecond: number;
}

/** A call within the page that can be negotiated again, with other settings. */
export class SdpBench extends CallBench {
  settings: SdpSettings = FIRST;
  /** The descriptions before the last negotiation; null before the second. */
  before: Negotiated | null = null;
  /** null before audio arrives. */
  measured: SdpMeasured | null = null;
  /** Why the last negotiation failed; else empty. */
  problem = '';
  #now: Negotiated | null = null;
  /** The settings that were ever changed: the others remain as the browser writes them. */
  readonly #wishes = new Set<'fec' | 'dtx' | 'stereo'>();
  #busy = false;

  /** The descriptions in force, or of the last call; null before the first answer. */
  get now(): Negotiated | null {
    if (this.#now !== null) return this.#now;
    const { offer, answer } = this;
    return offer === null || answer === null ? null : { offer, answer };
  }

  /** Whether it can be negotiated again. */
  get ready(): boolean {
    return this.connected && !this.#busy;
  }

  override async open(stage: OpenStage): Promise<void> {
    this.settings = FIRST;
    this.before = null;
    this.measured = null;
    this.#now = null;
    this.problem = '';
    // What the previous call waits for may never come: its connection is closed.
    this.#busy = false;
    this.#wishes.clear();
    await super.open(stage);
  }

  /** Negotiates the call again. @returns when both sides have agreed, or when that failed */
  async change(changes: Partial<SdpSettings>): Promise<void> {
    const { calls, now } = this;
    if (calls === null || now === null || !this.ready) return;
    this.#busy = true;
    this.problem = '';
    const settings = { ...this.settings, ...changes };
    const [caller, callee] = [calls[0].connection, calls[1].connection];
    for (const wish of ['fec', 'dtx', 'stereo'] as const) {
      if (changes[wish] !== undefined) this.#wishes.add(wish);
    }
    const wishes = Object.fromEntries([...this.#wishes].map((wish) => [wish, settings[wish]]));
    try {
      prefer(caller, settings.codec);
      prefer(callee, settings.codec);
      const [sound] = caller.getTransceivers();
      if (sound !== undefined) sound.direction = settings.hold ? 'inactive' : 'sendrecv';
      const negotiated = await renegotiate(caller, callee, (sdp) => withOpusOptions(sdp, wishes));
      if (calls === this.calls) {
        this.settings = settings;
        this.before = now;
        this.#now = negotiated;
      }
    } catch (error) {
      if (calls === this.calls) this.problem = errorText(error);
    }
    if (calls === this.calls) this.#busy = false;
  }

  /** Takes the figures of now. */
  async look(): Promise<void> {
    const { calls } = this;
    if (calls === null || !this.connected) return;
    const [, callee] = calls;
    // It rejects when the call ends meanwhile.
    const report = await callee.connection.getStats().catch(() => null);
    if (report === null || calls !== this.calls) return;
    const [before, now] = callee.history.slice(-2);
    if (before === undefined || now === undefined) return;
    const seconds = (now.timestamp - before.timestamp) / 1000;
    this.measured = {
      codec: receivedCodec(report),
      kilobits: now.receivedBitrate / 1000,
      packetsPerSecond: Math.round((now.packetsReceived - before.packetsReceived) / seconds),
    };
  }
}

/** Puts a codec in front of the others: the first is what is sent (RFC 9429 §5.3.1). */
function prefer(connection: RTCPeerConnection, codec: SdpCodecName): void {
  const codecs = RTCRtpReceiver.getCapabilities('audio')?.codecs ?? [];
  const isPreferred = ({ mimeType }: RTCRtpCodec): boolean =>
    mimeType.toLowerCase() === `audio/${codec.toLowerCase()}`;
  // Copies (RED) would be in front of the codec.
  const others = codecs.filter((one) => !isPreferred(one) && !/\/red$/i.test(one.mimeType));
  for (const transceiver of connection.getTransceivers()) {
    transceiver.setCodecPreferences([...codecs.filter(isPreferred), ...others]);
  }
}

function receivedCodec(report: RTCStatsReport): string {
  for (const entry of report.values() as Iterable<RTCInboundRtpStreamStats>) {
    if (entry.type !== 'inbound-rtp' || entry.codecId === undefined) continue;
    const codec = report.get(entry.codecId) as
      | { readonly mimeType: string; readonly payloadType: number }
      | undefined;
    if (codec !== undefined)
      return `${codec.mimeType.replace('audio/', '')} (${codec.payloadType})`;
  }
  return '–';
}
