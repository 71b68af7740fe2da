import { CapsuleReader, encodeClose } from '../../demo/server/webtransport/capsules.ts';
import { Http3Connection } from '../../demo/server/webtransport/http3-connection.ts';
import { FRAME, encodeFrame, encodeSettings } from '../../demo/server/webtransport/http3-frames.ts';
import { decodeFields, encodeFields } from '../../demo/server/webtransport/qpack.ts';
import { PacketError } from '../../src/core/errors.ts';
import type { PacketErrorReason } from '../../src/core/errors.ts';
import { opusPacketInfo } from '../../src/core/codec/opus-packet.ts';
import type { Framing } from '../../src/core/framing/framing.ts';
import { FRAMINGS } from '../../src/core/framing/framings.ts';
import { rtpFraming } from '../../src/core/framing/rtp.ts';
import type { RtpStreamOptions } from '../../src/core/rtp/rtp-stream.ts';
import { HeaderExtensionCursor } from '../../src/core/rtp/header-extensions.ts';
import {
  lossPatternBytes,
  readLossPatterns,
  writeLossPattern,
} from '../../src/core/rtp/loss-pattern.ts';
import { AdaptiveRedundancy } from '../../src/core/rtp/adaptive-redundancy.ts';
import { LossReporter } from '../../src/core/rtp/loss-reporter.ts';
import { RedBlocks } from '../../src/core/rtp/red.ts';
import { readReports, reportBytes, writeReport } from '../../src/core/rtp/rtcp.ts';
import type { ReceiverReport, SenderReport } from '../../src/core/rtp/rtcp.ts';
import { rtpHeaderBytes, writeRtpHeader } from '../../src/core/rtp/rtp-header.ts';
import type { RtpHeader } from '../../src/core/rtp/rtp-header.ts';
import { RtpPacket } from '../../src/core/rtp/rtp-packet.ts';
import { parseIceFragment, withIceFragment } from '../../src/core/webrtc/ice-fragment.ts';
import type { SessionHost } from '../../src/core/session/server/session-host.ts';
import { decodeProtocol, encodeProtocol } from '../../src/core/session/protocol.ts';
import { explainSipMessage } from '../../src/core/sip/sip-explained.ts';
import { SipLadder } from '../../src/core/sip/sip-ladder.ts';
import { sipLadderSvg, sipLadderText } from '../../src/core/sip/sip-ladder-drawing.ts';
import {
  STUN_ATTRIBUTE,
  STUN_CLASS,
  STUN_METHOD,
  StunWriter,
  explainStun,
  isChannelData,
  isSignedWith,
  parseChannelData,
  parseStun,
  stunAddress,
  stunErrorCode,
  writeChannelData,
} from '../../src/core/webrtc/stun/index.ts';
import {
  StreamMessageReader,
  encodeStreamMessage,
} from '../../src/core/webtransport/stream-messages.ts';
import type { FixtureMessage, ServiceCase } from '../services/service-case.ts';
import { TELEPHONY_SERVICES } from '../services/telephony.ts';
import { QuicLog, connectRequest, streamHeader } from './http3-messages.ts';
import { integer, noise, randomPackets } from './packet-streams.ts';
import { randomMessages } from './protocol-messages.ts';
import { seededRandom } from './random.ts';
import { CALL_FLOWS } from './sip-flows.ts';
import { VALID } from './sip-torture.ts';
import { SessionLink } from './session-link.ts';
import { PASSWORD, RFC_5769, RFC_8489_B1 } from './stun-samples.ts';
import type { LinkedConnection } from './session-link.ts';

/** A parser that a hostile network may reach. */
export interface FuzzTarget {
  readonly name: string;
  /** Messages that it takes: what is mutated. */
  readonly samples: readonly (string | Uint8Array)[];
  /** Reads one, and looks at all that it found. May throw a PacketError. @returns how much it found, so that nothing is left out */
  read(message: string | Uint8Array): number;
}

// With a source that is known: else the decoder would take the first noise for it, and refuse all the rest.
const PCM: RtpStreamOptions = { format: 's16', sampleRate: 16_000, channels: 1, ssrc: 7 };
const OPUS: RtpStreamOptions = { format: 'opus', sampleRate: 48_000, channels: 1, ssrc: 7 };

