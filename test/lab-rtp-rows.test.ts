import { FRAMINGS } from 'micwire';
import type { Packet } from 'micwire';
import { RED_PAYLOAD_TYPE } from '../src/core/rtp/rtp-payload-format.ts';
import { RedBlocks, RtpPacket, rtpHeaderBytes, writeRtpHeader } from 'micwire/rtp';
import type { RtpHeader } from 'micwire/rtp';
import { describe, expect, it } from 'vitest';
import { rtpRows } from '../demo/page/rtp-rows.ts';
import { sentMessage, takeApart } from '../demo/page/wire-parts.ts';

/*
 * The headers of RTP and RED as the lab shows them, held against packets that the library's own writer made.
 */

const OPUS = { format: 'opus', sampleRate: 48_000, channels: 1 } as const;
const FRAMES = 960;
/** A packet of Opus (RFC 6716 §3.1) of one frame of 20 ms: configuration 19, mono, code 0; then bytes of no meaning. */
const opusPacket = (sequence: number): Packet => ({
  ...OPUS,
  sequence,
  frame: sequence * FRAMES,
  frames: FRAMES,
  timestamp: sequence * 20_000,
  dropped: 0,
  payload: Uint8Array.from({ length: 60 + sequence }, (_, i) => (i === 0 ? 19 << 3 : i + sequence)),
});

/** The last of so many packets, with so many copies. */
function redMessage(copies: number, packets: number): Uint8Array {
  const encoder = FRAMINGS.rtp.createEncoder(OPUS);
  encoder.redundancy = copies;
  let message: Uint8Array = new Uint8Array(0);
  for (let i = 0; i < packets; i++) message = encoder.encode(opusPacket(i));
  return message;
}

/** Rows as the page shows them: place, bits or bytes, meaning. */
function shown(message: Uint8Array): (readonly [string, string, string])[] {
  const { parts } = sentMessage({ message, framing: 'rtp' });
  return takeApart(parts!).rows.map(
    ({ where, wire, meaning }) => [where.replaceAll('\u00a0', ' '), wire, meaning] as const,
  );
}

