import { describe, expect, it } from 'vitest';
import { PacketError } from '../src/core/errors.ts';
import { parseIceCandidate } from '../src/core/webrtc/ice-candidate.ts';
import {
  checkCallOpusOptions,
  promisesStereo,
  withOpusOptions,
} from '../src/core/webrtc/opus-sdp.ts';
import { MAX_SDP_LENGTH } from '../src/core/webrtc/signal-message.ts';
import { explainSdp } from '../src/core/webrtc/sdp-explained.ts';
import { parseSdp } from '../src/core/webrtc/sdp.ts';
import { seededRandom } from './helpers/random.ts';
import { CHROMIUM_OFFER, FIREFOX_ANSWER } from './helpers/sdp-samples.ts';

const reasonOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof PacketError) return error.reason;
    throw error;
  }
  return 'read';
};

describe('parseSdp', () => {
  it('reads the fields of a browser’s offer', () => {
    const sdp = parseSdp(CHROMIUM_OFFER);
    expect(sdp.bundle).toEqual(['0', '1']);
    const [audio, data] = sdp.media;
    expect(audio).toMatchObject({ kind: 'audio', port: 9, mid: '0', direction: 'sendonly' });
    expect(audio!.ssrcs).toEqual([1_854_647_593]);
    expect(audio!.codecs.map(({ payloadType, name }) => `${payloadType} ${name}`)).toEqual([
      '63 red',
      '111 opus',
      '9 G722',
      '0 PCMU',
      '8 PCMA',
      '13 CN',
      '110 telephone-event',
      '126 telephone-event',
    ]);
    expect(audio!.codecs[1]).toEqual({
      payloadType: 111,
      name: 'opus',
      clockRate: 48_000,
      channels: 2,
      parameters: new Map([
        ['minptime', '10'],
        ['useinbandfec', '1'],
      ]),
      feedback: ['transport-cc'],
    });
    expect(audio!.codecs[0]!.parameters).toEqual(new Map([['', '111/111']]));
    expect(audio!.candidates.map(({ type }) => type)).toEqual(['host', 'srflx', 'host']);
    expect(audio!.candidates[1]).toMatchObject({
      relatedAddress: '192.0.2.2',
      relatedPort: 51_764,
    });
    expect(data).toMatchObject({ kind: 'application', mid: '1', codecs: [] });
    expect(sdp.lines.map(({ text }) => `${text}\r\n`).join('')).toBe(CHROMIUM_OFFER);
  });

  it('keeps the lines in their sections', () => {
    const sections = parseSdp(CHROMIUM_OFFER).lines.map(({ section }) => section);
    expect(sections.indexOf(0)).toBe(7);
    expect(sections.filter((section) => section === 1).length).toBe(10);
  });

  it.each([
    ['nothing', '', 'truncated'],
    ['another version', 'v=1\r\n', 'unknown-type'],
    ['blanks', ' \r\n\n ', 'truncated'],
    ['prose', 'Dear all,\r\nv=0\r\n', 'unknown-type'],
    ['JSON', '{"type":"offer","sdp":"v=0"}', 'unknown-type'],
    ['lines without end', `v=0\r\n${'a=x\n'.repeat(40_000)}`, 'oversized'],
    ['sections without end', `v=0\r\n${'m=a 9 b 1\r\n'.repeat(1025)}`, 'oversized'],
    ['a text without end', 'x'.repeat(MAX_SDP_LENGTH + 1), 'oversized'],
  ])('refuses %s', (_name, text, reason) => {
    expect(reasonOf(() => parseSdp(text))).toBe(reason);
  });
});

