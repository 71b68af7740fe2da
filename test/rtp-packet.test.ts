import { describe, expect, it } from 'vitest';
import {
  audioLevelByte,
  audioLevelHasVoice,
  audioLevelOf,
  HeaderExtensionCursor,
  headerExtensionBytes,
  writeHeaderExtensions,
} from '../src/core/rtp/header-extensions.ts';
import type { HeaderExtension } from '../src/core/rtp/header-extensions.ts';
import { rtpHeaderBytes, writeRtpHeader } from '../src/core/rtp/rtp-header.ts';
import type { RtpHeader } from '../src/core/rtp/rtp-header.ts';
import { RtpPacket } from '../src/core/rtp/rtp-packet.ts';
import { bytesOf as bytes } from './helpers/hex.ts';
import { outcomeOf } from './helpers/outcome.ts';
import { integer, noise } from './helpers/packet-streams.ts';
import { seededRandom } from './helpers/random.ts';

function elementsOf(packet: RtpPacket): HeaderExtension[] {
  const cursor = new HeaderExtensionCursor();
  const elements: HeaderExtension[] = [];
  cursor.begin(packet);
  while (cursor.next()) {
    const { id, byteOffset, byteLength } = cursor;
    elements.push({ id, data: cursor.source.slice(byteOffset, byteOffset + byteLength) });
  }
  return elements;
}

