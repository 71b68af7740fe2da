import { describe, expect, it } from 'vitest';
import { parseControlRequest, requestIdOf } from '../demo/link/protocol.ts';
import { parseLinkTrace } from '../demo/link/link-trace.ts';
import { isTrustedOrigin } from '../demo/server/origin.ts';
import { rewriteCandidates } from '../demo/server/rewrite-candidates.ts';
import { settingsOf } from '../demo/runs/address.ts';
import { opusPacketInfo } from '../src/core/codec/opus-packet.ts';
import { decodeBase64 } from '../src/core/base64/base64.ts';
import { FRAMINGS } from '../src/core/framing/framings.ts';
import { parseJsonObject } from '../src/core/framing/json-object.ts';
import { asteriskAudiosocket } from '../src/core/services/asterisk-audiosocket.ts';
import { asteriskWebsocket } from '../src/core/services/asterisk-websocket.ts';
import { pipecat } from '../src/core/services/pipecat.ts';
import type { Service } from '../src/core/services/service.ts';
import { bytesField, varintField } from '../src/core/services/shared/protobuf.ts';
import { twilio } from '../src/core/services/twilio.ts';
import { wyoming } from '../src/core/services/wyoming.ts';
import { HeaderExtensionCursor } from '../src/core/rtp/header-extensions.ts';
import { RedBlocks } from '../src/core/rtp/red.ts';
import { RtpPacket } from '../src/core/rtp/rtp-packet.ts';
import { micwire } from '../src/core/services/micwire.ts';
import type { ServiceConnection } from '../src/core/services/service.ts';
import { encodeProtocol } from '../src/core/session/protocol.ts';
import { tokenOf } from '../src/core/session/token-protocol.ts';
import { callFigures } from '../src/core/webrtc/call-figures.ts';
import { parseIceCandidate } from '../src/core/webrtc/ice-candidate.ts';
import { iceReport } from '../src/core/webrtc/ice-report.ts';
import {
  parseIceFragment,
  withIceFragment,
  writeIceFragment,
} from '../src/core/webrtc/ice-fragment.ts';
import { parseSipAuthentication } from '../src/core/sip/sip-authentication.ts';
import { explainSipMessage } from '../src/core/sip/sip-explained.ts';
import { SipLadder } from '../src/core/sip/sip-ladder.ts';
import { sipLadderSvg, sipLadderText } from '../src/core/sip/sip-ladder-drawing.ts';
import { MAX_SIP_BYTES } from '../src/core/sip/sip-message.ts';
import { parseSipUri } from '../src/core/sip/sip-uri.ts';
import { promisesStereo, withOpusOptions } from '../src/core/webrtc/opus-sdp.ts';
import { explainSdp } from '../src/core/webrtc/sdp-explained.ts';
import { parseSdp } from '../src/core/webrtc/sdp.ts';
import { parseChannelData } from '../src/core/webrtc/stun/channel-data.ts';
import { explainStun } from '../src/core/webrtc/stun/stun-explained.ts';
import { isSignedWith } from '../src/core/webrtc/stun/stun-integrity.ts';
import { parseStun } from '../src/core/webrtc/stun/stun-message.ts';
import { StunStream } from '../demo/server/turn/stun-stream.ts';
import { MAX_SDP_LENGTH, parseSignal } from '../src/core/webrtc/signal-message.ts';
import {
  parseSignallingReply,
  parseSignallingRequest,
} from '../src/core/webrtc/signalling-protocol.ts';
import { readCreated } from '../src/core/webrtc/whip-messages.ts';
import type { StatsEntry } from '../src/core/webrtc/call-figures.ts';
import { COST_STEP, costRatio, outcomeOf, sizeOf } from './helpers/bounded.ts';

interface Parser<T = string | Uint8Array> {
  readonly name: string;
  /** Reads an input. */
  readonly read: (input: T) => unknown;
  /** Inputs that are made to be expensive, of about so many characters or bytes. */
  readonly inputs: Readonly<Record<string, (size: number) => T>>;
  /** Most bytes that it makes of one of the input. */
  readonly growth: number;
  /** The largest size that it reads. @default 1 MiB */
  readonly limit?: number;
  /** Errors that it may throw beside PacketError. */
  readonly throws?: (error: unknown) => boolean;
}