describe('explainSdp', () => {
  it.each([
    ['Chromium', CHROMIUM_OFFER],
    ['Firefox', FIREFOX_ANSWER],
  ])('explains every line of %s', (_name, text) => {
    for (const { text: line, explanation } of explainSdp(text).lines) {
      expect(explanation, line).toMatch(/^[A-Z0-9].{8,}[.]$/);
      expect(explanation, line).not.toMatch(/not explained|undefined|Cannot be read|NaN/);
    }
  });

  it.each([
    ['a=fmtp:63 111/111', 'Each packet holds 2 of type 111: the newest, and 1 before it.'],
    [
      'a=fmtp:111 minptime=10;useinbandfec=1',
      'How this side wants Opus sent to it: at least 10 ms a packet, its decoder can use FEC.',
    ],
    ['a=setup:actpass', 'This side leaves it to the other who begins DTLS.'],
    ['a=group:BUNDLE 0 1', 'The sections 0, 1 share one connection (BUNDLE, RFC 9143).'],
    ['s=-', 'A title. Calls have none, and a dash stands for it.'],
  ])('says of %s: %s', (line, words) => {
    const found = explainSdp(CHROMIUM_OFFER).lines.find(({ text }) => text === line);
    expect(found?.explanation).toBe(words);
  });

  it('describes a candidate, and says of an invalid one that it cannot be read', () => {
    const words = (line: string) =>
      explainSdp(`v=0\r\nm=audio 9 RTP/AVP 0\r\n${line}`).lines.at(-1)!.explanation;
    const relay =
      'a=candidate:1 1 udp 41885439 198.51.100.1 3478 typ relay raddr 203.0.113.7 rport 9';
    expect(words(relay)).toContain('TURN server');
    expect(words('a=candidate:1 1 udp x.local')).toMatch(/^Cannot be read/);
    expect(words('a=unheard-of:1')).toContain('not explained here');
  });

  it('throws nothing but PacketError for hostile text', () => {
    const random = seededRandom(21);
    const pieces = [
      '\r\n',
      'm=',
      'a=',
      ':',
      ' ',
      '/',
      ';',
      '=',
      'a=fmtp:63 ',
      '999',
      '\0',
      '\ud800',
    ];
    const reasons = new Map<string, number>();
    for (let i = 0; i < 1500; i++) {
      let text = random() < 0.5 ? CHROMIUM_OFFER : FIREFOX_ANSWER;
      for (let edits = 1 + Math.floor(random() * 6); edits > 0; edits--) {
        const at = Math.floor(random() * text.length);
        const piece = pieces[Math.floor(random() * pieces.length)]!;
        text = text.slice(0, at) + piece + text.slice(at + Math.floor(random() * 12));
      }
      if (random() < 0.1) text = text.slice(0, Math.floor(random() * text.length));
      const reason = reasonOf(() => explainSdp(text));
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      withOpusOptions(text, { bitrate: 20_000, ptimeMs: 10 });
    }
    expect([...reasons.keys()].toSorted()).toEqual(['read', 'unknown-type']);
    expect(reasons.get('read')!).toBeGreaterThan(1000);
  });
});

describe('parseIceCandidate', () => {
  it.each(['', 'candidate:', 'a=candidate:'])('accepts one with %j in front', (prefix) => {
    expect(parseIceCandidate(`${prefix}1 1 UDP 2130706431 192.0.2.1 3478 typ host`)).toEqual({
      foundation: '1',
      component: 1,
      protocol: 'udp',
      priority: 2_130_706_431,
      address: '192.0.2.1',
      port: 3478,
      type: 'host',
      relatedAddress: '',
      relatedPort: 0,
    });
  });

  it.each([
    ['too few words', '1 1 udp 1 192.0.2.1 3478 typ', 'truncated'],
    ['another word for typ', '1 1 udp 1 192.0.2.1 3478 type host', 'bad-field'],
    ['an unknown type', '1 1 udp 1 192.0.2.1 3478 typ hose', 'unknown-type'],
    ['component 0', '1 0 udp 1 192.0.2.1 3478 typ host', 'bad-field'],
    ['a priority of 33 bits', '1 1 udp 4294967296 192.0.2.1 3478 typ host', 'bad-field'],
    ['a port of 17 bits', '1 1 udp 1 192.0.2.1 65536 typ host', 'bad-field'],
    ['a port in the way of physicists', '1 1 udp 1 192.0.2.1 1e3 typ host', 'bad-field'],
    ['an address without end', `1 1 udp 1 ${'9'.repeat(1100)} 1 typ host`, 'oversized'],
  ])('refuses %s', (_name, text, reason) => {
    expect(reasonOf(() => parseIceCandidate(text))).toBe(reason);
  });
});