/** Every parser of bytes from the network. */
export function fuzzTargets(): FuzzTarget[] {
  return [
    framingTarget('framing binary', FRAMINGS.binary, PCM),
    framingTarget('framing base64-json', FRAMINGS['base64-json'], PCM),
    framingTarget('framing rtp, L16', rtpFraming, PCM),
    framingTarget('framing rtp, Opus with copies', rtpFraming, OPUS, 3),
    rtpPacketTarget(),
    rtpStreamTarget(),
    redTarget(),
    rtcpTarget(),
    lossPatternTarget(),
    stunTarget(),
    streamMessagesTarget(),
    http3Target(),
    fieldsTarget(),
    capsulesTarget(),
    adaptiveTarget(),
    protocolTarget(),
    micwireTarget(),
    sessionServerTarget(),
    sipTarget(),
    {
      name: 'Opus packet',
      samples: randomPackets(OPUS, 20, seededRandom(5)).map(({ payload }) => payload),
      read: (message) => opusPacketInfo(message as Uint8Array).frames,
    },
    iceFragmentTarget(),
    ...TELEPHONY_SERVICES.map(serviceTarget),
  ];
}

/** Messages of SIP, explained, and in a ladder that keeps few of them. */
function sipTarget(): FuzzTarget {
  const calls = Object.values(CALL_FLOWS).flatMap((flow) => flow());
  const ladder = new SipLadder({ maxMessages: 8 });
  let atMs = 0;
  return {
    name: 'SIP message and ladder',
    samples: [...calls.map(({ data }) => data), ...Object.values(VALID)],
    read(message) {
      const hop = atMs++ % 2 === 0 ? { from: 'a', to: 'b' } : { from: 'b', to: 'a' };
      const entry = ladder.add({ ...hop, atMs, data: message });
      if (entry === null) return 0;
      const { headers } = explainSipMessage(entry.message);
      const known = ladder.transactions.length + ladder.dialogs.length;
      if (known > 16) throw new Error('more transactions and dialogs than messages');
      // Drawing takes ten times as long as all the rest.
      if (atMs % 16 > 0) return headers.length;
      const drawn = sipLadderText(ladder.entries) + sipLadderSvg(ladder.entries);
      return headers.length + drawn.length;
    },
  };
}

/** Checks of ICE, requests to a TURN server and their answers, data in both forms. */
function stunTarget(): FuzzTarget {
  const key = Uint8Array.from(Buffer.from(PASSWORD));
  const peer = { address: '2001:db8::1', port: 3478 };
  const transaction = new Uint8Array(12).fill(9);
  const data = new StunWriter(STUN_METHOD.data, STUN_CLASS.indication, transaction)
    .addXorAddress(STUN_ATTRIBUTE.xorPeerAddress, peer)
    .add(STUN_ATTRIBUTE.data, RFC_5769.request);
  const refused = new StunWriter(STUN_METHOD.allocate, STUN_CLASS.error, transaction)
    .addError(420, 'Unknown Attribute')
    .add(STUN_ATTRIBUTE.unknownAttributes, Uint8Array.of(0, 36, 0, 37))
    .addAddress(STUN_ATTRIBUTE.otherAddress, peer);
  return {
    name: 'STUN and TURN, explained',
    samples: [
      ...Object.values(RFC_5769),
      RFC_8489_B1,
      data.finish(),
      refused.finish({ key }),
      writeChannelData(0x4001, RFC_5769.request),
    ],
    read(message) {
      const bytes = message as Uint8Array;
      const { fields } = explainStun(bytes, { key });
      if (isChannelData(bytes)) return parseChannelData(bytes).data.length;
      const parsed = parseStun(bytes);
      const found = stunAddress(parsed, STUN_ATTRIBUTE.xorMappedAddress)?.port ?? 0;
      return fields.length + found + stunErrorCode(parsed) + Number(isSignedWith(parsed, key));
    },
  };
}

