import { integerIn } from '../arguments.ts';

/*
 * RFC 6464 §3: how loud a packet is, so that a mixer need not decode it. The data of one header extension element, one byte:
 *
 *     0 1 2 3 4 5 6 7
 *    +-+-+-+-+-+-+-+-+
 *    |V| level       |     V: there is speech in it; level: −level dBov, 127 for silence
 *    +-+-+-+-+-+-+-+-+
 */

/** What `a=extmap` calls it. */
export const AUDIO_LEVEL_URI = 'urn:ietf:params:rtp-hdrext:ssrc-audio-level';

const VOICE_BIT = 0x80;
const LEVEL_MASK = 0x7f;
const QUIETEST = 127;

/**
 * The byte that says it.
 * @param levelDbov relative to the overload point, rounded and limited to −127..0; −Infinity and NaN are silence
 * @param voice whether the packet holds speech
 */
export function audioLevelByte(levelDbov: number, voice: boolean): number {
  const below = Number.isNaN(levelDbov) ? QUIETEST : Math.round(-levelDbov);
  return (voice ? VOICE_BIT : 0) | Math.min(QUIETEST, Math.max(0, below));
}

/** The level of a byte of RFC 6464 in dBov, −127..0. */
export function audioLevelOf(byte: number): number {
  return 0 - (integerIn('byte', byte, 0, 255) & LEVEL_MASK);
}

/** Whether a byte of RFC 6464 says that there is speech. */
export function audioLevelHasVoice(byte: number): boolean {
  return (byte & VOICE_BIT) !== 0;
}
