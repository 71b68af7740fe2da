import { describe, expect, it } from 'vitest';
import { PacketError } from '../src/core/errors.ts';
import { parseSipAuthentication } from '../src/core/sip/sip-authentication.ts';
import { explainSipMessage } from '../src/core/sip/sip-explained.ts';
import { MAX_SIP_BYTES, parseSipMessage, sipHeader } from '../src/core/sip/sip-message.ts';
import type { SipRequest, SipResponse } from '../src/core/sip/sip-message.ts';
import { sipStatus } from '../src/core/sip/sip-status.ts';
import { parseSipUri } from '../src/core/sip/sip-uri.ts';
import { explainSdp } from '../src/core/webrtc/sdp-explained.ts';
import { CALL_FLOWS, sdp, sipText } from './helpers/sip-flows.ts';
import { INVALID, ODD, VALID } from './helpers/sip-torture.ts';

const reasonOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof PacketError) return error.reason;
    throw error;
  }
  return 'read';
};

const OPTIONS = [
  'OPTIONS sip:carol@chicago.example.com SIP/2.0',
  'Via: SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bKhjhs8ass877',
  'Max-Forwards: 70',
  'From: "Alice \\"A\\"" <sips:alice@[2001:db8::9]:5061;transport=ws;lr?x=1>;tag=1928301774',
  'To: tel:+1-201-555-0123',
  'Call-ID: a84b4c76e66710',
  'CSeq: 63104 OPTIONS',
];

describe('parseSipMessage', () => {
  it('reads the fields of a request', () => {
    const message = parseSipMessage(sipText(OPTIONS, sdp('alice', 49_172)));
    expect(message).toMatchObject({
      kind: 'request',
      method: 'OPTIONS',
      uri: { scheme: 'sip', user: 'carol', host: 'chicago.example.com', port: 0 },
      via: [{ transport: 'WSS', host: 'df7jal23ls0d.invalid', branch: 'z9hG4bKhjhs8ass877' }],
      from: {
        displayName: 'Alice "A"',
        tag: '1928301774',
        uri: { scheme: 'sips', host: '[2001:db8::9]', port: 5061, headers: 'x=1' },
      },
      to: { displayName: '', tag: '', uri: { scheme: 'tel', text: 'tel:+1-201-555-0123' } },
      callId: 'a84b4c76e66710',
      cseq: 63_104,
      contacts: [],
    });
    expect([...message.from.uri.parameters]).toEqual([
      ['transport', 'ws'],
      ['lr', ''],
    ]);
    expect(message.sdp!.media).toMatchObject([{ kind: 'audio', port: 49_172 }]);
    expect(message.body).toBe(
      sdp('alice', 49_172)
        .map((line) => `${line}\r\n`)
        .join(''),
    );
    expect(message.headers.map(({ name }) => name)).toEqual([
      'Via',
      'Max-Forwards',
      'From',
      'To',
      'Call-ID',
      'CSeq',
      'Content-Type',
      'Content-Length',
    ]);
  });

  it('reads the fields of a response, from bytes in UTF-8', () => {
    const text = VALID['unreason']!;
    const message = parseSipMessage(new TextEncoder().encode(text));
    expect(message).toEqual(parseSipMessage(text));
    expect(message).toMatchObject({ kind: 'response', status: 200, method: 'INVITE' });
    expect((message as SipResponse).reason).toMatch(/^= 2\*\*3 \* 5\*\*2 но сто/);
  });

  it('counts Content-Length in bytes, and drops the bytes after it', () => {
    const lines = [...OPTIONS, 'Content-Type: text/plain'];
    const head = lines.map((line) => `${line}\r\n`).join('');
    expect(parseSipMessage(`${head}Content-Length: 4\r\n\r\näö`).body).toBe('äö');
    expect(parseSipMessage(`${head}Content-Length: 2\r\n\r\näöü`).body).toBe('ä');
    expect(reasonOf(() => parseSipMessage(`${head}Content-Length: 5\r\n\r\näö`))).toBe('truncated');
    // Within a WebSocket it may be missing (RFC 7118 §4).
    expect(parseSipMessage(`${head}\r\näöü`).body).toBe('äöü');
    const double = parseSipMessage(VALID['dblreq']!);
    expect(double.method).toBe('REGISTER');
    expect(double.text).not.toContain('joe');
  });

  it('accepts line feeds alone, and line ends in front', () => {
    const text = sipText(OPTIONS);
    const plain = parseSipMessage(`\r\n\r\n${text.replaceAll('\r', '')}`);
    expect(plain.headers).toEqual(parseSipMessage(text).headers);
  });

  it('marks a body that is not a session description', () => {
    const message = parseSipMessage(sipText(OPTIONS, ['hello']));
    expect(message.sdp).toBeNull();
    expect(message.headers.at(-2)!.fault).toMatch(/not a session description/);
  });

  it('finds a header by any of its names', () => {
    const message = parseSipMessage(VALID['wsinv']!);
    expect(sipHeader(message, 'subject')).toBe('');
    expect(sipHeader(message, 'newfangledheader')).toBe('');
    expect(sipHeader(message, 'NewFangledHeader')).toBe(
      'newfangled value continued newfangled value',
    );
    expect(sipHeader(message, 'F')).toMatch(/<sip:jdrosen@example.com> ; tag = 98asjd8$/);
  });

  it.each([
    ['nothing', '', 'unknown-type'],
    ['HTTP', 'GET / HTTP/1.1\r\n\r\n', 'unknown-type'],
    ['a head without end', 'OPTIONS sip:a@b SIP/2.0\r\nVia: x\r\n', 'truncated'],
    ['a status of 099', 'SIP/2.0 099 x\r\n\r\n', 'bad-field'],
    ['a status of 700', 'SIP/2.0 700 x\r\n\r\n', 'bad-field'],
    ['a line without a colon', sipText([...OPTIONS, 'hello']), 'bad-field'],
    [
      'a first header that is folded',
      sipText([OPTIONS[0]!, ' x', ...OPTIONS.slice(1)]),
      'bad-field',
    ],
    ['headers without end', sipText([...OPTIONS, ...Array<string>(300).fill('X: y')]), 'oversized'],
    [
      'hops without end',
      sipText([...OPTIONS, `Via: ${'SIP/2.0/UDP a,'.repeat(300)}`]),
      'oversized',
    ],
    ['a text without end', 'x'.repeat(MAX_SIP_BYTES + 1), 'oversized'],
  ])('refuses %s', (_name, text, reason) => {
    expect(reasonOf(() => parseSipMessage(text))).toBe(reason);
  });

  it('refuses anything but text and bytes as a wrong argument', () => {
    expect(() => parseSipMessage(5 as never)).toThrow(TypeError);
    expect(() => parseSipMessage(null as never)).toThrow(TypeError);
  });
});

