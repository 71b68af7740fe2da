import { describe, expect, it } from 'vitest';
import { PcapngWriter } from '../src/core/rtp/pcapng.ts';
import { bytesOf } from './helpers/hex.ts';

const OPUS = { format: 'opus', sampleRate: 48_000, channels: 1 } as const;
const ENDS = {
  local: { address: '10.1.2.3', port: 4000 },
  remote: { address: '255.255.0.9', port: 65_534 },
};
/** 1,700,000,000,123,457 µs since 1970. */
const TIME_MS = 1_700_000_000_123.457;

/** Type and body of each block, whose two lengths have to be the same. */
function blocksOf(bytes: Uint8Array): { readonly type: number; readonly body: Uint8Array }[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blocks: { type: number; body: Uint8Array }[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = view.getUint32(at + 4, true);
    expect(length % 4).toBe(0);
    expect(view.getUint32(at + length - 4, true)).toBe(length);
    blocks.push({
      type: view.getUint32(at, true),
      body: bytes.subarray(at + 8, at + length - 4),
    });
    at += length;
  }
  return blocks;
}

/** The Internet checksum over a header with its own in it is −0 (RFC 1071 §1). */
function sumOf(header: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < header.length; i += 2) sum += 256 * header[i]! + header[i + 1]!;
  return (sum % 0x1_0000) + Math.floor(sum / 0x1_0000);
}

describe('a datagram in a capture file', () => {
  it('is an enhanced packet block with the headers of IPv4 and UDP, byte by byte', () => {
    const writer = new PcapngWriter(ENDS);
    const bytes = writer.rtp(Uint8Array.of(0x80, 1, 2, 3, 4), 'sent', TIME_MS);
    bytes.fill(0, 38, 40); // the checksum
    expect(bytes).toEqual(
      bytesOf(`
        06 00 00 00  44 00 00 00  // enhanced packet block, 68 bytes
        00 00 00 00               // interface 0
        24 0a 06 00  41 22 20 18  // µs since 1970, the upper half first
        21 00 00 00  21 00 00 00  // 33 bytes, all of which are there
        45 00 00 21  00 00 40 00  // IPv4, 33 bytes; the first one, not to be fragmented
        40 11 00 00               // 64 hops, UDP
        0a 01 02 03  ff ff 00 09
        0f a0 ff fe  00 0d 00 00  // ports 4000 and 65534, 13 bytes, no checksum
        80 01 02 03  04 00 00 00  // and padding
        44 00 00 00`),
    );
  });

  it('has a valid checksum, a number of its own, and either direction', () => {
    const writer = new PcapngWriter(ENDS);
    for (let i = 0; i < 300; i++) {
      const received = i % 2 === 1;
      const [block] = blocksOf(
        writer.rtcp(new Uint8Array(i), received ? 'received' : 'sent', i * 20),
      );
      const datagram = block!.body.subarray(20, 20 + 28 + i);
      expect(sumOf(datagram.subarray(0, 20))).toBe(0xffff);
      expect(datagram[4]! * 256 + datagram[5]!).toBe(i);
      const [source, destination] = received ? [16, 12] : [12, 16];
      expect([...datagram.subarray(source, source + 4)]).toEqual([10, 1, 2, 3]);
      expect([...datagram.subarray(destination, destination + 4)]).toEqual([255, 255, 0, 9]);
      // RTCP's ports are the next ones.
      const ports = [datagram[20]! * 256 + datagram[21]!, datagram[22]! * 256 + datagram[23]!];
      expect(received ? ports.toReversed() : ports).toEqual([4001, 65_535]);
    }
  });

  it('may have the maximum length of IPv4', () => {
    const writer = new PcapngWriter();
    expect(writer.rtp(new Uint8Array(65_507), 'sent', 0).length).toBe(65_536 + 20 + 12);
    expect(() => writer.rtp(new Uint8Array(65_508), 'sent', 0)).toThrow(
      'a datagram has at most 65507 bytes, got 65508.',
    );
    expect(() => writer.rtp(new Uint8Array(1), 'sent', -1)).toThrow(RangeError);
  });
});