const MIB = 2 ** 20;
const FRAGMENT_NAMES = 'a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n';
/** Of the larger input whose cost is measured: enough for what is quadratic to take a second. */
const COST_BYTES = 2 ** 17;
const fill = (unit: string, size: number): string => unit.repeat(Math.ceil(size / unit.length));
const bytes = (size: number, make: (bytes: Uint8Array) => void): Uint8Array => {
  const result = new Uint8Array(size);
  make(result);
  return result;
};

/** Text that is expensive for those who read JSON carelessly. */
const JSON_INPUTS: Parser<string>['inputs'] = {
  'nested arrays': (n) => `{"id":${'['.repeat(n / 2)}${']'.repeat(n / 2)},"type":"x"}`,
  'open arrays': (n) => '['.repeat(n),
  'nested objects': (n) => `${fill('{"id":', n)}1`,
  'many keys': (n) => `{${Array.from({ length: n / 12 }, (_, i) => `"k${i}":1`).join(',')}}`,
  'numbers for keys': (n) =>
    `{${Array.from({ length: n / 14 }, (_, i) => `"${i * 7919}":1`).join(',')}}`,
  'one key over and over': (n) => `{${fill('"type":1,', n)}"id":1}`,
  'one array of numbers': (n) => `{"type":"x","id":[${fill('1,', n)}1]}`,
  escapes: (n) => `{"type":"${fill(String.raw`\u0041`, n)}"}`,
  'escaped quotes': (n) => `{"type":"${fill(String.raw`\"`, n)}"}`,
  'an open string of backslashes': (n) => `{"type":"${fill('\\', n)}`,
  quotes: (n) => fill('"', n),
  'a long string': (n) => `{"type":"${fill('x', n)}","id":1}`,
  'a long number': (n) => `{"type":"x","id":${fill('9', n)}}`,
  blanks: (n) => fill(' ', n),
};

/** Those who read JSON through `parseJsonObject` do so: one of each kind shows it. */
const FEW_JSON_INPUTS: Parser<string>['inputs'] = Object.fromEntries(
  ['nested arrays', 'many keys', 'a long string'].map((name) => [name, JSON_INPUTS[name]!]),
);

const SDP_HEAD = 'v=0\r\n';
const audio = (formats: string): string => `${SDP_HEAD}m=audio 9 RTP/AVP${formats}\r\n`;
const formats = (count: number): string =>
  Array.from({ length: count }, (_, i) => ` ${i % 128}`).join('');
const SDP_INPUTS: Parser<string>['inputs'] = {
  'codecs and lines': (n) => audio(formats(n / 8)) + fill('a=x\r\n', n / 2),
  'codecs and their parameters': (n) => audio(fill(' 0', n / 4)) + fill('a=fmtp:0 a=b\r\n', n / 2),
  'one line of parameters': (n) => `${audio(' 0')}a=fmtp:0 ${fill(';a=b', n)}`,
  'parameters without names': (n) => `${audio(' 0')}${fill('a=fmtp:0 1;2\n', n)}`,
  'many parameters of Opus': (n) =>
    `${audio(' 111')}a=rtpmap:111 opus/48000/2\n${Array.from({ length: n / 20 }, (_, i) => `a=fmtp:111 x${i}=1\n`).join('')}`,
  'feedback for every codec': (n) => audio(formats(128)) + fill('a=rtcp-fb:* nack\n', n),
  'different feedback for every codec': (n) =>
    audio(formats(128)) + Array.from({ length: n / 20 }, (_, i) => `a=rtcp-fb:* x${i}\n`).join(''),
  sections: (n) => SDP_HEAD + fill('m=a 9 RTP 0\n', n),
  'sections and attributes in front': (n) =>
    SDP_HEAD + fill('a=mid:x\n', n / 2) + fill('m=a 9 RTP 0\n', Math.min(n / 2, 12_000)),
  'a group of many': (n) => `${SDP_HEAD}a=group:BUNDLE${fill(' 0', n)}\n`,
  'many groups': (n) => SDP_HEAD + fill('a=group:BUNDLE 0 1\n', n),
  candidates: (n) => audio(' 0') + fill(`a=candidate:${fill(' a', 500)}\r\n`, n),
  'short candidates': (n) => audio(' 0') + fill('a=candidate:\n', n),
  streams: (n) =>
    audio(' 0') + Array.from({ length: n / 20 }, (_, i) => `a=ssrc:${i} cname:x\n`).join(''),
  'line feeds': (n) => SDP_HEAD + fill('\n', n),
  'carriage returns': (n) => SDP_HEAD + fill('\r', n),
  blanks: (n) => `${SDP_HEAD}a=fmtp:0 ${fill(' ', n)}x`,
  'blanks in lines': (n) => SDP_HEAD + fill(`a=${fill(' ', 200)}x\n`, n),
  'lines without a type': (n) => SDP_HEAD + fill('hello there\n', n),
  'a line without end': (n) => SDP_HEAD + fill('x', n),
  extensions: (n) => audio(' 0') + fill('a=extmap:1 urn:x\n', n),
};

