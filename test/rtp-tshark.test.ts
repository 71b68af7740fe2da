import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { OpusEncoder } from '../src/core/codec/opus-encoder.ts';
import { rtpFraming } from '../src/core/framing/rtp.ts';
import type { RtpStreamOptions } from '../src/core/rtp/rtp-stream.ts';
import type { Packet } from '../src/core/framing/packet.ts';
import { audioLevelByte } from '../src/core/rtp/header-extensions.ts';
import { lossPatternBytes, writeLossPattern } from '../src/core/rtp/loss-pattern.ts';
import type { LossPattern } from '../src/core/rtp/loss-pattern.ts';
import { LossReporter } from '../src/core/rtp/loss-reporter.ts';
import { ntpFraction, ntpSeconds, reportBytes, writeReport } from '../src/core/rtp/rtcp.ts';
import { PcapngWriter } from '../src/core/rtp/pcapng.ts';
import type { ReceiverReport, SenderReport } from '../src/core/rtp/rtcp.ts';
import { rtpHeaderBytes, writeRtpHeader } from '../src/core/rtp/rtp-header.ts';
import type { RtpHeader } from '../src/core/rtp/rtp-header.ts';
import { bytesOf } from './helpers/hex.ts';
import { opusLibrary } from './helpers/opus.ts';
import { randomPackets } from './helpers/packet-streams.ts';
import { installed, runProgram } from './helpers/programs.ts';
import { seededRandom } from './helpers/random.ts';
import { sine } from './helpers/signals.ts';

const START = Date.UTC(2026, 0, 2, 3, 4, 5);
const PACKETS = 50;
/** INVITE, 100, 180, 200 and ACK. */
const SETUP = 5;

/** Opus of a tone, 20 ms each. */
async function opusPackets(): Promise<Packet[]> {
  const encoder = new OpusEncoder(await opusLibrary(), { sampleRate: 48_000, channels: 1 });
  const frames = 960;
  const packets = Array.from({ length: PACKETS }, (_, sequence): Packet => {
    const frame = sequence * frames;
    const input = sine({ frequency: 440, sampleRate: 48_000, frames, amplitude: 0.3, from: frame });
    const target = new Uint8Array(encoder.maxBytes(frames));
    const length = encoder.encode([input], 0, frames, target, 0);
    return {
      format: 'opus',
      sampleRate: 48_000,
      channels: 1,
      sequence,
      frame,
      frames,
      timestamp: sequence * 20_000,
      dropped: 0,
      payload: target.slice(0, length),
    };
  });
  encoder.close();
  return packets;
}

/** The fields that tshark is asked for, of every datagram. */
const FIELDS = [
  'ip.src',
  'frame.time_epoch',
  'frame.protocols',
  '_ws.malformed',
  '_ws.expert.message',
  '_ws.expert.severity',
  'sip.Method',
  'sip.Status-Code',
  'rtp.p_type',
  'rtp.seq',
  'rtp.timestamp',
  'rtp.marker',
  'rtp.ssrc',
  'rtp.csrc.item',
  'rtp.ext.rfc5285.id',
  'rtp.ext.rfc5285.data',
  'rtp.timestamp-offset',
  'opus.TOC.config',
  'rtcp.pt',
  'rtcp.timestamp.ntp',
  'rtcp.timestamp.rtp',
  'rtcp.sender.packetcount',
  'rtcp.sender.octetcount',
  'rtcp.ssrc.fraction',
  'rtcp.ssrc.cum_nr',
  'rtcp.ssrc.jitter',
  'rtcp.ssrc.lsr',
  'rtcp.ssrc.dlsr',
  'rtcp.ssrc.ext_high',
  'rtcp.xr.bt',
  'rtcp.xr.beginseq',
  'rtcp.xr.endseq',
  'rtcp.sdes.text',
] as const;
type Row = Readonly<Record<(typeof FIELDS)[number], string>>;

