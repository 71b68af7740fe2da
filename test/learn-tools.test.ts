/** What the page about tools of the lab's view Learn is made from. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { captureFile } from '../demo/learn/capture-file.ts';
import type { CaptureFile, SentAudio } from '../demo/learn/capture-file.ts';
import { packetDetails, readCapture } from '../demo/learn/capture-list.ts';
import { dumpContents } from '../demo/learn/dump-contents.ts';
import type { CapturedPacket } from '../demo/learn/capture-list.ts';
import { OpusEncoder } from '../src/core/codec/opus-encoder.ts';
import { isSignedWith } from '../src/core/webrtc/stun/stun-integrity.ts';
import { parseStun } from '../src/core/webrtc/stun/stun-message.ts';
import { importerDump } from '../src/web/webrtc/dump.ts';
import { opusLibrary } from './helpers/opus.ts';
import { installed, runProgram } from './helpers/programs.ts';
import { sine } from './helpers/signals.ts';

const START = Date.UTC(2026, 0, 2, 3, 4, 5);
const COUNT = 150;
const STREAM = {
  format: 'opus',
  sampleRate: 48_000,
  channels: 1,
  ssrc: 0x1234abcd,
  // Both wrap within the file.
  sequenceOffset: 65_500,
  timestampOffset: 4_294_960_000,
} as const;
const NETWORK = { lossRatio: 0.05, jitterMs: 60 };
const TRANSACTIONS = [new Uint8Array(12).fill(1), new Uint8Array(12).fill(2)] as const;

/** Opus of a tone, 20 ms each. */
async function tone(): Promise<SentAudio[]> {
  const encoder = new OpusEncoder(await opusLibrary(), { sampleRate: 48_000, channels: 1 });
  const frames = 960;
  const packets = Array.from({ length: COUNT }, (_, sequence): SentAudio => {
    const frame = sequence * frames;
    const input = sine({ frequency: 440, sampleRate: 48_000, frames, amplitude: 0.3, from: frame });
    const target = new Uint8Array(encoder.maxBytes(frames));
    const length = encoder.encode([input], 0, frames, target, 0);
    const packet = {
      ...({ format: 'opus', sampleRate: 48_000, channels: 1, sequence, frame, frames } as const),
      timestamp: sequence * 20_000,
      dropped: 0,
      payload: target.slice(0, length),
    };
    return { sentMs: START + 20 * sequence, packet };
  });
  encoder.close();
  return packets;
}

let file: CaptureFile;
let list: readonly CapturedPacket[];
const ofKind = (kind: CapturedPacket['kind']) => list.filter((packet) => packet.kind === kind);

beforeAll(async () => {
  const parts = { stream: STREAM, network: NETWORK, seed: 1, transactions: TRANSACTIONS };
  file = captureFile({ ...parts, packets: await tone() });
  list = readCapture(file.bytes);
});