/** Messages on a stream of WebTransport, in two pieces. */
function streamMessagesTarget(): FuzzTarget {
  const messages = ['{"type":"hello"}', new Uint8Array(70), 'größer 🎤', new Uint8Array(0)];
  return {
    name: 'messages on a stream',
    samples: [Buffer.concat(messages.map(encodeStreamMessage)), encodeStreamMessage('end')],
    read(message) {
      const bytes = message as Uint8Array;
      const reader = new StreamMessageReader();
      const half = bytes.length >> 1;
      return [bytes.subarray(0, half), bytes.subarray(half)].flatMap((piece) => [
        ...reader.read(piece),
      ]).length;
    },
  };
}

/** The lab's server of HTTP/3: each message on every kind of stream of a connection with a session, and as a datagram. */
function http3Target(): FuzzTarget {
  const settings = encodeSettings(new Map([[0x2b603742, 1]]));
  return {
    name: 'HTTP/3 and WebTransport',
    samples: [
      connectRequest('/echo'),
      settings,
      Buffer.concat([streamHeader(0), Uint8Array.of(1, 2)]),
      encodeFrame(FRAME.data, encodeClose({ code: 7, reason: 'end' })),
      Uint8Array.of(0, 1, 2, 3),
    ],
    read(message) {
      const bytes = message as Uint8Array;
      let found = 0;
      for (const stream of [0, 2, 4, 6]) {
        const quic = new QuicLog();
        const connection = new Http3Connection(quic, () => ({
          onDatagram: () => found++,
          onStream: () => found++,
          onEnd: () => found++,
        }));
        connection.receive(0, connectRequest('/'), false);
        if (stream === 2) connection.receive(2, Uint8Array.of(0), false);
        connection.receive(stream, bytes, false);
        connection.receiveDatagram(bytes);
        found += quic.resets.length + quic.sent.size;
        connection.end();
        // The connection has caught it, as it must.
        if (quic.closed !== '') throw new PacketError('bad-field', quic.closed);
      }
      return found;
    },
  };
}

/** Sections of QPACK, with texts that are coded and others. */
function fieldsTarget(): FuzzTarget {
  const coded = Buffer.from(
    '0000508cf1e3c2e5f23a6ba0ab90f4ff2f0125a849e95ba97d7f8264022f0125',
    'hex',
  );
  return {
    name: 'fields in QPACK',
    samples: [
      coded,
      encodeFields([
        [':status', '200'],
        ['origin', 'https://lab.example'],
      ]),
    ],
    read: (message) => decodeFields(message as Uint8Array).length,
  };
}

/** Capsules of a session. */
function capsulesTarget(): FuzzTarget {
  const other = encodeFrame(0x78ae, Uint8Array.of(1, 2, 3));
  return {
    name: 'capsules',
    samples: [encodeClose({ code: 9, reason: 'größer' }), other],
    read: (message) => new CapsuleReader().read(message as Uint8Array)?.reason.length ?? 0,
  };
}

/** Faults that a service over TCP tells as events. */
const FAULTS: readonly string[] = [
  'truncated',
  'oversized',
  'unknown-type',
  'bad-field',
  'bad-base64',
  'bad-json',
] satisfies readonly PacketErrorReason[];

/** Connections to a service, one after the other, each for some messages. */
/** What a media server answers to a restart of ICE, and what becomes of a description by it. */
function iceFragmentTarget(): FuzzTarget {
  const sdp = [
    'v=0',
    'm=audio 9 UDP/TLS/RTP/SAVPF 111',
    'a=mid:0',
    'a=ice-ufrag:EsAw',
    'a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1',
    'a=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host',
    'a=end-of-candidates',
    '',
  ].join('\r\n');
  return {
    name: 'ICE fragment',
    samples: [
      sdp,
      sdp.replace('a=candidate', 'a=candidate:2 1 tcp 1 192.0.2.1 9 typ host\r\na=candidate'),
    ],
    read(message) {
      const fragment = parseIceFragment(message as string);
      return fragment.candidates.length + withIceFragment(sdp, fragment).length;
    },
  };
}