describe('an RTP packet with copies, taken apart', () => {
  it('names RED as the packet’s payload type and Opus as that of each block, every bit field with its value', () => {
    const rows = shown(redMessage(2, 4));
    expect(rows.slice(0, 21)).toEqual([
      [' 0 V', '10', 'Version 2 of RTP (RFC 3550 §5.1).'],
      [' 0 P', '0', '0: no padding behind the payload (RFC 3550 §5.1).'],
      [' 0 X', '0', '0: no header extension (RFC 3550 §5.3.1).'],
      [' 0 CC', '0000', '0: no contributing sources (RFC 3550 §5.1).'],
      [' 1 M', '0', '0: it continues the previous packet (RFC 3551 §4.1).'],
      [
        ' 1 PT',
        '1110000',
        '112: RED, redundant audio (RFC 2198). The block headers say what the audio is.',
      ],
      [
        ' 2 sequence number',
        '00 03',
        '3: one more with each packet. A gap here is a loss (RFC 3550 §5.1).',
      ],
      [
        ' 4 RTP timestamp',
        '00 00 0b 40',
        '2,880 ticks of 48,000 Hz: its first frame, at 0.060 s (RFC 3550 §5.1).',
      ],
      [' 8 SSRC', '6d 69 63 77', '0x6d696377: the sender (RFC 3550 §5.1, §8).'],
      // 1920 ticks and 61 bytes: the packet of two before.
      ['12 copy: F', '1', '1: another block header follows (RFC 2198 §3).'],
      [
        '12 copy: block PT',
        '1101111',
        '111: Opus (RFC 7587), by a number that both ends agreed on (RFC 3551 §3).',
      ],
      [
        '13 copy: timestamp offset',
        '00011110000000',
        '1,920 ticks: the copy is of the audio 40.0 ms earlier (RFC 2198 §3).',
      ],
      ['14 copy: block length', '0000111101', 'The copy has 61 bytes (RFC 2198 §3).'],
      ['16 copy: F', '1', '1: another block header follows (RFC 2198 §3).'],
      [
        '16 copy: block PT',
        '1101111',
        '111: Opus (RFC 7587), by a number that both ends agreed on (RFC 3551 §3).',
      ],
      [
        '17 copy: timestamp offset',
        '00001111000000',
        '960 ticks: the copy is of the audio 20.0 ms earlier (RFC 2198 §3).',
      ],
      ['18 copy: block length', '0000111110', 'The copy has 62 bytes (RFC 2198 §3).'],
      [
        '20 payload: F',
        '0',
        '0: the last block header; its block is the rest of the packet (RFC 2198 §3).',
      ],
      [
        '20 payload: block PT',
        '1101111',
        '111: Opus (RFC 7587), by a number that both ends agreed on (RFC 3551 §3).',
      ],
      [
        '21 copy',
        '98 02 03 04 05 06 07 08 …',
        'The audio from 40.0 ms earlier, 61 bytes, again (RFC 2198 §3).',
      ],
      [
        '82 copy',
        '98 03 04 05 06 07 08 09 …',
        'The audio from 20.0 ms earlier, 62 bytes, again (RFC 2198 §3).',
      ],
    ]);
    expect(rows.length).toBe(21);
  });

  it('agrees with the library’s reader for every number of copies', () => {
    for (const copies of [0, 1, 2, 3]) {
      const message = redMessage(copies, 9);
      const packet = new RtpPacket().parse(message);
      const rows = rtpRows(message, FRAMINGS.rtp.layout(message), opusPacket(8));
      const values = (name: string) =>
        rows.filter((row) => row.name === name).map(({ bits }) => parseInt(bits!, 2));
      expect(values('PT')).toEqual([packet.payloadType]);
      expect(packet.payloadType).toBe(copies === 0 ? 111 : RED_PAYLOAD_TYPE);
      if (copies === 0) {
        expect(values('copy: F')).toEqual([]);
        continue;
      }
      const blocks = new RedBlocks();
      const count = blocks.parse(message, packet.payloadOffset, packet.payloadBytes);
      const each = (read: (block: number) => number) =>
        Array.from({ length: count - 1 }, (_, block) => read(block));
      expect(count).toBe(copies + 1);
      expect(values('copy: F')).toEqual(each(() => 1));
      expect(values('copy: block PT')).toEqual(each((block) => blocks.payloadType(block)));
      expect(values('copy: timestamp offset')).toEqual(
        each((block) => blocks.timestampOffset(block)),
      );
      expect(values('copy: block length')).toEqual(each((block) => blocks.byteLength(block)));
      expect(values('payload: F')).toEqual([0]);
      expect(values('payload: block PT')).toEqual([blocks.payloadType(count - 1)]);
    }
  });

  it('names the marker, padding, an extension and contributing sources', () => {
    const header: RtpHeader = {
      payloadType: 111,
      sequenceNumber: 7,
      timestamp: 6720,
      ssrc: 1,
      marker: true,
      csrcs: [5, 6],
      extensions: [{ id: 1, data: Uint8Array.of(0x85) }],
    };
    const bytes = rtpHeaderBytes(header);
    const message = new Uint8Array(bytes + 60 + 4);
    writeRtpHeader(header, message);
    message.set(opusPacket(0).payload, bytes);
    message[0] = message[0]! | 0x20;
    message[message.length - 1] = 4;
    const rows = Object.fromEntries(shown(message).map(([where, , meaning]) => [where, meaning]));
    expect(rows).toMatchObject({
      ' 0 P': '1: 4 bytes of padding behind the payload (RFC 3550 §5.1).',
      ' 0 X': '1: a header extension with 4 bytes of data (RFC 3550 §5.3.1).',
      ' 0 CC': '2 contributing sources (RFC 3550 §5.1).',
      ' 1 M': '1: the first packet, or the first after a gap (RFC 3551 §4.1).',
      ' 1 PT': '111: Opus (RFC 7587), by a number that both ends agreed on (RFC 3551 §3).',
    });
    // The padding is behind the payload, and no part of it.
    const parts = takeApart(sentMessage({ message, framing: 'rtp' }).parts!);
    expect(parts.payloadBytes).toBe(60);
    expect(parts.payload.join(' ').slice(0, 5)).toBe('98 01');
  });

  it('names a static payload type by its table', () => {
    const stream = { format: 'mulaw', sampleRate: 8000, channels: 1 } as const;
    const packet: Packet = {
      ...stream,
      sequence: 0,
      frame: 0,
      frames: 160,
      timestamp: 0,
      dropped: 0,
      payload: new Uint8Array(160),
    };
    const message = FRAMINGS.rtp.createEncoder(stream).encode(packet);
    const rows = rtpRows(message, FRAMINGS.rtp.layout(message), packet);
    expect(rows.find(({ name }) => name === 'PT')!.meaning).toBe('0: PCMU (RFC 3551 §6, table 4).');
  });
});