describe('the capture', () => {
  it('begins with the messages of SIP and two checks of ICE, before the first audio', () => {
    expect(list.slice(0, 9).map(({ protocol, info }) => `${protocol}: ${info}`)).toEqual([
      'SIP/SDP: Request: INVITE sip:micwire@198.51.100.2',
      'SIP: Status: 100 Trying',
      'SIP: Status: 180 Ringing',
      'SIP/SDP: Status: 200 OK (INVITE)',
      'SIP: Request: ACK sip:micwire@198.51.100.2',
      'STUN: Binding request user: Qz0r:mw4e',
      'STUN: Binding success response XOR-MAPPED-ADDRESS: 192.0.2.1:5005',
      'STUN: Binding request user: mw4e:Qz0r',
      'STUN: Binding success response XOR-MAPPED-ADDRESS: 198.51.100.2:5005',
    ]);
    expect(list[9]!.protocol).toBe('OPUS');
    // Signed with the password of who is asked, as RFC 8445 §7.1 has it.
    const key = new TextEncoder().encode('a8Hf5Rk2mWz6GtXo4CqJv9Ny');
    const [first, answer, other] = ofKind('stun').map(({ message }) => parseStun(message));
    expect([
      isSignedWith(first!, key),
      isSignedWith(answer!, key),
      isSignedWith(other!, key),
    ]).toEqual([true, true, false]);
  });

  it('has the packets that arrived, in the order of arrival, with gaps for lost ones', () => {
    const rtp = ofKind('rtp').filter(({ source }) => source === '192.0.2.1');
    expect(rtp).toHaveLength(file.received);
    expect(file.lost).toBeGreaterThan(2);
    const numbers = rtp.map(({ info }) => Number(/Seq=(\d+)/.exec(info)![1]));
    const sequences = numbers.map((number) => (number - 65_500) & 0xffff);
    expect(sequences.at(-1)! - sequences[0]! + 1 - sequences.length).toBe(file.lost);
    expect(sequences).not.toEqual(sequences.toSorted((a, b) => a - b));
    const times = list.map(({ seconds }) => seconds);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  it('has the echo of the callee in the other direction, without a gap, and ends with BYE', () => {
    const echo = ofKind('rtp').filter(({ source }) => source === '198.51.100.2');
    expect(echo).toHaveLength(file.echoed);
    expect(file.echoed).toBe(file.received);
    const numbers = echo.map(({ info }) => Number(/Seq=(\d+)/.exec(info)![1]));
    expect(numbers).toEqual(echo.map((_, i) => (65_500 + i) & 0xffff));
    // What it has heard, and nothing else.
    const payloads = (from: string) =>
      ofKind('rtp')
        .filter(({ source }) => source === from)
        .map(({ message }) => Buffer.from(message.subarray(12)).toString('hex'))
        .toSorted();
    expect(payloads('198.51.100.2')).toEqual(payloads('192.0.2.1'));
    expect(list.slice(-2).map(({ info }) => info)).toEqual([
      'Request: BYE sip:micwire@198.51.100.2',
      'Status: 200 OK (BYE)',
    ]);
  });

  it('reports in both directions', () => {
    expect(ofKind('rtcp').map(({ info, source }) => `${source} ${info}`)).toEqual([
      '192.0.2.1 Sender Report, Source description',
      '198.51.100.2 Receiver Report, Source description',
      '198.51.100.2 Sender Report, Source description',
      '192.0.2.1 Sender Report, Source description',
      '198.51.100.2 Receiver Report, Extended report (RFC 3611), Source description',
      '198.51.100.2 Sender Report, Source description',
    ]);
  });

  it('needs at least one packet', () => {
    const parts = { stream: STREAM, network: NETWORK, seed: 1, transactions: TRANSACTIONS };
    expect(() => captureFile({ ...parts, packets: [] })).toThrow(RangeError);
  });
});

describe('the details of a packet', () => {
  const detail = (packet: CapturedPacket, name: string) =>
    packetDetails(packet, list).find((one) => one.name === name)?.value;

  it('include its addresses and the fields of its protocol', () => {
    const [invite] = ofKind('sip');
    expect(detail(invite!, 'IPv4')).toBe('192.0.2.1 → 198.51.100.2');
    expect(detail(invite!, 'UDP')).toMatch(/^5060 → 5060, \d+ bytes$/);
    expect(detail(invite!, 'Start line')).toBe('INVITE sip:micwire@198.51.100.2 SIP/2.0');
    expect(detail(ofKind('stun')[1]!, 'XOR-MAPPED-ADDRESS')).toBe('192.0.2.1:5005');
    const rtp = ofKind('rtp').findLast(({ source }) => source === '192.0.2.1')!;
    expect(detail(rtp, 'SSRC')).toBe('0x1234abcd');
    const meaning = packetDetails(rtp, list).find(({ name }) => name === 'Payload type')!.meaning;
    expect(meaning).toContain('opus/48000');
  });

  it('count lost packets, in the reports of the receiver', () => {
    const last = ofKind('rtcp')
      .filter(({ info }) => info.startsWith('Receiver'))
      .at(-1)!;
    const lost = Number(detail(last, 'Cumulative number of packets lost'));
    expect(lost).toBeGreaterThan(0);
    // Packets that others have overtaken count as lost until they come: up to three of 20 ms within the jitter.
    expect(lost).toBeLessThanOrEqual(file.lost + 3);
    const sender = ofKind('rtcp')
      .filter(({ info, source }) => info.startsWith('Sender') && source === '192.0.2.1')
      .at(-1)!;
    expect(Number(detail(sender, 'Sender’s packet count'))).toBe(101);
  });
});

describe('the contents of a dump', () => {
  it('are its connections with their events in order and the series of their figures over time', () => {
    const connection = (id: string, types: readonly string[]) => ({
      ...{ id, url: 'http://localhost/', configuration: {} },
      updates: types.map((type, i) => ({ timeMs: START + i, type, value: '' })),
      reports: [
        [{ id: 'in', type: 'inbound-rtp', timestamp: START, packetsReceived: 1, jitter: 0 }],
        [{ id: 'in', type: 'inbound-rtp', timestamp: START + 1, packetsReceived: 2, jitter: 0 }],
      ],
    });
    const text = importerDump(
      [
        connection('caller-1', ['createOfferOnSuccess', 'setLocalDescription']),
        connection('callee-2', []),
      ],
      { userAgent: '', brands: [] },
    );
    expect(dumpContents(text)).toEqual([
      { id: 'caller-1', events: ['createOfferOnSuccess', 'setLocalDescription'], series: 3 },
      { id: 'callee-2', events: [], series: 3 },
    ]);
  });
});

// tshark's is the parser of someone else; where it is not installed nothing can be asked of it.
describe.skipIf(!installed('tshark'))('in the eyes of tshark (Debian package tshark)', () => {
  /** What tshark prints about the file. */
  function ask(...args: string[]): string {
    const folder = mkdtempSync(join(tmpdir(), 'micwire-learn-'));
    try {
      const path = join(folder, 'x.pcapng');
      writeFileSync(path, file.bytes);
      return runProgram('tshark', ['-r', path, ...args]).stdout.toString();
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  it('every packet matches the list of the page, and none is malformed', () => {
    const columns = ['No.', 'Time', 'Source', 'Destination', 'Protocol', 'Length', 'Info'];
    const fields = ['_ws.malformed', ...columns.map((name) => `_ws.col.${name}`)];
    const rows = ask('-T', 'fields', ...fields.flatMap((field) => ['-e', field]))
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split('\t'));
    expect(rows.filter(([malformed]) => malformed !== '')).toEqual([]);
    const plain = (info: string) =>
      info
        .toLowerCase()
        .replace(/ \| ?$/, '')
        .replaceAll(/ {3,}(?=\S)/g, ', ')
        .trim();
    expect(
      rows.map(([, ...cells]) => [...cells.slice(0, 6), plain(cells[6]!)].join(' | ')),
    ).toEqual(
      list.map(({ number, seconds, source, destination, protocol, length, info }) =>
        [number, seconds.toFixed(6), source, destination, protocol, length, plain(info)].join(
          ' | ',
        ),
      ),
    );
  });

  it('it is a call that was answered and ended, with audio of both sides', () => {
    const statistics = ask('-q', '-z', 'sip,stat');
    expect(statistics).toMatch(/SIP messages: 7\b/);
    for (const line of ['INVITE', 'ACK', 'BYE']) {
      expect(statistics).toMatch(new RegExp(`${line} +: +1 Packets`));
    }
    expect(statistics).toMatch(/SIP 200 OK +: +2 Packets/);
    expect(statistics).toMatch(/resent SIP messages: 0/);
    // Wireshark knows from the INVITE that each packet of audio belongs to this call.
    const [{ number }] = ofKind('sip') as [CapturedPacket];
    const setups = ask('-Y', 'rtp', '-T', 'fields', '-e', 'ip.src', '-e', 'rtp.setup-frame');
    expect([...new Set(setups.trim().split('\n'))].toSorted()).toEqual([
      `192.0.2.1\t${number}`,
      `198.51.100.2\t${number}`,
    ]);
  });

  it('the stream has the packets and the loss that the page shows', () => {
    const line = ask('-q', '-z', 'rtp,streams')
      .split('\n')
      .find((one) => one.includes('0x1234ABCD'));
    const ratio = (100 * file.lost) / (file.lost + file.received);
    expect(line).toMatch(
      new RegExp(`opus +${file.received} +${file.lost} \\(${ratio.toFixed(1)}%\\)`),
    );
  });
});