describe('numbers at their limits', () => {
  const withHeader = (name: string, value: string) =>
    sipText([...OPTIONS.filter((line) => !line.startsWith(`${name}:`)), `${name}: ${value}`]);
  const faultOf = (name: string, value: string) =>
    parseSipMessage(withHeader(name, value)).headers.find((header) => header.name === name)!.fault;

  it('CSeq is below 2³¹ (RFC 3261 §8.1.1.5)', () => {
    expect(parseSipMessage(withHeader('CSeq', '2147483647 OPTIONS')).cseq).toBe(2_147_483_647);
    expect(reasonOf(() => parseSipMessage(withHeader('CSeq', '2147483648 OPTIONS')))).toBe(
      'bad-field',
    );
    expect(parseSipMessage(withHeader('CSeq', '0 OPTIONS')).cseq).toBe(0);
  });

  it('Max-Forwards has 8 bits, Expires has 32 (§20.19, §20.22)', () => {
    expect(faultOf('Max-Forwards', '255')).toBe('');
    expect(faultOf('Max-Forwards', '256')).not.toBe('');
    expect(faultOf('Expires', '4294967295')).toBe('');
    expect(faultOf('Expires', '4294967296')).not.toBe('');
    expect(faultOf('Expires', '-1')).not.toBe('');
  });

  it('a port has 16 bits and is not 0', () => {
    expect(parseSipUri('sip:a@b:65535').port).toBe(65_535);
    expect(parseSipUri('sip:a@b:1').port).toBe(1);
  });

  it('a status lies between 100 and 699', () => {
    const response = (status: number) => sipText([`SIP/2.0 ${status} x`, ...OPTIONS.slice(1)]);
    expect(parseSipMessage(response(100))).toMatchObject({ status: 100 });
    expect(parseSipMessage(response(699))).toMatchObject({ status: 699, reason: 'x' });
  });

  it('the longest message is read', () => {
    const head = sipText(OPTIONS).replace('Content-Length: 0\r\n', '');
    const text = head + 'x'.repeat(MAX_SIP_BYTES - head.length);
    expect(parseSipMessage(text).body.length).toBe(MAX_SIP_BYTES - head.length);
  });
});