function serviceTarget({ id, create, fixtures }: ServiceCase): FuzzTarget {
  const service = create();
  const wire = (message: FixtureMessage): string | Uint8Array =>
    typeof message === 'string' || message instanceof Uint8Array
      ? message
      : JSON.stringify(message);
  const messages = fixtures
    .flat()
    .flatMap((step) => ('message' in step ? [wire(step.message)] : []));
  let connection = service.connect();
  let left = 0;
  return {
    name: `service ${id}`,
    samples: messages,
    read(message) {
      if (left-- <= 0) {
        connection = service.connect();
        left = 20;
      }
      let sum = 1;
      for (const event of connection.decode(message)) {
        if (event.type === 'audio') sum += event.bytes.length;
        if (event.type !== 'error' || !FAULTS.includes(event.code)) continue;
        if (event.fatal) left = 0;
        throw new PacketError(event.code as PacketErrorReason, event.message);
      }
      return sum;
    },
  };
}

function framingTarget(
  name: string,
  framing: Framing,
  stream: RtpStreamOptions,
  copies = 0,
): FuzzTarget {
  const encoder =
    framing === rtpFraming ? rtpFraming.createEncoder(stream) : framing.createEncoder(stream);
  if ('redundancy' in encoder) encoder.redundancy = copies;
  const packets = randomPackets(stream, 20, seededRandom(1), 0.05);
  const samples = packets.map((packet) => encoder.encode(packet));
  const decoder = framing.createDecoder(stream);
  return {
    name,
    samples,
    read: (message) => decoder.decode(message).length + framing.layout(message).length,
  };
}

/** Any sender, with restarts, padding and other payload types; and the reports about it. */
function rtpStreamTarget(): FuzzTarget {
  const random = seededRandom(7);
  const samples: Uint8Array[] = [];
  for (let run = 0; run < 4; run++) {
    const encoder = rtpFraming.createEncoder({
      ...OPUS,
      ssrc: run < 3 ? 7 : 8,
      sequenceOffset: integer(2 ** 16, random),
      timestampOffset: integer(2 ** 32, random),
    });
    encoder.redundancy = 2;
    for (const packet of randomPackets(OPUS, 20, random, 0.05)) {
      const message = encoder.encode(packet);
      const kind = random();
      if (kind < 0.1) message[1] = 101;
      samples.push(message);
      // Padding and nothing else.
      if (kind > 0.9) samples.push(Uint8Array.of(0xa0, ...message.subarray(1, 12), 0, 0, 3));
    }
  }
  const decoder = rtpFraming.createDecoder({ ...OPUS, ssrc: undefined });
  const reporter = new LossReporter(OPUS);
  let nowMs = 0;
  return {
    name: 'RTP of any sender, and the reports about it',
    samples,
    read(message) {
      nowMs += 20;
      let sum = 1;
      for (const packet of decoder.decode(message)) {
        if (packet.sequence < 0 || packet.frame < 0) throw new Error('a number below 0');
        const report = reporter.receive(packet, nowMs);
        if (report !== null) sum += readReports(report).length + readLossPatterns(report).length;
      }
      return sum;
    },
  };
}

/** The sender's end of the reports, which sets the copies of its encoder. */
function adaptiveTarget(): FuzzTarget {
  const encoder = rtpFraming.createEncoder(OPUS);
  const packets = randomPackets(OPUS, 200, seededRandom(8));
  for (const packet of packets) encoder.encode(packet);
  const sender = new AdaptiveRedundancy(encoder, { bitrate: 24_000 });
  const reporter = new LossReporter(OPUS, { intervalMs: 100 });
  const samples: Uint8Array[] = [];
  for (const [i, packet] of packets.entries()) {
    const report = i % 9 === 4 ? null : reporter.receive(packet, i * 20);
    if (report !== null) samples.push(report);
  }
  let nowMs = 0;
  return {
    name: 'adaptive redundancy',
    samples,
    read(message) {
      const { copies, spacing } = sender.receive(message as Uint8Array, (nowMs += 100));
      if (!(copies >= 0 && copies <= 3 && spacing >= 1 && sender.loss <= 1)) {
        throw new Error('settings that cannot be');
      }
      return 1 + copies;
    },
  };
}