describe('the beginning of a capture file', () => {
  it('is a section of unknown length with one interface, and then the call', () => {
    const blocks = blocksOf(new PcapngWriter().begin(OPUS, 0));
    expect(blocks.map(({ type }) => type)).toEqual([0x0a0d_0d0a, 1, 6, 6, 6, 6, 6]);
    expect(blocks[0]!.body).toEqual(
      bytesOf('4d 3c 2b 1a  01 00 00 00  ff ff ff ff  ff ff ff ff'), // version 1.0
    );
    expect(blocks[1]!.body).toEqual(bytesOf('65 00 00 00  00 00 00 00')); // raw IP, no limit
  });

  /** Ports and text of each datagram. */
  const messages = (file: Uint8Array) =>
    blocksOf(file)
      .filter(({ type }) => type === 6)
      .map(({ body }) => {
        const length = new DataView(body.buffer, body.byteOffset).getUint32(12, true);
        return {
          from: body[32]!,
          ports: [...body.subarray(40, 44)],
          text: new TextDecoder().decode(body.subarray(48, 20 + length)),
        };
      });
  /** Of the byte at which the addresses begin. */
  const [CALLER, CALLEE] = [10, 255];
  const ports = [0x13, 0xc4, 0x13, 0xc4]; // 5060

  it('carries the agreement of both ends in SIP and SDP, in complete messages', () => {
    const stream = { ...OPUS, payloadType: 100, redPayloadType: 101 };
    const sdp = (address: string, port: number) =>
      `v=0\r\no=- 1 1 IN IP4 ${address}\r\ns=-\r\nc=IN IP4 ${address}\r\nt=0 0\r\n` +
      `m=audio ${port} RTP/AVP 100 101\r\na=rtpmap:100 opus/48000/2\r\n` +
      'a=rtpmap:101 red/48000/2\r\na=fmtp:101 100/100\r\n';
    const sip = (line: string, cseq: string, tag: string, more: string, body = '') =>
      `${line}\r\nVia: SIP/2.0/UDP 10.1.2.3:5060;branch=z9hG4bKmicwire${cseq.split(' ')[1]}\r\n` +
      `From: <sip:micwire@10.1.2.3>;tag=1\r\nTo: <sip:micwire@255.255.0.9>${tag}\r\n` +
      `Call-ID: micwire@10.1.2.3\r\nCSeq: ${cseq}\r\n${more}` +
      `${body === '' ? '' : 'Content-Type: application/sdp\r\n'}` +
      `Content-Length: ${body.length}\r\n\r\n${body}`;
    const uri = 'sip:micwire@255.255.0.9';
    const hops = 'Max-Forwards: 70\r\n';
    const contact = (address: string) => `Contact: <sip:micwire@${address}>\r\n`;
    const writer = new PcapngWriter(ENDS);
    const file = Buffer.concat([writer.begin(stream, TIME_MS), writer.end(TIME_MS + 1)]);
    const answer = [';tag=2', contact('255.255.0.9')] as const;
    const expected = [
      [
        CALLER,
        sip(
          `INVITE ${uri} SIP/2.0`,
          '1 INVITE',
          '',
          hops + contact('10.1.2.3'),
          sdp('10.1.2.3', 4000),
        ),
      ],
      [CALLEE, sip('SIP/2.0 100 Trying', '1 INVITE', '', '')],
      [CALLEE, sip('SIP/2.0 180 Ringing', '1 INVITE', ...answer)],
      [CALLEE, sip('SIP/2.0 200 OK', '1 INVITE', ...answer, sdp('255.255.0.9', 65_534))],
      [CALLER, sip(`ACK ${uri} SIP/2.0`, '1 ACK', ';tag=2', hops)],
      [CALLER, sip(`BYE ${uri} SIP/2.0`, '2 BYE', ';tag=2', hops)],
      [CALLEE, sip('SIP/2.0 200 OK', '2 BYE', ';tag=2', '')],
    ];
    expect(messages(file)).toEqual(expected.map(([from, text]) => ({ from, ports, text })));
  });

  it('may be followed by SIP messages, unchanged', () => {
    const writer = new PcapngWriter(ENDS);
    expect(blocksOf(writer.header()).map(({ type }) => type)).toEqual([0x0a0d_0d0a, 1]);
    const text = 'SIP/2.0 200 Žádný\r\n\r\n';
    for (const message of [text, new TextEncoder().encode(text)]) {
      const file = writer.sip(message, 'received', TIME_MS);
      expect(messages(file)).toEqual([{ from: CALLEE, ports, text }]);
    }
    expect(() => writer.sip('x'.repeat(65_508), 'sent', 0)).toThrow(RangeError);
  });

  it.each([
    [{ local: { address: '10.1.2', port: 4000 } }, /^local.address must be an IPv4 address/],
    [{ local: { address: '10.1.2.3.4', port: 4000 } }, /^local.address/],
    [{ remote: { address: '10.1.2.256', port: 4000 } }, /^remote.address/],
    [{ remote: { address: '10.1.2.x', port: 4000 } }, /^remote.address/],
    [{ remote: { address: '10.1.2.0001', port: 4000 } }, /^remote.address/],
    [
      { local: { address: '10.1.2.3', port: 0 } },
      /^local.port must lie between 1 and 65534, got 0/,
    ],
    [{ remote: { address: '10.1.2.3', port: 65_535 } }, /^remote.port/],
  ])('refuses %j', (options, message) => {
    expect(() => new PcapngWriter(options)).toThrow(RangeError);
    expect(() => new PcapngWriter(options)).toThrow(message);
  });

  it('may have any port that leaves the next one for RTCP', () => {
    const local = { address: '0.0.0.255', port: 1 };
    expect(() => new PcapngWriter({ local, remote: { ...local, port: 65_534 } })).not.toThrow();
  });
});