describe('the torture messages of RFC 4475', () => {
  it.each(Object.entries(VALID))('%s is read', (_name, text) => {
    expect(reasonOf(() => parseSipMessage(text))).toBe('read');
    expect(explainSipMessage(text).headers.filter(({ fault }) => fault !== '')).toEqual([]);
  });

  it.each(Object.entries(ODD))('%s is read, and its fault reported', (_name, [header, text]) => {
    const { headers } = parseSipMessage(text);
    const faulty = headers.filter(({ fault }) => fault !== '').map(({ name }) => name);
    expect(new Set(faulty)).toEqual(new Set([header]));
  });

  it.each(Object.entries(INVALID))('%s is refused', (_name, [reason, text]) => {
    expect(reasonOf(() => parseSipMessage(text))).toBe(reason);
  });

  it('wsinv has the fields that the standard lists', () => {
    const message = parseSipMessage(VALID['wsinv']!);
    expect(message).toMatchObject({
      cseq: 9,
      to: { tag: '1918181833n' },
      from: { tag: '98asjd8', displayName: 'J Rosenberg \\"' },
      via: [
        { transport: 'UDP', host: '192.0.2.2', branch: '390skdjuw' },
        { transport: 'TCP', host: 'spindle.example.com', branch: 'z9hG4bK9ikj8' },
        { transport: 'UDP', host: '192.168.255.111', branch: 'z9hG4bK30239' },
      ],
      contacts: [{ displayName: 'Quoted string ""' }],
    });
    expect([...message.contacts[0]!.parameters]).toEqual([
      ['newparam', 'newvalue'],
      ['secondparam', ''],
      ['q', '0.33'],
    ]);
    expect(message.sdp!.media.length).toBe(2);
  });

  it('semiuri: a semicolon in the user is not a parameter', () => {
    const { uri } = parseSipMessage(VALID['semiuri']!) as SipRequest;
    expect(uri.user).toBe('user;par=u%40example.net');
    expect(uri.host).toBe('example.com');
    expect(uri.parameters.size).toBe(0);
  });

  it('cparam01: without brackets a parameter belongs to the header', () => {
    const [contact] = parseSipMessage(VALID['cparam01']!).contacts;
    expect([...contact!.parameters.keys()]).toEqual(['unknownparam']);
    expect(contact!.uri.parameters.size).toBe(0);
  });
});

describe('explainSipMessage', () => {
  it('explains every header, with its clause', () => {
    const [first] = CALL_FLOWS['answered']!();
    const { start, headers } = explainSipMessage(first!.data);
    expect(start.clause).toBe('RFC 3261 §13');
    expect(start.explanation).toContain('INVITE asks for a call');
    for (const { name, clause, explanation } of headers) {
      expect(clause, name).toMatch(/^RFC 3261 §20\.\d+$/);
      expect(explanation, name).toMatch(/\.$/);
    }
  });

  it('explains challenges and their answers, without the password', () => {
    const [, challenge, , retry] = CALL_FLOWS['challenged']!().map(({ data }) =>
      explainSipMessage(data),
    );
    const wordsOf = (explained: typeof challenge, name: string) =>
      explained!.headers.find((header) => header.name === name)!.explanation;
    expect(challenge!.start.explanation).toContain('password');
    expect(wordsOf(challenge, 'Proxy-Authenticate')).toContain('atlanta.example.com, with MD5');
    expect(wordsOf(retry, 'Proxy-Authorization')).toContain('From the user alice');
    expect(wordsOf(retry, 'Proxy-Authorization')).not.toContain('42ce3cef');
  });

  it('distinguishes registering from its end, and INVITE from re-INVITE', () => {
    const register = (expires: string) =>
      explainSipMessage(
        sipText([
          'REGISTER sip:example.com SIP/2.0',
          ...OPTIONS.slice(1, 6),
          'CSeq: 1 REGISTER',
          `Contact: <sip:a@b>;expires=${expires}`,
        ]),
      ).start.explanation;
    expect(register('0')).toContain('ends the registration');
    expect(register('60')).not.toContain('ends the registration');
    const held = CALL_FLOWS['held']!()[5]!;
    expect(explainSipMessage(held.data).start).toMatchObject({ clause: 'RFC 3261 §14' });
  });

  it('repeats little of a sender’s text', () => {
    const text = sipText([...OPTIONS, `Expires: ${'9'.repeat(5000)}`, `X: ${'y'.repeat(5000)}`]);
    for (const { explanation } of explainSipMessage(text).headers) {
      expect(explanation.length).toBeLessThan(400);
    }
  });
});