/** What tshark makes of a file. It takes its time to start: one file holds all that the tests ask about. */
function dissect(file: Uint8Array): Row[] {
  const folder = mkdtempSync(join(tmpdir(), 'micwire-pcapng-'));
  try {
    const path = join(folder, 'x.pcapng');
    writeFileSync(path, file);
    const fields = FIELDS.flatMap((field) => ['-e', field]);
    const { stdout } = runProgram('tshark', ['-r', path, '-T', 'fields', ...fields]);
    const lines = stdout.toString().split('\n').slice(0, -1);
    return lines.map((line) => {
      const values = line.split('\t');
      return Object.fromEntries(FIELDS.map((field, i) => [field, values[i]!])) as Row;
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** One capture, a section of the file: what was sent from an address of its own, 20 ms apart. */
function section(
  address: string,
  stream: RtpStreamOptions,
  packets: readonly Packet[],
  redundancy = 0,
): Uint8Array {
  const encoder = rtpFraming.createEncoder(stream);
  encoder.redundancy = redundancy;
  const writer = new PcapngWriter({ local: { address, port: 40_000 } });
  return Buffer.concat([
    writer.begin(stream, START),
    ...packets.map((packet, i) => writer.rtp(encoder.encode(packet), 'sent', START + 20 * (i + 1))),
  ]);
}

const OPUS: RtpStreamOptions = {
  format: 'opus',
  sampleRate: 48_000,
  channels: 1,
  ssrc: 0x1234abcd,
};
const SAMPLES = [
  { address: '10.0.1.1', format: 's16', sampleRate: 16_000, channels: 1, type: '96' },
  { address: '10.0.1.2', format: 's16', sampleRate: 44_100, channels: 2, type: '10' },
  { address: '10.0.1.3', format: 's24', sampleRate: 48_000, channels: 2, type: '97' },
  { address: '10.0.1.4', format: 'mulaw', sampleRate: 8000, channels: 1, type: '0' },
  { address: '10.0.1.5', format: 'alaw', sampleRate: 8000, channels: 1, type: '8' },
] as const;

const header: RtpHeader = {
  payloadType: 111,
  sequenceNumber: 65_535,
  timestamp: 2 ** 32 - 1,
  ssrc: 7,
  csrcs: [8, 9],
  extensions: [{ id: 1, data: Uint8Array.of(audioLevelByte(-30, true)) }],
};
const senderReport: SenderReport = {
  type: 'sender',
  ssrc: 7,
  ntpSeconds: ntpSeconds(START),
  ntpFraction: ntpFraction(START),
  rtpTimestamp: 123_456,
  packetCount: 50,
  octetCount: 4000,
  reports: [],
};
const receiverReport: ReceiverReport = {
  type: 'receiver',
  ssrc: 77,
  reports: [
    {
      ssrc: 7,
      fractionLost: 0.25,
      packetsLost: 12,
      highestSequence: 65_599,
      jitter: 480,
      lastSenderReport: 0x89ab_cdef,
      delaySinceSenderReport: 65_536,
    },
  ],
};

const lossPattern: LossPattern = {
  reporter: 77,
  ssrc: 7,
  begin: 65_500,
  came: Uint8Array.from({ length: 50 }, (_, i) => (i < 30 || i % 3 === 0 ? 1 : 0)),
};

/** Both ends, RTP and RTCP. */
function conversation(): Uint8Array {
  const writer = new PcapngWriter({
    local: { address: '10.0.2.1', port: 40_000 },
    remote: { address: '10.0.2.2', port: 50_000 },
  });
  const rtp = new Uint8Array(rtpHeaderBytes(header) + 3);
  rtp.set([0xf8, 0xff, 0xfe], writeRtpHeader(header, rtp));
  const [sender, receiver] = [senderReport, receiverReport].map((report) => {
    const bytes = new Uint8Array(reportBytes(report));
    expect(writeReport(report, bytes)).toBe(bytes.length);
    return bytes;
  });
  // Wireshark 4.0 looks 8 bytes beyond a block of this kind: something has to follow. Here a source description.
  const description = bytesOf('81 ca 00 02  00 00 00 4d  01 01 61 00'); // CNAME "a"
  const pattern = new Uint8Array(lossPatternBytes(lossPattern) + description.length);
  pattern.set(description, writeLossPattern(lossPattern, pattern));
  // A message of a LossReporter: receiver report, loss pattern, source description.
  const reporter = new LossReporter(OPUS, { reporter: 77, cname: 'somebody' });
  let losses = new Uint8Array();
  for (let i = 0; i < 200; i++) {
    if (i % 7 === 3) continue;
    const report = reporter.receive({ sequence: i, frame: i * 960 }, i * 20);
    if (report !== null) losses = report;
  }
  return Buffer.concat([
    writer.begin(OPUS, START),
    writer.rtp(rtp, 'sent', START + 1),
    writer.rtcp(sender!, 'sent', START + 2),
    writer.rtcp(receiver!, 'received', START + 3),
    writer.rtp(rtp, 'received', START + 4),
    writer.rtcp(pattern, 'received', START + 5),
    writer.rtcp(losses, 'received', START + 6),
  ]);
}

const BROKEN = '10.0.3.1';

/** A packet that ends within its list of contributing sources. */
function broken(): Uint8Array {
  const writer = new PcapngWriter({ local: { address: BROKEN, port: 40_000 } });
  const rtp = new Uint8Array(rtpHeaderBytes(header));
  writeRtpHeader({ ...header, extensions: [] }, rtp);
  return Buffer.concat([
    writer.begin(OPUS, START),
    writer.rtp(rtp.subarray(0, 14), 'sent', START + 1),
  ]);
}

// tshark's is the parser of someone else; where it is not installed nothing can be asked of it.
describe.skipIf(!installed('tshark'))('in the eyes of tshark (Debian package tshark)', () => {
  let rows: Row[];
  let opus: Packet[];
  const samples = SAMPLES.map((stream) => randomPackets(stream, PACKETS, seededRandom(1)));
  const from = (address: string, protocol: string): Row[] =>
    rows.filter(
      (row) => row['ip.src'] === address && row['frame.protocols'].split(':').includes(protocol),
    );

  beforeAll(async () => {
    opus = await opusPackets();
    rows = dissect(
      Buffer.concat([
        section('10.0.0.1', OPUS, opus),
        section('10.0.0.2', OPUS, opus, 2),
        ...SAMPLES.map((stream, i) => section(stream.address, stream, samples[i]!)),
        conversation(),
        broken(),
      ]),
    );
  });

  it('nothing is malformed, and nothing causes a warning', () => {
    expect(rows.length).toBe((2 + SAMPLES.length) * (PACKETS + SETUP) + SETUP + 6 + SETUP + 1);
    const told = rows.filter((row) => row['_ws.malformed'] !== '' || isWarning(row));
    // But for the one that was broken on purpose.
    expect(told.map((row) => row['ip.src'])).toEqual([BROKEN]);
  });

  it('Opus is recognized as RTP and Opus without settings', () => {
    const seen = from('10.0.0.1', 'opus').map((row) => [
      Number(row['rtp.seq']),
      Number(row['rtp.timestamp']),
      row['rtp.p_type'],
      row['rtp.ssrc'],
      Number(row['frame.time_epoch']),
    ]);
    expect(seen).toEqual(
      opus.map(({ sequence, frame }, i) => [
        sequence,
        frame,
        '111',
        '0x1234abcd',
        (START + 20 * (i + 1)) / 1000,
      ]),
    );
  });

  it('redundant copies are RED with Opus in every block', () => {
    const seen = from('10.0.0.2', 'opus');
    expect(seen.length).toBe(PACKETS);
    for (const [i, row] of seen.entries()) {
      const blocks = Math.min(i, 2) + 1;
      expect(row['rtp.p_type']).toBe(['111', '112,111,111', '112,111,111,111'][blocks - 1]);
      expect(row['rtp.timestamp-offset']).toBe(['', '960', '1920,960'][blocks - 1]);
      expect(row['opus.TOC.config'].split(',').length).toBe(blocks);
    }
  });

  it.each(SAMPLES.map((stream, i) => ({ ...stream, i })))(
    '$format at $sampleRate Hz, $channels channels is RTP of type $type',
    ({ address, type, i }) => {
      const seen = from(address, 'rtp').map((row) => [
        row['rtp.p_type'],
        Number(row['rtp.seq']),
        Number(row['rtp.timestamp']),
        row['rtp.marker'],
      ]);
      expect(seen).toEqual(
        samples[i]!.map(({ sequence, frame, dropped }) => [
          type,
          sequence,
          frame,
          sequence === 0 || dropped > 0 ? '1' : '0',
        ]),
      );
    },
  );

  it('header extensions and contributing sources read as they were written', () => {
    for (const address of ['10.0.2.1', '10.0.2.2']) {
      expect(from(address, 'rtp')).toMatchObject([
        {
          'rtp.seq': '65535',
          'rtp.timestamp': '4294967295',
          'rtp.csrc.item': '0x00000008,0x00000009',
          'rtp.ext.rfc5285.id': '1',
          'rtp.ext.rfc5285.data': '9e',
        },
      ]);
    }
    expect(from('10.0.2.1', 'sip').map((row) => row['sip.Method'])).toEqual(['INVITE', 'ACK']);
    const statuses = from('10.0.2.2', 'sip').map((row) => row['sip.Status-Code']);
    expect(statuses).toEqual(['100', '180', '200']);
  });

  it('reports read as they were written', () => {
    expect(from('10.0.2.1', 'rtcp')).toMatchObject([
      {
        'rtcp.pt': '200',
        'rtcp.timestamp.ntp': 'Jan  2, 2026 03:04:05.000000000 UTC',
        'rtcp.timestamp.rtp': '123456',
        'rtcp.sender.packetcount': '50',
        'rtcp.sender.octetcount': '4000',
      },
    ]);
    expect(from('10.0.2.2', 'rtcp')).toMatchObject([
      {
        'rtcp.pt': '201',
        'rtcp.ssrc.fraction': '64',
        'rtcp.ssrc.cum_nr': '12',
        'rtcp.ssrc.jitter': '480',
        'rtcp.ssrc.lsr': String(0x89ab_cdef),
        'rtcp.ssrc.dlsr': '65536',
        'rtcp.ssrc.ext_high': '65599',
      },
      {
        'rtcp.pt': '207,202',
        'rtcp.xr.bt': '1',
        'rtcp.xr.beginseq': '65500',
        'rtcp.xr.endseq': '14',
      },
      {
        'rtcp.pt': '201,207,202',
        'rtcp.ssrc.cum_nr': '22',
        'rtcp.ssrc.ext_high': '151',
        'rtcp.xr.bt': '1',
        'rtcp.xr.beginseq': '37',
        'rtcp.xr.endseq': '88',
        'rtcp.sdes.text': 'somebody',
      },
    ]);
  });
});

/** PI_WARN and above; notes and chats are no complaint. */
const WARNING = 0x0060_0000;

function isWarning(row: Row): boolean {
  return row['_ws.expert.severity'].split(',').some((severity) => Number(severity) >= WARNING);
}