const SIP_HEAD =
  'OPTIONS sip:a@b SIP/2.0\r\nFrom: <sip:a@b>;tag=1\r\nTo: sip:c@d\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n';
const SIP_VIA = 'Via: SIP/2.0/UDP h;branch=z9hG4bKa\r\n';
const sipWith = (headers: string): string => `${SIP_HEAD}${SIP_VIA}${headers}\r\n\r\n`;
const SIP_INPUTS: Parser<string>['inputs'] = {
  'many headers': (n) => sipWith(fill(`X: ${fill('y', n / 250)}\r\n`, n)),
  'short headers': (n) => sipWith(fill('X:\r\n', n)),
  'a folded header': (n) => sipWith(`X: y\r\n${fill(' z\r\n', n)}`),
  'blanks in a header': (n) => sipWith(`X: ${fill(' ', n)}y`),
  'blanks in Via': (n) => `${SIP_HEAD}Via: SIP${fill(' ', n)}/2.0/UDP h\r\n\r\n`,
  'slashes in Via': (n) => `${SIP_HEAD}Via: SIP${fill(' /', n)}\r\n\r\n`,
  'commas in Via': (n) => `${SIP_HEAD}Via: ${fill('SIP/2.0/UDP h,', n)}\r\n\r\n`,
  'semicolons in Via': (n) => `${SIP_HEAD}Via: SIP/2.0/UDP h${fill(';a', n)}\r\n\r\n`,
  'blanks and semicolons in Via': (n) =>
    `${SIP_HEAD}Via: SIP/2.0/UDP h;a=${fill(`"${fill('; ', 200)}"`, n)}\r\n\r\n`,
  'quotation marks in Contact': (n) => sipWith(`Contact: ${fill('"', n)}`),
  'escapes in Contact': (n) => sipWith(`Contact: "${fill('\\\\"', n)}`),
  'brackets in Contact': (n) => sipWith(`Contact: ${fill('<', n)}`),
  contacts: (n) => sipWith(fill('Contact: sip:a@b, <sip:c@d;lr>\r\n', n)),
  'a long name': (n) => sipWith(`Contact: ${fill('a ', n)}<sip:a@b>`),
  colons: (n) => sipWith(fill(':', n)),
  extensions: (n) => sipWith(`Supported: ${fill('timer,', n)}`),
  'a challenge': (n) => sipWith(`WWW-Authenticate: Digest ${fill('a="b",', n)}`),
  'line ends in front': (n) => fill('\r\n', n) + sipWith('X: y'),
  'line ends within': (n) => sipWith(fill('\n', n)),
  'carriage returns': (n) => sipWith(`X: ${fill('\r', n)}`),
  'a body': (n) => `${sipWith('Content-Length: 9').slice(0, -2)}\r\n${fill('x', n)}`,
  'a body in UTF-8': (n) => `${sipWith(`Content-Length: ${n}`).slice(0, -2)}\r\n${fill('ä', n)}`,
  'a description': (n) =>
    `${sipWith('Content-Type: application/sdp').slice(0, -2)}\r\n${SDP_INPUTS['codecs and lines']!(n - 600)}`,
  'no end': (n) => SIP_HEAD + fill('x', n),
  'no start': (n) => fill(' SIP/2', n),
};

/** A ladder of many messages, which differ and yet belong together; drawn at the end. */
function sipLadderOf(text: string): unknown {
  const ladder = new SipLadder();
  const lines = text.split('|');
  for (const [atMs, line] of lines.entries()) {
    const message = `${SIP_HEAD.replaceAll('OPTIONS', line)}${SIP_VIA}\r\n`;
    ladder.add({ atMs, from: 'a', to: `b${atMs % 20}`, data: message });
  }
  return [
    ladder.transactions,
    ladder.dialogs,
    sipLadderText(ladder.entries),
    sipLadderSvg(ladder.entries),
  ];
}

/** For those who look at lines and parameters only. */
const FEW_SDP_INPUTS: Parser<string>['inputs'] = Object.fromEntries(
  ['one line of parameters', 'sections', 'line feeds', 'blanks', 'blanks in lines'].map((name) => [
    name,
    SDP_INPUTS[name]!,
  ]),
);