describe('parseSipUri', () => {
  it.each([
    'sip:',
    'sip:@host',
    'user@example.com',
    'sip:a b@c',
    'sip:a@b:0',
    'sip:a@b:65536',
    'sip:a@b;=x',
    'sip:a@[::1',
    'sip:a@b\u0000',
    'tel:',
  ])('refuses %j', (text) => {
    expect(reasonOf(() => parseSipUri(text))).toBe('bad-field');
  });
});

describe('parseSipAuthentication', () => {
  it('reads a challenge', () => {
    const { scheme, parameters } = parseSipAuthentication(
      'Digest realm="a, \\"b\\"", qop="auth,auth-int" ,nonce=abc, stale=FALSE',
    );
    expect(scheme).toBe('Digest');
    expect(Object.fromEntries(parameters)).toEqual({
      realm: 'a, "b"',
      qop: 'auth,auth-int',
      nonce: 'abc',
      stale: 'FALSE',
    });
  });

  it.each(['', '"Digest"', 'Digest realm="a', 'Digest =x', 'Digest a=b c'])(
    'refuses %j',
    (text) => {
      expect(reasonOf(() => parseSipAuthentication(text))).toBe('bad-field');
    },
  );
});

describe('sipStatus', () => {
  it('knows every status of RFC 3261, with a cure for each failure of a caller', () => {
    // RFC 3261 §21, and of extensions those that calls meet.
    const known = [
      100, 180, 181, 182, 183, 199, 200, 202, 204, 300, 301, 302, 305, 380, 400, 401, 402, 403, 404,
      405, 406, 407, 408, 410, 413, 414, 415, 416, 420, 421, 422, 423, 480, 481, 482, 483, 484, 485,
      486, 487, 488, 489, 491, 493, 500, 501, 502, 503, 504, 505, 513, 580, 600, 603, 604, 606, 607,
      608,
    ];
    const all = Array.from({ length: 600 }, (_, i) => 100 + i);
    expect(all.filter((status) => sipStatus(status).phrase !== '')).toEqual(known);
    expect(sipStatus(486)).toMatchObject({ phrase: 'Busy Here', clause: 'RFC 3261 §21.4.24' });
    for (const status of [401, 403, 404, 407, 408, 480, 486, 488, 503, 600, 603]) {
      expect(sipStatus(status).cure).not.toBe('');
    }
    expect(sipStatus(499)).toMatchObject({ phrase: '', clause: 'RFC 3261 §7.2' });
    expect(() => sipStatus(99)).toThrow(RangeError);
    expect(() => sipStatus(700)).toThrow(RangeError);
  });
});

