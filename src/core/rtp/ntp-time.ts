import { numberIn } from '../arguments.ts';

/*
 * Time as RTCP has it (RFC 3550 §4): 64 bits since 1900, of which reports carry the 32 in the middle.
 *
 *     |        seconds (32 bits)        |       fraction (32 bits)        |
 *                      |      the middle 32 bits: 1/65536 s     |
 *
 * Any clock will do where there is no wall clock: what is reckoned with is one clock's differences.
 */

const TWO_16 = 2 ** 16;
const TWO_32 = 2 ** 32;
/** From 1900 to 1970. */
const UNIX_EPOCH_SECONDS = 2_208_988_800;
/** Until then milliseconds are told apart. */
const MAX_MS = Number.MAX_SAFE_INTEGER / 1000;

/** The seconds of an instant in ms (since 1970, of a wall clock), modulo 2³². */
export function ntpSeconds(timeMs: number): number {
  const seconds = Math.floor(numberIn('timeMs', timeMs, 0, MAX_MS) / 1000);
  return (seconds + UNIX_EPOCH_SECONDS) % TWO_32;
}

/** The fraction of its second in 2⁻³² s. */
export function ntpFraction(timeMs: number): number {
  const ms = numberIn('timeMs', timeMs, 0, MAX_MS);
  return Math.floor(((ms % 1000) / 1000) * TWO_32);
}

/** The middle 32 bits. @param seconds 0..2³²−1 @param fraction 0..2³²−1 */
export function ntpMiddle(seconds: number, fraction: number): number {
  return (seconds % TWO_16) * TWO_16 + Math.floor(fraction / TWO_16);
}

/** The instant in ms since 1970, in NTP's first era, which ends in 2036; negative before 1970. */
export function ntpToMs(seconds: number, fraction: number): number {
  return (seconds - UNIX_EPOCH_SECONDS) * 1000 + (fraction / TWO_32) * 1000;
}