const traceLines = (n: number): string =>
  Array.from({ length: n / 12 }, (_, i) => `${i} 1`).join('\n');
const isTraceError = (error: unknown): boolean =>
  error instanceof SyntaxError || error instanceof RangeError || error instanceof TypeError;

const PCM = { format: 's16', sampleRate: 16_000, channels: 1 } as const;
const OPUS = { format: 'opus', sampleRate: 48_000, channels: 1 } as const;
const packet = (size: number): Uint8Array =>
  bytes(size, (result) => {
    result[0] = 0x80;
    result[1] = 96;
  });

const PARSERS: readonly Parser<string>[] = [
  {
    name: 'decodeBase64',
    read: decodeBase64,
    growth: 2,
    inputs: {
      digits: (n) => fill('AAAA', n),
      'URL digits': (n) => fill('-_-_', n),
      blanks: (n) => fill(' ', n),
      'lines of one digit': (n) => fill('A\n', n),
      padding: (n) => fill('=', n),
      'something else': (n) => fill('%', n),
    },
  },
  {
    name: 'parseJsonObject',
    read: (text) => parseJsonObject('A text', text, { maxLength: 2 * MIB }),
    growth: 20,
    inputs: JSON_INPUTS,
  },
  {
    name: 'framing base64-json',
    read: (text) => FRAMINGS['base64-json'].createDecoder(PCM).decode(text),
    growth: 20,
    inputs: FEW_JSON_INPUTS,
  },
  { name: 'parseSignal', read: parseSignal, growth: 20, limit: 2 ** 18, inputs: FEW_JSON_INPUTS },
  {
    name: 'parseSignallingRequest',
    read: parseSignallingRequest,
    growth: 20,
    limit: 2 ** 18,
    inputs: FEW_JSON_INPUTS,
  },
  {
    name: 'parseSignallingReply',
    read: parseSignallingReply,
    growth: 20,
    limit: 2 ** 18,
    inputs: FEW_JSON_INPUTS,
  },
  {
    name: 'parseControlRequest',
    read: (text) => [requestIdOf(text), parseControlRequest(text)],
    growth: 40,
    inputs: {
      ...FEW_JSON_INPUTS,
      'a trace': (n) =>
        JSON.stringify({
          type: 'configure',
          id: 1,
          settings: {
            trace: {
              durationMs: 1e6,
              points: Array.from({ length: n / 24 }, (_, i) => ({ atMs: i, delayMs: 1 })),
            },
          },
        }),
    },
  },
  {
    name: 'parseSdp',
    read: parseSdp,
    growth: 80,
    limit: MAX_SDP_LENGTH - 1024,
    inputs: SDP_INPUTS,
  },
  {
    name: 'explainSdp',
    read: explainSdp,
    growth: 200,
    limit: MAX_SDP_LENGTH - 1024,
    inputs: SDP_INPUTS,
  },
  {
    name: 'explainSipMessage',
    read: (text) => explainSipMessage(text),
    growth: 200,
    limit: MAX_SIP_BYTES - 1024,
    inputs: SIP_INPUTS,
  },
  {
    name: 'parseSipUri',
    read: parseSipUri,
    growth: 40,
    inputs: {
      parameters: (n) => `sip:a@b${fill(';a', n)}`,
      users: (n) => `sip:${fill('a@', n)}b`,
      brackets: (n) => `sip:a@b${fill(';a=[', n)}`,
      'a long host': (n) => `sip:${fill('a.', n)}`,
      colons: (n) => fill('sip:', n),
    },
  },
  {
    name: 'parseSipAuthentication',
    read: parseSipAuthentication,
    growth: 40,
    inputs: {
      parameters: (n) => `Digest ${fill('a=b,', n)}`,
      'a quoted string': (n) => `Digest a="${fill('\\\\', n)}"`,
      blanks: (n) => `Digest ${fill(' ', n)}`,
      commas: (n) => `Digest ${fill(' ,', n)}`,
    },
  },
  {
    name: 'SipLadder',
    read: sipLadderOf,
    growth: 400,
    limit: 2 ** 15,
    inputs: {
      'requests that wait': (n) => fill('INVITE|', n - (n % 7)).slice(0, -1),
      'requests that are sent again': (n) => fill(`${'A'.repeat(30)}|`, n).slice(0, -1),
    },
  },
  {
    name: 'withOpusOptions',
    read: (text) => withOpusOptions(text, { fec: true, ptimeMs: 20 }),
    growth: 12,
    inputs: {
      ...FEW_SDP_INPUTS,
      'sections of Opus': (n) => fill('m=audio 9 x\na=rtpmap:1 opus/48000/2\n', n),
    },
  },
  {
    name: 'promisesStereo',
    read: promisesStereo,
    growth: 2,
    inputs: {
      ...FEW_SDP_INPUTS,
      semicolons: (n) => `a=fmtp:1 ${fill('; ', n)}`,
      'a semicolon and blanks': (n) => `a=fmtp:1 ;${fill(' ', n)}`,
      'semicolons and blanks': (n) => `a=fmtp:1 ${fill(`;${fill(' ', 100)}`, n)}`,
      'parameters and line feeds': (n) => fill(`a=fmtp:1 ${fill('\n', 30)}`, n),
    },
  },
  {
    name: 'parseIceCandidate',
    read: parseIceCandidate,
    growth: 20,
    inputs: { blanks: (n) => fill(' ', n), words: (n) => fill('a ', n) },
  },
  {
    name: 'parseIceFragment',
    read: parseIceFragment,
    growth: 20,
    limit: 65_536,
    inputs: {
      'line feeds': (n) => fill('\n', n),
      sections: (n) => fill('m=\n', n),
      candidates: (n) =>
        FRAGMENT_NAMES + fill('a=candidate:1 1 udp 1 192.0.2.1 1 typ host\r\n', n - 100),
      'blanks in a candidate': (n) => `${FRAGMENT_NAMES}a=candidate:1 1 udp${fill(' ', n - 100)}`,
      names: (n) => fill(FRAGMENT_NAMES, n),
    },
  },
  {
    name: 'writeIceFragment',
    read: (sdp) => writeIceFragment(sdp, [], true),
    growth: 4,
    inputs: { ...FEW_SDP_INPUTS, 'a=mid': (n) => fill('a=mid:0\n', n) },
  },
  {
    name: 'withIceFragment',
    read: (sdp) => withIceFragment(sdp, parseIceFragment(FRAGMENT_NAMES)),
    growth: 12,
    inputs: { ...FEW_SDP_INPUTS, names: (n) => fill('a=ice-ufrag:abcd\n', n) },
  },
  {
    name: 'readCreated',
    read: (link) => readCreated({ get: (name) => (name === 'link' ? link : '/1') }),
    growth: 20,
    limit: 16_384,
    inputs: {
      blanks: (n) => fill(' ', n),
      commas: (n) => fill(' ,', n),
      'an open address': (n) => `<${fill('a', n)}`,
      'an open quote': (n) => `<stun:a>; rel="${fill('\\"', n - 20)}`,
      'blanks behind a parameter': (n) => `<stun:a>; rel${fill(' ', n - 20)}`,
      parameters: (n) => `<stun:a>${fill(';a=b', n - 20)}`,
      servers: (n) => fill('<stun:a>;rel=ice-server,', n),
    },
  },
  {
    name: 'rewriteCandidates',
    read: (sdp) =>
      rewriteCandidates(
        { type: 'describe', kind: 'offer', sdp },
        { address: '127.0.0.1', port: 65_535 },
      ),
    growth: 8,
    inputs: { ...FEW_SDP_INPUTS, 'the shortest sections': (n) => fill('m=\n', n) },
  },
  {
    name: 'parseLinkTrace',
    read: parseLinkTrace,
    growth: 40,
    throws: isTraceError,
    inputs: {
      lines: traceLines,
      blanks: (n) => fill(' ', n),
      'blanks between': (n) => `1${fill(' ', n)}x`,
      'tabs and a comma': (n) => `1${fill('\t', n)},2`,
      'blanks in words': (n) => `1 ${fill(`${fill(' ', 200)}x`, n)}`,
      commas: (n) => `1${fill(',', n)}`,
      comments: (n) => fill('#', n),
      'comments and returns': (n) => fill('0 1#\r', n),
    },
  },
  {
    name: 'service twilio (JSON)',
    read: (text) => twilio().connect().decode(text),
    growth: 20,
    inputs: {
      ...FEW_JSON_INPUTS,
      audio: (n) => JSON.stringify({ event: 'media', media: { payload: fill('AAAA', n) } }),
      'no audio': (n) => JSON.stringify({ event: 'media', media: { payload: fill('A ', n) } }),
    },
  },
  {
    name: 'service asterisk-websocket (plain events)',
    limit: 65_536,
    read: (text) => asteriskWebsocket().connect().decode(text),
    growth: 40,
    inputs: {
      words: (n) => `STATUS ${fill('a ', n - 7)}`,
      fields: (n) => `STATUS ${Array.from({ length: n / 6 - 2 }, (_, i) => word(i)).join(' ')}`,
      'an error of many words': (n) => `ERROR error_text:${fill('a:b ', n - 20)}`,
      blanks: (n) => `STATUS${fill(' ', n - 6)}`,
      'one word': (n) => fill('A', n),
    },
  },
  {
    name: 'isTrustedOrigin',
    read: (text) => isTrustedOrigin(`http://${text}`, text, []),
    growth: 2,
    inputs: {
      letters: (n) => fill('a', n),
      dots: (n) => fill('a.', n),
      brackets: (n) => fill('[', n),
    },
  },
  {
    name: 'micwire.1, a text message',
    read: (text) => micwireConnection().decode(text),
    growth: 20,
    inputs: {
      ...FEW_JSON_INPUTS,
      'a text that is not JSON': (n) => fill('a', n),
    },
  },
  {
    name: 'tokenOf',
    read: (text) => tokenOf([`micwire.token.${text}`]),
    growth: 4,
    inputs: { digits: (n) => fill('QUJD', n), 'no digits': (n) => fill('%', n) },
  },
  {
    name: 'settingsOf (the address of the lab)',
    read: (text) => settingsOf(text),
    growth: 200,
    inputs: {
      links: (n) => `link=${fill('clean,', n)}`,
      lanes: (n) => `lanes=${fill('opus,', n)}`,
      names: (n) => fill('seed=1&', n),
      escapes: (n) => `link=${fill('%2C', n)}`,
    },
  },
];

