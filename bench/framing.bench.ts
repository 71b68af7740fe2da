import { encodeBase64 } from '../src/core/base64/base64.ts';
import { FRAMINGS } from '../src/core/framing/framings.ts';
import type { LazyPacket, Packet } from '../src/core/framing/packet.ts';
import { type Row, timeInTurns } from './measure.ts';

/** Bytes of samples in a packet. */
const CASES: Readonly<Record<string, number>> = {
  '20 ms of 16 kHz s16, 640 bytes': 640,
  '100 ms of 48 kHz s16, 9600 bytes': 9600,
};

/** What one message costs the thread that writes or reads it. */
export function run(): Row[] {
  return Object.entries(CASES).flatMap(([name, byteCount]) => {
    const { packet, chunk, payload } = samplePacket(byteCount);
    const binary = FRAMINGS.binary.createEncoder();
    const json = FRAMINGS['base64-json'].createEncoder();
    const binaryDecoder = FRAMINGS.binary.createDecoder();
    const jsonDecoder = FRAMINGS['base64-json'].createDecoder();
    const rtp = FRAMINGS.rtp.createEncoder(packet);
    const rtpDecoder = FRAMINGS.rtp.createDecoder(packet);
    const { payload: _, ...header } = packet;
    const asRtp = rtp.encode(packet);
    const asBytes = binary.encode(packet);
    const asText = json.encode(packet);
    const writers: Record<string, () => string | Uint8Array> = {
      binary: () => binary.encode(packet),
      'rtp, samples turned round': () => rtp.encode(packet),
      'base64-json, of Base64 from the worklet': () => json.encode(chunk),
      'base64-json, of bytes': () => json.encode(packet),
      'JSON.stringify, of Base64': () =>
        JSON.stringify({ type: 'audio', version: 1, ...header, payload }),
    };
    const readers: Record<string, () => unknown> = {
      binary: () => binaryDecoder.decode(asBytes),
      'rtp, samples turned round': () => rtpDecoder.decode(asRtp),
      'base64-json': () => jsonDecoder.decode(asText),
      'JSON.parse alone': () => JSON.parse(asText as string),
    };
    return [...rows(name, 'encode', looking(writers)), ...rows(name, 'decode', readers)];
  });
}

function rows(name: string, metric: string, subjects: Record<string, () => unknown>): Row[] {
  return Object.entries(timeInTurns(subjects)).map(([subject, { medianNs }]) => ({
    case: name,
    subject,
    metric,
    value: medianNs / 1000,
    unit: 'µs',
  }));
}

/** Looks into each message: an engine may put a joined string off until somebody reads it, as `send` would. */
function looking(
  subjects: Readonly<Record<string, () => string | Uint8Array>>,
): Record<string, () => unknown> {
  return Object.fromEntries(
    Object.entries(subjects).map(([name, subject]) => [
      name,
      () => {
        const message = subject();
        return typeof message === 'string' ? message.charCodeAt(message.length >> 1) : message[1];
      },
    ]),
  );
}

function samplePacket(byteCount: number): { packet: Packet; chunk: LazyPacket; payload: string } {
  const bytes = Uint8Array.from({ length: byteCount }, (_, i) => (i * 167 + (i >> 3)) & 255);
  const payload = encodeBase64(bytes);
  const packet: Packet = {
    sequence: 812,
    frame: 259_840,
    frames: byteCount / 2,
    timestamp: 16_240_000,
    dropped: 0,
    format: 's16',
    sampleRate: 16_000,
    channels: 1,
    payload: bytes,
  };
  const { payload: _, ...header } = packet;
  return { packet, chunk: { ...header, bytes, base64: payload }, payload };
}