describe('an RTP packet (RFC 3550 §5.1)', () => {
  it('is read in place', () => {
    const message = bytes(`
      b2           // V=2, P=1, X=1, CC=2
      ef           // M=1, PT=111
      ff fe        // sequence number 65534
      f0 00 00 01  // timestamp
      de ad be ef  // SSRC
      00 00 00 01  // CSRC
      80 00 00 02  // CSRC
      12 34 00 01  // extension of profile 0x1234, one word
      aa bb cc dd  // its data
      0a 0b 0c     // payload
      00 02        // padding: two bytes`);
    const around = new Uint8Array(message.length + 7);
    around.set(message, 5);
    const packet = new RtpPacket().parse(around, 5, message.length);
    expect(packet.marker).toBe(true);
    expect(packet.payloadType).toBe(111);
    expect(packet.sequenceNumber).toBe(65_534);
    expect(packet.timestamp).toBe(0xf000_0001);
    expect(packet.ssrc).toBe(0xdead_beef);
    expect(packet.csrcCount).toBe(2);
    expect([packet.csrc(0), packet.csrc(1)]).toEqual([1, 0x8000_0002]);
    expect(packet.hasExtension).toBe(true);
    expect(packet.extensionProfile).toBe(0x1234);
    expect(packet.extensionBytes).toBe(4);
    expect(around[packet.extensionOffset]).toBe(0xaa);
    expect(packet.payloadBytes).toBe(3);
    expect(around[packet.payloadOffset]).toBe(0x0a);
    expect(packet.paddingBytes).toBe(2);
    // Not one of RFC 8285: there is nothing to go through.
    expect(elementsOf(packet)).toEqual([]);
  });

  it('reads back as written, for random fields', () => {
    const random = seededRandom(1);
    const packet = new RtpPacket();
    for (let i = 0; i < 500; i++) {
      const header: RtpHeader = {
        payloadType: integer(128, random),
        sequenceNumber: integer(2 ** 16, random),
        timestamp: integer(2 ** 32, random),
        ssrc: integer(2 ** 32, random),
        marker: random() < 0.5,
        csrcs: Array.from({ length: integer(16, random) }, () => integer(2 ** 32, random)),
        extensions: Array.from({ length: integer(4, random) }, () => ({
          id: 1 + integer(random() < 0.5 ? 14 : 255, random),
          data: noise(integer(random() < 0.5 ? 17 : 256, random), random),
        })),
      };
      const payload = noise(integer(50, random), random);
      const at = integer(10, random);
      const target = noise(at + rtpHeaderBytes(header) + payload.length + 3, random);
      const before = target.slice();
      const written = writeRtpHeader(header, target, at);
      expect(written).toBe(rtpHeaderBytes(header));
      // Nothing around it was touched.
      expect(target.subarray(0, at)).toEqual(before.subarray(0, at));
      expect(target.subarray(at + written)).toEqual(before.subarray(at + written));
      target.set(payload, at + written);

      packet.parse(target, at, written + payload.length);
      expect({
        payloadType: packet.payloadType,
        sequenceNumber: packet.sequenceNumber,
        timestamp: packet.timestamp,
        ssrc: packet.ssrc,
        marker: packet.marker,
        csrcs: Array.from({ length: packet.csrcCount }, (_, index) => packet.csrc(index)),
        extensions: elementsOf(packet),
      }).toEqual(header);
      const { payloadOffset, payloadBytes } = packet;
      expect(target.subarray(payloadOffset, payloadOffset + payloadBytes)).toEqual(payload);
    }
  });

  it('is refused with a reason', () => {
    const packet = new RtpPacket();
    const reason = (hex: string) => outcomeOf(() => packet.parse(bytes(hex)));
    const rest = '6f 00 01 00 00 00 02 00 00 00 03';
    expect(reason(`80 ${rest}`)).toBe('read');
    expect(reason('80 6f 00 01 00 00 00 02 00 00 00')).toBe('truncated');
    expect(reason(`40 ${rest}`)).toBe('unknown-type'); // version 1
    expect(reason(`81 ${rest}`)).toBe('truncated'); // a CSRC is missing
    expect(reason(`90 ${rest}`)).toBe('truncated'); // the extension is missing
    expect(reason(`90 ${rest} be de 00 01`)).toBe('truncated'); // and now its data
    expect(reason(`90 ${rest} be de 00 00`)).toBe('read');
    expect(reason(`a0 ${rest}`)).toBe('bad-field'); // no room for padding
    expect(reason(`a0 ${rest} 00`)).toBe('bad-field'); // padding of 0 bytes
    expect(reason(`a0 ${rest} 02`)).toBe('bad-field'); // padding into the header
    expect(reason(`a0 ${rest} 01`)).toBe('read');
    // Nothing is left of the one before.
    expect(packet.paddingBytes).toBe(1);
    expect(reason(`40 ${rest}`)).toBe('unknown-type');
    expect([packet.paddingBytes, packet.payloadBytes, packet.ssrc, packet.csrcCount]).toEqual([
      0, 0, 0, 0,
    ]);
  });

  it.each([
    ['payloadType', 128],
    ['sequenceNumber', 65_536],
    ['sequenceNumber', -1],
    ['timestamp', 2 ** 32],
    ['timestamp', 0.5],
    ['ssrc', -1],
    ['csrcs', Array.from({ length: 16 }, () => 1)],
    ['csrcs', [2 ** 32]],
    ['extensions', [{ id: 0, data: new Uint8Array(1) }]],
    ['extensions', [{ id: 256, data: new Uint8Array(1) }]],
    ['extensions', [{ id: 1, data: new Uint8Array(256) }]],
  ])('refuses to write %s = %j', (field, value) => {
    const header = { payloadType: 0, sequenceNumber: 0, timestamp: 0, ssrc: 0, [field]: value };
    expect(() => writeRtpHeader(header, new Uint8Array(1000))).toThrow(RangeError);
  });

  it('refuses to write beyond the target', () => {
    const header: RtpHeader = { payloadType: 0, sequenceNumber: 0, timestamp: 0, ssrc: 0 };
    expect(() => writeRtpHeader(header, new Uint8Array(15), 4)).toThrow(RangeError);
    expect(writeRtpHeader(header, new Uint8Array(16), 4)).toBe(12);
  });
});