/** `aaaa:`, `baaa:` and so forth: different names for a plain event of Asterisk's. */
function word(i: number): string {
  const letters = [0, 1, 2, 3].map((place) => 97 + (Math.floor(i / 26 ** place) % 26));
  return `${String.fromCharCode(...letters)}:`;
}

/** Reads a stream in one slice, or in as many as it has bytes. */
const streamReader = (create: () => Service) => (stream: Uint8Array) => {
  const inOne = create().connect().decode(stream);
  const connection = create().connect();
  const inMany = [];
  for (let at = 0; at < stream.length; at++) {
    inMany.push(...connection.decode(stream.subarray(at, at + 1)));
  }
  return [inOne, inMany];
};
const repeat = (unit: Uint8Array, size: number): Uint8Array =>
  bytes(size - (size % unit.length), (result) => {
    for (let at = 0; at < result.length; at += unit.length) result.set(unit, at);
  });

const BINARY_PARSERS: readonly Parser<Uint8Array>[] = [
  {
    name: 'service asterisk-audiosocket (TCP)',
    limit: COST_BYTES,
    read: streamReader(asteriskAudiosocket),
    growth: 120,
    inputs: {
      'empty audio': (n) => repeat(Uint8Array.of(0x10, 0, 0), n),
      'one sample at a time': (n) => repeat(Uint8Array.of(0x10, 0, 2, 1, 1), n),
      'audio of the longest kind': (n) =>
        repeat(Uint8Array.of(0x10, 255, 254, ...new Uint8Array(65_534)), Math.max(n, 65_537)),
      keys: (n) => repeat(Uint8Array.of(3, 0, 1, 0x35), n),
      hangups: (n) => new Uint8Array(n),
      'kinds that are not known': (n) => repeat(Uint8Array.of(0x42, 0, 0), n),
    },
  },
  {
    name: 'service wyoming (TCP)',
    limit: COST_BYTES,
    read: streamReader(wyoming),
    growth: 200,
    inputs: {
      pings: (n) => repeat(Buffer.from('{"type":"ping"}\n'), n),
      'pieces of a transcript': (n) =>
        repeat(Buffer.from('{"type":"transcript-chunk","data":{"text":"x"}}\n'), n),
      'a line without end': (n) => new Uint8Array(n).fill(0x20),
      'empty lines': (n) => new Uint8Array(n).fill(0x0a),
      'a payload': (n) =>
        bytes(n, (result) => result.set(Buffer.from(`{"type":"x","payload_length":${n - 50}}\n`))),
      'data that nests': (n) =>
        bytes(n, (result) =>
          result.fill(0x5b).set(Buffer.from(`{"type":"x","data_length":${n - 50}}\n{"a":`)),
        ),
      'chunks without a type': (n) => repeat(Buffer.from('{"data_length":2}\n{}'), n),
    },
  },
  {
    name: 'service pipecat (Protocol Buffers)',
    read: (message) => pipecat().connect().decode(message),
    growth: 20,
    inputs: {
      'varints and nothing else': (n) => repeat(varintField(1, 1), n),
      'empty fields': (n) => repeat(bytesField(2), n),
      'a varint without end': (n) => new Uint8Array(n).fill(255),
      audio: (n) =>
        bytesField(2, bytesField(3, new Uint8Array(n)), varintField(4, 8000), varintField(5, 1)),
      'audio of many fields': (n) => bytesField(2, repeat(varintField(4, 8000), n)),
      'a message of JSON': (n) =>
        bytesField(4, bytesField(1, Buffer.from(JSON_INPUTS['many keys']!(n)))),
      text: (n) => bytesField(1, bytesField(3, new Uint8Array(n).fill(0xc3))),
    },
  },
  {
    name: 'framing binary',
    read: (message) => FRAMINGS.binary.createDecoder(PCM).decode(message),
    growth: 2,
    inputs: {
      zeros: (n) => new Uint8Array(n),
      ones: (n) => new Uint8Array(n).fill(255),
      'the version and ones': (n) => bytes(n, (result) => result.fill(255).set([0x21])),
    },
  },
  {
    name: 'framing rtp, samples',
    read: (message) => FRAMINGS.rtp.createDecoder(PCM).decode(message),
    growth: 2,
    inputs: { packet, ones: (n) => new Uint8Array(n).fill(255) },
  },
  {
    name: 'framing rtp, Opus',
    read: (message) => FRAMINGS.rtp.createDecoder(OPUS).decode(message),
    growth: 2,
    inputs: { packet, ones: (n) => new Uint8Array(n).fill(255) },
  },
  {
    name: 'RTP header extensions',
    limit: 2 ** 18,
    read: (message) => {
      const parsed = new RtpPacket();
      parsed.parse(message);
      const cursor = new HeaderExtensionCursor();
      cursor.begin(parsed);
      let count = 0;
      while (cursor.next()) count++;
      return count;
    },
    growth: 1,
    inputs: {
      padding: (n) => extension(n, 0),
      'elements of one byte': (n) => extension(n, 0x10),
      'elements of another length': (n) => extension(n, 0x1f),
    },
  },
  {
    name: 'RED',
    read: (payload) => {
      const blocks = new RedBlocks();
      blocks.parse(payload, 0, payload.length);
      return blocks.count;
    },
    growth: 1,
    inputs: {
      'headers without end': (n) => new Uint8Array(n).fill(0x80),
      'one block': (n) => new Uint8Array(n),
    },
  },
  {
    name: 'micwire.1, a message of bytes',
    read: (message) => micwireConnection().decode(message),
    growth: 8,
    inputs: {
      data: (n) => new Uint8Array(n).fill(0x1f),
      audio: (n) => bytes(n, (result) => result.fill(255).set([0x21, 0x40, 0, 0x44])),
      'unheard items': (n) =>
        bytes(n, (result) => {
          result.fill(1);
          result.set([0x18, 0, 0, 0x41, 0]);
        }),
      'a name without end': (n) => bytes(n, (result) => result.fill(255).set([0x13, 0])),
    },
  },
  {
    name: 'opusPacketInfo',
    read: opusPacketInfo,
    growth: 1,
    inputs: {
      'padding without end': (n) => bytes(n, (result) => result.fill(255).set([3, 0x41])),
      sizes: (n) => bytes(n, (result) => result.fill(255).set([0xfb, 0xb0])),
    },
  },
  {
    name: 'STUN',
    limit: 2 ** 16 - 32,
    read: (datagram) => {
      const message = parseStun(datagram);
      return [message.attributes, isSignedWith(message, Buffer.from('key'))];
    },
    growth: 4,
    inputs: {
      'empty attributes': (n) => stun(n, 0),
      'one attribute': (n) => stun(n, n - (n % 4) - 24),
    },
  },
  {
    name: 'explainStun',
    limit: 2 ** 16 - 32,
    read: (datagram) => explainStun(datagram, { key: Buffer.from('key') }),
    growth: 4,
    inputs: {
      'one attribute': (n) => stun(n, n - (n % 4) - 24),
      'a long text': (n) => stun(n, n - (n % 4) - 24, 0x8022),
      'a long list': (n) => stun(n, n - (n % 4) - 24, 0x000a),
    },
  },
  {
    name: 'StunStream',
    limit: 2 ** 16 - 32,
    read: (stream: Uint8Array) => new StunStream(2048).push(stream),
    // A message of four bytes is an object.
    growth: 8,
    inputs: {
      'empty ChannelData, again and again': (n) =>
        bytes(n, (result) => result.forEach((_, i) => (result[i] = i % 4 === 0 ? 0x40 : 0))),
      'ChannelData of one byte, again and again': (n) =>
        bytes(n, (result) =>
          result.forEach((_, i) => (result[i] = [0x40, 0, 0, 1, 7, 0, 0, 0][i % 8]!)),
        ),
    },
  },
  {
    name: 'parseChannelData',
    limit: 2 ** 16 - 32,
    read: parseChannelData,
    growth: 1,
    inputs: {
      'all data': (n) => bytes(n, (result) => result.set([0x40, 0, (n - 4) >> 8, n - 4])),
    },
  },
];

