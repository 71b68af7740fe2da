import type { PayloadDecoder, PayloadEncoder } from '../../src/core/codec/codec.ts';

/** Payloads of a whole signal; what does not fill the last one is left out. */
export function encodeAll(
  encoder: PayloadEncoder,
  input: readonly Float32Array[],
  packetFrames: number = encoder.packetFrames,
): Uint8Array[] {
  const target = new Uint8Array(encoder.maxBytes(packetFrames));
  const packets: Uint8Array[] = [];
  for (let from = 0; from + packetFrames <= input[0]!.length; from += packetFrames) {
    const length = encoder.encode(input, from, packetFrames, target, 0);
    packets.push(target.slice(0, length));
  }
  return packets;
}

/** What payloads decode to, one array a channel. An undefined payload is lost and concealed. */
export function decodeAll(
  decoder: PayloadDecoder,
  packets: readonly (Uint8Array | undefined)[],
  packetFrames: number,
): Float32Array[] {
  const output = Array.from(
    { length: decoder.channels },
    () => new Float32Array(packets.length * packetFrames),
  );
  let at = 0;
  for (const packet of packets) {
    at += packet
      ? decoder.decode(packet, 0, packet.length, output, at)
      : decoder.conceal(packetFrames, output, at);
  }
  return output.map((samples) => samples.subarray(0, at));
}
