import { PacketError } from 'micwire';
import { AdaptiveRedundancy, LossReporter } from 'micwire/rtp';
import type { Packet, RtpMessageEncoder } from 'micwire';
import type { RedundancySettings } from 'micwire/rtp';
import type { LaneWorkerOptions } from '../lanes/lane-messages.ts';

/**
 * What audio, copies and RTP's headers may take together, bit/s: a third of what samples take. Opus at 32 kbit/s can have three copies,
 * from about 125 kbit/s on none.
 */
const MAX_BITRATE = 256_000;

/** Both ends of the reports that a lane's protection adapts to: its receiver's reports, and its sender's reaction. */
export class AdaptiveProtection {
  readonly #reporter: LossReporter;
  readonly #redundancy: AdaptiveRedundancy;

  constructor(
    encoder: RtpMessageEncoder,
    { format, sampleRate, settings, protection }: LaneWorkerOptions,
  ) {
    this.#reporter = new LossReporter({ format, sampleRate, channels: 1 });
    this.#redundancy = new AdaptiveRedundancy(encoder, {
      bitrate: settings.bitrate,
      packetDurationMs: settings.chunkDurationMs,
      // No bitrate to spend: Opus's own error correction is all there is.
      maxBitrate: protection === 'fec' ? 0 : MAX_BITRATE,
    });
  }

  /** At the receiver. @returns a report to be sent back; null while none is due */
  packet(packet: Packet): Uint8Array<ArrayBuffer> | null {
    return this.#reporter.receive(packet, performance.now());
  }

  /** At the sender. @returns what to send from now on; null for anything but a report */
  report(message: Uint8Array): RedundancySettings | null {
    try {
      return this.#redundancy.receive(message, performance.now());
    } catch (error) {
      if (error instanceof PacketError) return null;
      throw error;
    }
  }
}