function rtpPacketTarget(): FuzzTarget {
  const random = seededRandom(2);
  const packet = new RtpPacket();
  const cursor = new HeaderExtensionCursor();
  return {
    name: 'RTP packet with header extensions',
    samples: Array.from({ length: 20 }, () => {
      const header: RtpHeader = {
        payloadType: 111,
        sequenceNumber: integer(2 ** 16, random),
        timestamp: integer(2 ** 32, random),
        ssrc: integer(2 ** 32, random),
        csrcs: Array.from({ length: integer(4, random) }, () => integer(2 ** 32, random)),
        extensions: Array.from({ length: integer(4, random) }, (_, i) => ({
          id: i + (random() < 0.5 ? 1 : 14),
          data: noise(1 + integer(12, random), random),
        })),
      };
      const bytes = noise(rtpHeaderBytes(header) + integer(20, random), random);
      writeRtpHeader(header, bytes);
      return bytes;
    }),
    read(message) {
      packet.parse(message as Uint8Array);
      let sum = packet.payloadType + packet.sequenceNumber + packet.timestamp + packet.ssrc;
      for (let i = 0; i < packet.csrcCount; i++) sum += packet.csrc(i);
      cursor.begin(packet);
      while (cursor.next()) {
        if (cursor.byteOffset + cursor.byteLength > message.length)
          throw new Error('beyond the end');
        sum += cursor.id;
      }
      if (packet.payloadOffset + packet.payloadBytes + packet.paddingBytes !== message.length) {
        throw new Error('the parts are not the whole');
      }
      return sum;
    },
  };
}

function redTarget(): FuzzTarget {
  const blocks = new RedBlocks();
  const packet = new RtpPacket();
  const { samples } = framingTarget('', rtpFraming, OPUS, 3);
  return {
    name: 'RED blocks',
    samples: samples.slice(1).map((message) => {
      const bytes = message as Uint8Array;
      return bytes.slice(packet.parse(bytes).payloadOffset);
    }),
    read(message) {
      const count = blocks.parse(message as Uint8Array);
      const last = count - 1;
      if (blocks.byteOffset(last) + blocks.byteLength(last) !== message.length) {
        throw new Error('the parts are not the whole');
      }
      return blocks.timestampOffset(0) + blocks.payloadType(last);
    },
  };
}

function rtcpTarget(): FuzzTarget {
  const random = seededRandom(4);
  return {
    name: 'RTCP reports',
    samples: Array.from({ length: 20 }, () => {
      const reports = Array.from({ length: integer(4, random) }, () => ({
        ssrc: integer(2 ** 32, random),
        fractionLost: random(),
        packetsLost: integer(2 ** 20, random),
        highestSequence: integer(2 ** 32, random),
        jitter: integer(1000, random),
        lastSenderReport: integer(2 ** 32, random),
        delaySinceSenderReport: integer(2 ** 20, random),
      }));
      const receiver: ReceiverReport = { type: 'receiver', ssrc: 1, reports };
      const sender: SenderReport = {
        ...receiver,
        type: 'sender',
        ntpSeconds: integer(2 ** 32, random),
        ntpFraction: integer(2 ** 32, random),
        rtpTimestamp: integer(2 ** 32, random),
        packetCount: 1,
        octetCount: 2,
      };
      const bytes = new Uint8Array(reportBytes(sender) + reportBytes(receiver));
      writeReport(receiver, bytes, writeReport(sender, bytes));
      return bytes;
    }),
    read: (message) => readReports(message as Uint8Array).length,
  };
}

function lossPatternTarget(): FuzzTarget {
  const random = seededRandom(6);
  return {
    name: 'RTCP loss patterns',
    samples: Array.from({ length: 20 }, () => {
      const came = Uint8Array.from({ length: integer(100, random) }, () =>
        random() < 0.1 ? 0 : 1,
      );
      const pattern = { reporter: 1, ssrc: 2, begin: integer(65_536, random), came };
      const bytes = new Uint8Array(lossPatternBytes(pattern));
      writeLossPattern(pattern, bytes);
      return bytes;
    }),
    read: (message) => readLossPatterns(message as Uint8Array).length,
  };
}

