import { describe, expect, it } from 'vitest';
import { parseControlRequest, requestIdOf } from '../demo/link/protocol.ts';
import { parseLinkTrace } from '../demo/link/link-trace.ts';
import { isTrustedOrigin } from '../demo/server/origin.ts';
import { rewriteCandidates } from '../demo/server/rewrite-candidates.ts';
import { settingsOf } from '../demo/runs/address.ts';
import { decodeBase64 } from '../src/core/base64/base64.ts';
import { FRAMINGS } from '../src/core/framing/framings.ts';
import { parseJsonObject } from '../src/core/framing/json-object.ts';
import { asteriskWebsocket } from '../src/core/services/asterisk-websocket.ts';
import { twilio } from '../src/core/services/twilio.ts';
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
import { MAX_SDP_LENGTH, parseSignal } from '../src/core/webrtc/signal-message.ts';
import {
  parseSignallingReply,
  parseSignallingRequest,
} from '../src/core/webrtc/signalling-protocol.ts';
import { readCreated } from '../src/core/webrtc/whip-messages.ts';
import type { StatsEntry } from '../src/core/webrtc/call-figures.ts';
import { readLeaseTable } from '../src/node/nats/lease-plan.ts';
import { COST_STEP, costRatio, sizeOf } from './helpers/bounded.ts';
import {
  BASE_BYTES,
  JSON_INPUTS,
  MAX_COST_RATIO,
  MIB,
  PCM,
  checked,
  fill,
  micwireConnection,
} from './helpers/parser-bounds.ts';
import type { Parser } from './helpers/parser-bounds.ts';

/** Those who read JSON through `parseJsonObject` do so: one of each kind shows it. */
const FEW_JSON_INPUTS: Parser<string>['inputs'] = Object.fromEntries(
  ['nested arrays', 'many keys', 'a long string'].map((name) => [name, JSON_INPUTS[name]!]),
);

const FRAGMENT_NAMES = 'a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n';

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
  { name: 'readLeaseTable', read: readLeaseTable, growth: 20, inputs: JSON_INPUTS },
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

describe('parsers of text', () => {
  for (const parser of PARSERS) checked(parser);
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