describe('header extensions (RFC 8285)', () => {
  const HEADER = '90 6f 00 01 00 00 00 02 00 00 00 03';
  const elements = (hex: string) => elementsOf(new RtpPacket().parse(bytes(`${HEADER} ${hex}`)));

  it('§4.2: one byte before each element, padding between them', () => {
    // The RFC's example: ID and L−1 of one, two bytes of padding, of four, and of one byte.
    expect(elements('be de 00 03  10 aa 21 bb bb 00 00 33  cc cc cc cc')).toEqual([
      { id: 1, data: bytes('aa') },
      { id: 2, data: bytes('bb bb') },
      { id: 3, data: bytes('cc cc cc cc') },
    ]);
  });

  it('§4.2: an ID of 15 ends the list, and so does one of 0 with a length', () => {
    expect(elements('be de 00 02  10 aa f0 bb 20 cc 00 00')).toEqual([
      { id: 1, data: bytes('aa') },
    ]);
    expect(elements('be de 00 02  10 aa 01 bb bb 20 cc 00')).toEqual([
      { id: 1, data: bytes('aa') },
    ]);
  });

  it('§4.3: two bytes before each element, with any application bits', () => {
    expect(elements('10 0f 00 03  01 00 02 01 bb 00 ff 04  cc cc cc cc')).toEqual([
      { id: 1, data: bytes('') },
      { id: 2, data: bytes('bb') },
      { id: 255, data: bytes('cc cc cc cc') },
    ]);
  });

  it('are written in the shorter form if all of them fit it', () => {
    const header = { payloadType: 111, sequenceNumber: 1, timestamp: 2, ssrc: 3 };
    const written = (extensions: HeaderExtension[]) => {
      const target = new Uint8Array(64);
      return target.slice(12, writeRtpHeader({ ...header, extensions }, target));
    };
    expect(written([{ id: 14, data: bytes('aa') }])).toEqual(bytes('be de 00 01 e0 aa 00 00'));
    expect(written([{ id: 15, data: bytes('aa') }])).toEqual(bytes('10 00 00 01 0f 01 aa 00'));
    expect(written([{ id: 1, data: new Uint8Array(0) }])).toEqual(bytes('10 00 00 01 01 00 00 00'));
    expect(written([])).toEqual(new Uint8Array(0));
    const longest = { id: 1, data: new Uint8Array(16).fill(7) };
    expect([...written([longest])].slice(0, 6)).toEqual([0xbe, 0xde, 0, 5, 0x1f, 7]);
    const longer = { id: 1, data: new Uint8Array(17).fill(7) };
    expect([...written([longer])].slice(0, 7)).toEqual([0x10, 0, 0, 5, 1, 17, 7]);
    // Each has two bytes of its own then.
    const two = [longest, { id: 15, data: bytes('aa') }];
    expect(headerExtensionBytes(two)).toBe(4 + 24);
    expect(headerExtensionBytes([longest, longest])).toBe(4 + 36);
    const short = { id: 1, data: bytes('aa') };
    expect(headerExtensionBytes([short, short, short])).toBe(4 + 8);
    for (const wrong of [
      { id: 0, data: bytes('aa') },
      { id: 256, data: bytes('aa') },
      { id: 1.5, data: bytes('aa') },
      { id: 1, data: new Uint8Array(256) },
    ]) {
      expect(() => writeHeaderExtensions([wrong], new Uint8Array(400), 0)).toThrow(RangeError);
    }
    const most = { id: 255, data: new Uint8Array(255) };
    expect(writeHeaderExtensions([most], new Uint8Array(400), 0)).toBe(4 + 260);
  });

  it('are refused if an element extends beyond the end', () => {
    expect(outcomeOf(() => elements('be de 00 01  13 aa bb cc'))).toBe('truncated');
    expect(outcomeOf(() => elements('10 00 00 01  01 03 aa bb'))).toBe('truncated');
    expect(outcomeOf(() => elements('10 00 00 01  00 00 00 01'))).toBe('truncated');
  });
});

describe('the audio level (RFC 6464)', () => {
  it('is one byte: V, and the level in dB below 0 dBov', () => {
    expect(audioLevelByte(-30, true)).toBe(0x9e);
    expect(audioLevelByte(-30.4, false)).toBe(0x1e);
    expect(audioLevelByte(3, false)).toBe(0);
    expect(audioLevelByte(-500, true)).toBe(0xff);
    expect(audioLevelByte(Number.NEGATIVE_INFINITY, false)).toBe(0x7f);
    expect(audioLevelByte(Number.NaN, false)).toBe(0x7f);
  });

  it('reads back as written', () => {
    for (let level = 0; level < 128; level++) {
      for (const voice of [false, true]) {
        const byte = audioLevelByte(-level, voice);
        expect(audioLevelOf(byte)).toBe(0 - level);
        expect(audioLevelHasVoice(byte)).toBe(voice);
      }
    }
  });
});