/** The messages of RFC 5118, without the headers that say nothing here. */
describe('IPv6, as in the tests of RFC 5118', () => {
  const register = (uri: string, more: readonly string[] = []): string =>
    sipText([
      `REGISTER ${uri} SIP/2.0`,
      'To: sip:user@example.com',
      'From: sip:user@example.com;tag=81x2',
      'Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111',
      'Call-ID: SSG9559905523997077@hlau_4100',
      'Max-Forwards: 70',
      'Contact: "Caller" <sip:caller@[2001:db8::1]>',
      'CSeq: 98176 REGISTER',
      ...more,
    ]);
  const read = (text: string) => parseSipMessage(text) as SipRequest;

  it('§4.1: addresses in brackets, in the URI, in Via and in Contact', () => {
    const { uri, via, contacts } = read(register('sip:[2001:db8::10]'));
    expect(uri).toMatchObject({ host: '[2001:db8::10]', port: 0 });
    expect(via).toMatchObject([{ host: '[2001:db8::9:1]', port: 0 }]);
    expect(contacts[0]!.uri).toMatchObject({ user: 'caller', host: '[2001:db8::1]', port: 0 });
  });

  it('§4.2: an address without brackets is not a URI', () => {
    expect(reasonOf(() => parseSipMessage(register('sip:2001:db8::10')))).toBe('bad-field');
  });

  it('§4.3, §4.4: a port follows the bracket; within, it is a part of the address', () => {
    const inside = read(register('sip:[2001:db8::10:5070]')).uri;
    expect(inside).toMatchObject({ host: '[2001:db8::10:5070]', port: 0 });
    const after = read(register('sip:[2001:db8::10]:5070')).uri;
    expect(after).toMatchObject({ host: '[2001:db8::10]', port: 5070 });
  });

  it.each(['[2001:db8::9:255]', '2001:db8::9:255'])('§4.5: received=%s in Via', (received) => {
    const text = register('sip:[2001:db8::10]').replace(
      'z9hG4bKas3-111',
      `z9hG4bKas3;received=${received}`,
    );
    expect(parseSipMessage(text).via[0]!.parameters.get('received')).toBe(received);
    const via = explainSipMessage(text).headers.find(({ name }) => name === 'Via')!;
    expect(via.explanation).toContain('received: the address it really came from');
    expect(via.fault).toBe('');
  });

  it('§4.6: a description with addresses of IPv6, explained', () => {
    const text = sipText(register('sip:user@[2001:db8::10]').split('\r\n').slice(0, 8), [
      'v=0',
      'o=assistant 971731711378798081 0 IN IP6 2001:db8::20',
      's=Live video feed for today',
      'c=IN IP6 2001:db8::20',
      't=3338481189 3370017201',
      'm=audio 6000 RTP/AVP 2',
      'a=rtpmap:2 G726-32/8000',
    ]);
    const { sdp: description, body } = parseSipMessage(text);
    expect(description!.media).toMatchObject([{ kind: 'audio', port: 6000 }]);
    const explained = explainSdp(body).lines;
    const words = (start: string) =>
      explained.find((line) => line.text.startsWith(start))!.explanation;
    expect(words('c=')).toContain(
      'sends the media of all sections that do not say otherwise: 2001:db8::20.',
    );
    expect(words('o=')).toContain('2001:db8::20');
    expect(words('m=audio')).toContain('2001:db8::20');
  });

  it('§4.7, §4.9: both families side by side, and IPv4 mapped into IPv6', () => {
    const text = register('sip:[2001:db8::10]', [
      'Via: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKas3-112',
      'Via: SIP/2.0/TLS [::ffff:192.0.2.10]:19823;branch=z9hG4bKbh19',
      'Record-Route: <sip:[::ffff:192.0.2.2]:5062;lr>, <sip:[2001:db8::2];lr>',
    ]);
    const { via } = parseSipMessage(text);
    expect(via.map(({ host, port }) => [host, port])).toEqual([
      ['[2001:db8::9:1]', 0],
      ['192.0.2.1', 0],
      ['[::ffff:192.0.2.10]', 19_823],
    ]);
    for (const { fault } of explainSipMessage(text).headers) expect(fault).toBe('');
  });

  it('§4.10: the three colons that the grammar of RFC 3261 once allowed', () => {
    expect(read(register('sip:user@[2001:db8:::192.0.2.1]')).uri.host).toBe(
      '[2001:db8:::192.0.2.1]',
    );
  });

  it.each([
    '[',
    '[]',
    '[2001:db8::1',
    '2001:db8::1]',
    '[fe80::1%25eth0]',
    '[::1]5060',
    '[::1]:0',
    '[::1]:65536',
  ])('sip:%s is not a URI', (host) => {
    expect(reasonOf(() => parseSipUri(`sip:a@${host}`))).toBe('bad-field');
  });
});

describe('the routes of a dialog, explained', () => {
  const words = (route: string): string =>
    explainSipMessage(sipText([...OPTIONS, `Route: ${route}`])).headers.find(
      ({ name }) => name === 'Route',
    )!.explanation;

  it('name a strict router', () => {
    expect(words('<sip:p1.example.com;lr>, <sip:[2001:db8::2]:5062;lr>')).not.toContain('strict');
    expect(words('<sip:p1.example.com>')).toContain('Without lr: a strict router of RFC 2543');
    expect(words('<sip:p1.example.com;lr>,<sip:p2.example.com;x=lr>')).toContain(
      'Without lr, 1 of 2',
    );
    // The parameter of the header is not that of the URI.
    expect(words('<sip:p1.example.com>;lr')).toContain('strict');
    expect(words('nonsense')).not.toContain('strict');
  });
});