describe('withOpusOptions', () => {
  it('changes nothing without options', () => {
    expect(withOpusOptions(CHROMIUM_OFFER, {})).toBe(CHROMIUM_OFFER);
  });

  it('writes once, with any line breaks and however often the codec is named', () => {
    const line = 'a=rtpmap:111 opus/48000/2';
    const once = withOpusOptions(`m=audio 9 x 111\n${line}\n`, { dtx: true, ptimeMs: 20 });
    expect(once).toBe(
      `m=audio 9 x 111\n${line}\na=fmtp:111 usedtx=1;minptime=10\na=ptime:20\na=maxptime:20\n`,
    );
    const often = `m=audio 9 x 111\r\n${`${line}\r\n`.repeat(50)}`;
    const added = withOpusOptions(often, { dtx: true, ptimeMs: 20 }).length - often.length;
    expect(added).toBeLessThan(100);
  });

  it.each([
    ['a=fmtp:111 stereo=1;sprop-stereo=1', true],
    ['a=fmtp:111 stereo=1; sprop-stereo=1 ;cbr=1', true],
    ['a=fmtp:111 sprop-stereo=1', true],
    ['a=fmtp:111 sprop-stereo=0', false],
    ['a=fmtp:111 sprop-stereo=10', false],
    ['a=fmtp:111 xsprop-stereo=1', false],
    ['a=x:111 sprop-stereo=1', false],
  ])('%s promises stereo: %s', (line, expected) => {
    expect(promisesStereo(`v=0\n${line}\n`)).toBe(expected);
    expect(promisesStereo(`v=0\r\n${line}`)).toBe(expected);
  });

  it('writes into the parameters of Opus, and only there', () => {
    const changed = withOpusOptions(CHROMIUM_OFFER, {
      bitrate: 48_000,
      fec: false,
      dtx: true,
      stereo: true,
      constantBitrate: true,
    });
    const lines = (sdp: string): string[] => sdp.split('\r\n');
    const added = lines(changed).filter((line) => !lines(CHROMIUM_OFFER).includes(line));
    expect(added).toEqual([
      'a=fmtp:111 minptime=10;useinbandfec=0;maxaveragebitrate=48000;usedtx=1;stereo=1;sprop-stereo=1;cbr=1',
    ]);
    expect(lines(changed).length).toBe(lines(CHROMIUM_OFFER).length);
  });

  it('asks for a packet length once, in the section of the audio', () => {
    const changed = withOpusOptions(withOpusOptions(CHROMIUM_OFFER, { ptimeMs: 10 }), {
      ptimeMs: 60,
    });
    const sdp = parseSdp(changed);
    const times = sdp.lines.filter(({ name }) => name === 'ptime' || name === 'maxptime');
    expect(times.map(({ text, section }) => `${section} ${text}`)).toEqual([
      '0 a=ptime:60',
      '0 a=maxptime:60',
    ]);
    expect(changed.endsWith('\r\n')).toBe(true);
  });

  it('promises two channels, and promisesStereo recognizes it', () => {
    expect(promisesStereo(CHROMIUM_OFFER)).toBe(false);
    expect(promisesStereo(withOpusOptions(CHROMIUM_OFFER, { stereo: true }))).toBe(true);
    expect(promisesStereo(withOpusOptions(CHROMIUM_OFFER, { stereo: false }))).toBe(false);
  });

  it('adds parameters if Opus has none', () => {
    const bare = 'v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n';
    expect(withOpusOptions(bare, { fec: true })).toBe(`${bare}a=fmtp:111 useinbandfec=1\r\n`);
  });

  it.each([{ bitrate: 5999 }, { bitrate: 510_001 }, { bitrate: 20_000.5 }])(
    'refuses %j',
    (options) => {
      expect(() => checkCallOpusOptions(options)).toThrow(RangeError);
    },
  );

  it('refuses a packet length that does not exist', () => {
    expect(() => checkCallOpusOptions({ ptimeMs: 15 as 10 })).toThrow(TypeError);
  });
});