function micwireConnection(): ServiceConnection {
  const connection = micwire().connect();
  connection.decode(
    encodeProtocol({ type: 'welcome', known: false, next: 0, received: 0, output: null }),
  );
  return connection;
}

function extension(size: number, element: number): Uint8Array {
  return bytes(size - (size % 4), (result) => {
    result.fill(element);
    result.set([0x90, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0xbe, 0xde]);
    const words = Math.min(0xffff, (result.length - 16) / 4);
    result[14] = words >> 8;
    result[15] = words & 255;
  });
}

function stun(size: number, valueBytes: number, type = 0x8000): Uint8Array {
  const message = Buffer.alloc(size - (size % 4));
  message.writeUInt16BE(1, 0);
  message.writeUInt16BE(message.length - 20, 2);
  message.writeUInt32BE(0x2112a442, 4);
  message.writeUInt16BE(type, 20);
  message.writeUInt16BE(valueBytes, 22);
  return message;
}

/** Above what is linear by far, below what is quadratic by far: see `costRatio`. */
const MAX_COST_RATIO = 10;
/** Of any output, however small the input: 64 sections with a candidate each, and the feedback of 128 codecs. */
const BASE_BYTES = 200_000;

function checked<T extends string | Uint8Array>(parser: Parser<T>): void {
  const { name, read, inputs, growth, limit = MIB, throws = () => false } = parser;
  describe(name, () => {
    it.each(Object.keys(inputs))('is bounded in size and linear in time: %s', (kind) => {
      const make = inputs[kind]!;
      for (const size of [1024, 2 ** 15, limit]) {
        const input = make(size);
        expect(input.length).toBeGreaterThan(size * 0.4);
        const output = outcomeOf(() => read(input), throws);
        expect(output, `${size}`).toBeLessThan(BASE_BYTES + growth * input.length);
      }
      const costSize = Math.min(limit, COST_BYTES);
      const [small, large] = [make(costSize / COST_STEP), make(costSize)];
      const ratio = costRatio(
        () => outcome(() => read(small)),
        () => outcome(() => read(large)),
        MAX_COST_RATIO,
      );
      expect(ratio).toBeLessThan(MAX_COST_RATIO);
    });
  });
}