function protocolTarget(): FuzzTarget {
  const random = seededRandom(9);
  return {
    name: 'micwire.1, a message of bytes',
    samples: Array.from({ length: 4 }, () => shortMessages(random)).flat(),
    read: (message) => JSON.stringify(decodeProtocol(message as Uint8Array)).length,
  };
}

/** A message of most types. Every truncation of a sample is read, so that long ones take too long. */
function shortMessages(random: () => number): Uint8Array[] {
  return randomMessages(random)
    .map(encodeProtocol)
    .filter(({ length }) => length < 400);
}

/** Text messages, and small ones of each type, which often fit to each other. */
function sessionSamples(): (string | Uint8Array)[] {
  const samples = shortMessages(seededRandom(10));
  const stream = { format: 's16', sampleRate: 16_000, channels: 1 } as const;
  for (const frame of [0, 1, 100]) {
    samples.push(
      encodeProtocol({ type: 'item', frame, item: 'a' }),
      encodeProtocol({ type: 'item-end', frame, item: 'a' }),
      encodeProtocol({ type: 'interrupt', frame }),
      encodeProtocol({ type: 'interrupted', frames: frame, item: 'a', unheard: ['b'] }),
      encodeProtocol({ type: 'mark', frames: frame, item: 'a', name: 'm' }),
      encodeProtocol({ type: 'played', frames: frame, item: 'a', name: '' }),
      encodeProtocol({
        type: 'audio',
        packet: {
          ...stream,
          sequence: 0,
          frame,
          frames: 100,
          timestamp: 0,
          dropped: 0,
          payload: new Uint8Array(200),
        },
      }),
    );
  }
  return [
    ...samples,
    '{"micwire":"caption","item":"a","text":"b","startMs":1,"endMs":2}',
    '{"micwire":"transcript","who":"user","text":"b","final":true,"item":"a"}',
    '{"micwire":"speech","active":true}',
    'text',
  ];
}

/** The client's side of a session, in any state. */
function micwireTarget(): FuzzTarget {
  const { service } = new SessionLink(quietHost());
  let connection = service.connect();
  let count = 0;
  return {
    name: 'micwire.1, the client',
    samples: sessionSamples(),
    read(message) {
      if (count++ % 100 === 0) {
        connection = service.connect();
        connection.encode({ type: 'open', session: 's', handle: '0 a', frame: 0, connections: 1 });
        const stream = { format: 's16', sampleRate: 16_000, channels: 1 } as const;
        connection.decode(
          encodeProtocol({ type: 'welcome', known: true, next: 0, received: 0, output: stream }),
        );
      }
      return JSON.stringify(connection.decode(message)).length;
    },
  };
}

/** The server's side of a session, in any state. It answers whatever is wrong by closing the connection. */
function sessionServerTarget(): FuzzTarget {
  const link = new SessionLink(quietHost(), { maxSessions: 10, maxReplyMs: 500 });
  let connection: LinkedConnection | undefined;
  let count = 0;
  return {
    name: 'micwire.1, the server',
    samples: sessionSamples(),
    read(message) {
      link.pass(20);
      if (connection === undefined || connection.closing !== undefined) {
        // A session has some connections, and what it did not acknowledge comes with each of them.
        if (count % 10 === 0) for (const session of link.server.sessions) session.close();
        connection = link.connect({ session: `s${Math.floor(count++ / 10)}` });
        const [session] = link.server.sessions;
        session?.write({ item: `i${session.replyFrame}`, bytes: new Uint8Array(4800) });
      }
      connection.raw(message);
      const { closing, down } = connection;
      for (const sent of down.splice(0)) if (typeof sent !== 'string') decodeProtocol(sent);
      if (closing?.code === 4400) throw new PacketError('bad-field', closing.reason);
      return 1 + (closing?.code ?? 0);
    },
  };
}

function quietHost(): SessionHost {
  return {
    open: () => ({}),
    audio: () => {},
    message: () => {},
    failed(error) {
      throw error;
    },
  };
}
