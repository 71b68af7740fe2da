import { opusPacketInfo } from 'micwire/codec';

/** Some bits of a byte, and what they say. */
export interface BitField {
  readonly name: string;
  /** As zeros and ones. */
  readonly bits: string;
  readonly meaning: string;
}

const MODES = {
  silk: 'SILK, for speech at low rates',
  hybrid: 'hybrid: SILK below 8 kHz, CELT above',
  celt: 'CELT, for music and low delay',
} as const;

/**
 * The first byte of an Opus packet, its table of contents (RFC 6716 §3.1), field by field.
 * @throws PacketError when it is not an Opus packet
 */
export function opusTocFields(packet: Uint8Array): readonly BitField[] {
  const info = opusPacketInfo(packet);
  const bits = packet[0]!.toString(2).padStart(8, '0');
  const { mode, bandwidthHz, frameDurationMs, frameCount } = info;
  return [
    {
      name: 'config',
      bits: bits.slice(0, 5),
      meaning: `Number ${packet[0]! >> 3}: ${MODES[mode]}; up to ${bandwidthHz / 1000} kHz; frames of ${frameDurationMs} ms.`,
    },
    {
      name: 's',
      bits: bits.slice(5, 6),
      meaning: info.channels === 1 ? 'Mono.' : 'Stereo.',
    },
    {
      name: 'c',
      bits: bits.slice(6),
      meaning:
        frameCount === 1 ? 'One frame in this packet.' : `${frameCount} frames in this packet.`,
    },
  ];
}