function outcome(act: () => unknown): void {
  try {
    act();
  } catch {
    // Looked at before.
  }
}

describe('parsers of text', () => {
  for (const parser of PARSERS) checked(parser);
});

describe('parsers of bytes', () => {
  for (const parser of BINARY_PARSERS) checked(parser);
});

describe('statistics of a call', () => {
  const entries = (count: number): StatsEntry[] =>
    Array.from({ length: count }, (_, i) => [
      {
        id: `p${i}`,
        type: 'candidate-pair',
        timestamp: 1,
        localCandidateId: `l${i}`,
        bytesSent: 1,
      },
      { id: `l${i}`, type: 'local-candidate', timestamp: 1, address: '192.0.2.1' },
    ]).flat();

  it.each([
    ['iceReport', (all: readonly StatsEntry[]) => iceReport(all)],
    ['callFigures', (all: readonly StatsEntry[]) => callFigures(all, null)],
  ])('%s is linear in the number of candidates that the other side invents', (_name, read) => {
    const [small, large] = [entries(8000 / COST_STEP), entries(8000)];
    expect(sizeOf(read(large))).toBeLessThan(BASE_BYTES + 400 * large.length);
    const ratio = costRatio(
      () => void read(small),
      () => void read(large),
      MAX_COST_RATIO,
    );
    expect(ratio).toBeLessThan(MAX_COST_RATIO);
  });
});
