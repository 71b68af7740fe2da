import type { LaneFigures } from '../measure/metrics.ts';
import { NO_FIGURES } from '../measure/metrics.ts';
import type { SoundReading } from '../measure/measure-messages.ts';
import type { LaneTotals } from './lane-totals.ts';

/**
 * The figures of a lane over a time: rates and ratios of what was counted between two readings, and what the sound told.
 * @param before null: since the lane was opened
 * @param packets `'all'`: counters of packets since the lane was opened; `'between'`: those of the time
 */
export function laneFigures(
  before: LaneTotals | null,
  after: LaneTotals | null,
  sound: SoundReading | null,
  packets: 'all' | 'between',
): LaneFigures {
  const heard = { ...NO_FIGURES, ...sound?.figures, first_sound_ms: sound?.firstSoundMs ?? null };
  if (after === null) return heard;
  const between = (name: keyof LaneTotals): number | null => {
    const [from, to] = [before === null ? 0 : before[name], after[name]];
    return from === null || to === null ? null : to - from;
  };
  const counted = (name: keyof LaneTotals): number | null =>
    packets === 'all' ? after[name] : between(name);
  // A reading at the opening has no time before it, and so no rates.
  const seconds = before === null ? null : between('atMs')! / 1000;
  const kbps = (name: keyof LaneTotals): number | null =>
    ratio(scaled(between(name), 8 / 1000), seconds);
  const lost = between('packetsLost');
  const scaledSamples = sum(between('insertedSamples'), between('removedSamples'));
  const emitted = between('jitterBufferEmittedCount');
  return {
    ...heard,
    bitrate_kbps: kbps('wireBytes'),
    payload_kbps: kbps('payloadBytes'),
    packets_sent: counted('packetsSent'),
    packets_received: counted('packetsReceived'),
    packets_lost: counted('packetsLost'),
    packets_under_way: after.packetsUnderWay,
    packets_late: counted('packetsLate'),
    packets_recovered: counted('packetsRecovered'),
    packets_dropped: counted('packetsDropped'),
    copies_per_packet: ratio(between('copiesSent'), between('packetsSent')),
    loss_ratio: ratio(lost, sum(lost, between('packetsReceived'))),
    concealed_ratio: ratio(between('concealedSamples'), between('totalSamples')),
    time_scaled_ratio: ratio(scaledSamples, between('totalSamples')),
    playout_delay_ms: ratio(scaled(between('jitterBufferDelay'), 1000), emitted),
    playout_target_ms: ratio(scaled(between('jitterBufferTargetDelay'), 1000), emitted),
    encode_ms_per_s: ratio(between('encodeMs'), between('encodedSeconds')),
    decode_ms_per_s: ratio(between('decodeMs'), between('decodedSeconds')),
  };
}

function sum(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}

function scaled(value: number | null, by: number): number | null {
  return value === null ? null : value * by;
}

/** null where one is not known, or there is nothing to divide by. */
function ratio(part: number | null, whole: number | null): number | null {
  return part === null || whole === null || whole <= 0 ? null : part / whole;
}
