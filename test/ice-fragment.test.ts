import { describe, expect, it } from 'vitest';
import { PacketError } from '../src/core/errors.ts';
import {
  parseIceFragment,
  withIceFragment,
  writeIceFragment,
} from '../src/core/webrtc/ice-fragment.ts';

const lines = (...each: string[]): string => `${each.join('\r\n')}\r\n`;

const HOST =
  'candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw';
const TCP = 'candidate:473322822 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active generation 0';
const PASSWORD = 'P2uYro0UCOQ4zxjKXaWCBui1';

/** RFC 9725 §4.3.2, the example of trickle ICE. */
const TRICKLE = lines(
  'a=group:BUNDLE 0 1',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'a=mid:0',
  'a=ice-ufrag:EsAw',
  `a=ice-pwd:${PASSWORD}`,
  `a=${HOST}`,
  `a=${TCP}`,
  'a=end-of-candidates',
);

/** RFC 9725 §4.3.3, the server's answer to a restart. */
const RESTARTED = lines(
  'a=ice-lite',
  'a=ice-options:trickle ice2',
  'a=group:BUNDLE 0 1',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'a=mid:0',
  'a=ice-ufrag:289b31b754eaa438',
  'a=ice-pwd:0b66f472495ef0ccac7bda653ab6be49ea13114472a5d10a',
);

const DESCRIPTION = lines(
  'v=0',
  'o=- 5228595038118931041 2 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0 1',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'a=ice-ufrag:EsAw',
  `a=ice-pwd:${PASSWORD}`,
  `a=${HOST}`,
  'a=end-of-candidates',
  'a=mid:0',
  'a=rtpmap:111 opus/48000/2',
  'm=video 9 UDP/TLS/RTP/SAVPF 96',
  'a=ice-ufrag:EsAw',
  `a=ice-pwd:${PASSWORD}`,
  'a=mid:1',
);

const reasonOf = (text: string): string => {
  try {
    parseIceFragment(text);
  } catch (error) {
    if (error instanceof PacketError) return error.reason;
    throw error;
  }
  return '';
};

describe('an ICE fragment', () => {
  it('reads the example of RFC 9725 §4.3.2', () => {
    expect(parseIceFragment(TRICKLE)).toEqual({
      ufrag: 'EsAw',
      password: PASSWORD,
      mid: '0',
      candidates: [HOST, TCP],
      isComplete: true,
    });
  });

  it('writes a fragment from a description and candidates', () => {
    expect(writeIceFragment(DESCRIPTION, [HOST, TCP], true)).toBe(
      lines(
        'a=group:BUNDLE 0 1',
        'm=audio 9 UDP/TLS/RTP/SAVPF 111',
        'a=ice-ufrag:EsAw',
        `a=ice-pwd:${PASSWORD}`,
        'a=mid:0',
        `a=${HOST}`,
        `a=${TCP}`,
        'a=end-of-candidates',
      ),
    );
    expect(parseIceFragment(writeIceFragment(DESCRIPTION, [HOST], false))).toEqual({
      ...parseIceFragment(TRICKLE),
      candidates: [HOST],
      isComplete: false,
    });
  });

  it('accepts names of the session, any line breaks, and no section', () => {
    const text = `a=ice-ufrag:ysXw\na=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k\n`;
    expect(parseIceFragment(text)).toEqual({
      ufrag: 'ysXw',
      password: 'vw5LmwG4y/e6dPP/zAP9Gp5k',
      mid: '',
      candidates: [],
      isComplete: false,
    });
  });

  it('uses the first section’s names and candidates', () => {
    const second = lines('m=video 9 x 96', 'a=mid:1', 'a=ice-ufrag:other', `a=${TCP}`);
    const first = lines(
      'a=ice-ufrag:session',
      'm=audio 9 x 111',
      'a=mid:0',
      'a=ice-ufrag:EsAw',
      `a=ice-pwd:${PASSWORD}`,
      `a=${HOST}`,
    );
    expect(parseIceFragment(first + second)).toMatchObject({
      ufrag: 'EsAw',
      mid: '0',
      candidates: [HOST],
    });
  });

  it('leaves out candidates that cannot be read, and those beyond the 128th', () => {
    const names = lines('a=ice-ufrag:EsAw', `a=ice-pwd:${PASSWORD}`);
    const bad = lines('a=candidate:1 1 udp x 192.0.2.1 1 typ host', 'a=candidate:', `a=${HOST}`);
    expect(parseIceFragment(names + bad).candidates).toEqual([HOST]);
    expect(parseIceFragment(names + `a=${HOST}\r\n`.repeat(200)).candidates).toHaveLength(128);
  });

  it.each([
    ['nothing', ''],
    ['no password', 'a=ice-ufrag:EsAw'],
    ['no name', `a=ice-pwd:${PASSWORD}`],
    ['a short name', lines('a=ice-ufrag:abc', `a=ice-pwd:${PASSWORD}`)],
    ['a short password', lines('a=ice-ufrag:EsAw', 'a=ice-pwd:tooshort')],
    ['a blank in the name', lines('a=ice-ufrag:Es Aw', `a=ice-pwd:${PASSWORD}`)],
    ['a long name', lines(`a=ice-ufrag:${'x'.repeat(257)}`, `a=ice-pwd:${PASSWORD}`)],
  ])('refuses %s', (_name, text) => {
    expect(reasonOf(text)).toBe('bad-field');
  });

  it('refuses more than 65,536 characters', () => {
    expect(reasonOf('a'.repeat(65_537))).toBe('oversized');
    expect(reasonOf('a'.repeat(65_536))).toBe('bad-field');
  });
});

describe('a description with the ICE of a fragment', () => {
  it('has the fragment’s names in each section, and keeps its candidates if the fragment has none', () => {
    const fragment = parseIceFragment(RESTARTED);
    expect(withIceFragment(DESCRIPTION, fragment)).toBe(
      DESCRIPTION.replaceAll('EsAw\r\n', `${fragment.ufrag}\r\n`)
        .replaceAll(`pwd:${PASSWORD}`, `pwd:${fragment.password}`)
        // That of the candidate is a matter of its own.
        .replace(`ufrag ${fragment.ufrag}`, 'ufrag EsAw'),
    );
  });

  it('has the fragment’s candidates in the first section in place of the old ones', () => {
    const fragment = parseIceFragment(`${RESTARTED}a=${TCP}\r\na=end-of-candidates\r\n`);
    const result = withIceFragment(DESCRIPTION, fragment);
    expect(result).not.toContain(HOST);
    expect(result).toContain(
      lines(
        'a=rtpmap:111 opus/48000/2',
        `a=${TCP}`,
        'a=end-of-candidates',
        'm=video 9 UDP/TLS/RTP/SAVPF 96',
      ),
    );
    expect(result.match(/end-of-candidates/g)).toHaveLength(1);
  });

  it('has the candidates at its end if it has one section', () => {
    const [audio = ''] = DESCRIPTION.split('m=video');
    const fragment = parseIceFragment(`${RESTARTED}a=${TCP}\r\n`);
    expect(withIceFragment(audio, fragment).endsWith(lines(`a=${TCP}`))).toBe(true);
    expect(withIceFragment(audio, fragment)).not.toContain('end-of-candidates');
  });
});
