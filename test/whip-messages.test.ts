import { describe, expect, it } from 'vitest';
import { readCreated, readRefusal, refusedError } from '../src/core/webrtc/whip-messages.ts';

const headers = (fields: Record<string, string>) => ({
  get: (name: string) => fields[name.toLowerCase()] ?? null,
});
const NOW = Date.parse('2026-11-30T00:00:00Z');
const msUntil = (date: string): number => Date.parse(date) - NOW;
const serversIn = (link: string) => readCreated(headers({ location: '/1', link }))!.iceServers;

describe('the servers of a Link header', () => {
  it('match the example of RFC 9725 §4.6', () => {
    const turn =
      'rel="ice-server"; username="user"; credential="myPassword"; credential-type="password"';
    const text = [
      '<stun:stun.example.net>; rel="ice-server"',
      `<turn:turn.example.net?transport=udp>; ${turn}`,
      `<turns:turn.example.net?transport=tcp>; ${turn}`,
    ].join(', ');
    const password = { username: 'user', credential: 'myPassword' };
    expect(serversIn(text)).toEqual([
      { urls: 'stun:stun.example.net' },
      { urls: 'turn:turn.example.net?transport=udp', ...password },
      { urls: 'turns:turn.example.net?transport=tcp', ...password },
    ]);
  });

  it('may have commas, semicolons, quotes and words in their parameters (RFC 8288 §3)', () => {
    const text =
      '<turn:a>;REL=ice-server;username="a, b; <c>";credential="say \\"hi\\" \\\\ there" , <stun:b>; rel="other ICE-SERVER"; x';
    expect(serversIn(text)).toEqual([
      { urls: 'turn:a', username: 'a, b; <c>', credential: 'say "hi" \\ there' },
      { urls: 'stun:b' },
    ]);
  });

  it.each([
    ['another relation', '<stun:a>; rel="urn:ietf:params:whip:ext:core:layer"'],
    ['no relation', '<stun:a>'],
    ['a second relation, which does not count', '<stun:a>; rel=other; rel=ice-server'],
    ['a page', '<https://example.net/>; rel="ice-server"'],
    ['TURN without a password', '<turn:a>; rel="ice-server"; username="me"'],
    [
      'a credential of another type',
      '<turn:a>; rel=ice-server; username=a; credential=b; credential-type=oauth',
    ],
    ['an address without an end', '<stun:a; rel="ice-server"'],
    ['words', 'stun:a; rel="ice-server"'],
    ['nothing', ''],
    ['more than 16,384 characters', `<stun:a>; rel="ice-server"; x="${'y'.repeat(16_384)}"`],
  ])('leave out an entry with %s', (_name, text) => {
    expect(serversIn(text)).toEqual([]);
  });

  it('end at the first part that cannot be read', () => {
    expect(serversIn('<stun:a>; rel=ice-server, what, <stun:b>; rel=ice-server')).toEqual([
      { urls: 'stun:a' },
    ]);
  });

  it('are limited to sixteen', () => {
    expect(serversIn('<stun:a>; rel=ice-server, '.repeat(40))).toHaveLength(16);
  });
});

describe('the headers of a session', () => {
  it('give its address, its ICE session and its support of PATCH', () => {
    expect(readCreated(headers({ location: '/session/1', etag: '"xyzzy"' }))).toEqual({
      location: '/session/1',
      etag: '"xyzzy"',
      takesPatch: true,
      iceServers: [],
    });
    const patch = { location: '1', 'accept-patch': 'application/trickle-ice-sdpfrag' };
    expect(readCreated(headers(patch))).toMatchObject({ etag: null, takesPatch: true });
    expect(readCreated(headers({ location: '1' }))).toMatchObject({
      etag: null,
      takesPatch: false,
    });
    const other = { location: '1', 'accept-patch': 'application/json' };
    expect(readCreated(headers(other))).toMatchObject({ takesPatch: false });
  });

  it('are invalid without an address, or with one of more than 4,096 characters', () => {
    expect(readCreated(headers({ etag: '"xyzzy"' }))).toBe(null);
    expect(readCreated(headers({ location: 'a'.repeat(4097) }))).toBe(null);
  });
});

describe('a refusal', () => {
  it.each([
    ['5', 5000],
    [' 0 ', 0],
    ['Mon, 30 Nov 2026 00:01:00 GMT', 60_000],
    ['Sun, 29 Nov 2026 00:00:00 GMT', 0],
    ['999999999', 86_400_000],
    ['soon', null],
    ['', null],
  ])('asks to wait: %s', (text, expected) => {
    expect(readRefusal(503, headers({ 'retry-after': text }), msUntil)).toEqual({
      status: 503,
      retryAfterMs: expected,
    });
  });

  const errorOf = (status: number, retryAfterMs: number | null = null, crossed = false) =>
    refusedError('offer', { status, retryAfterMs }, crossed);

  it.each([
    [401, 'transport', 'option token'],
    [403, 'transport', 'does not allow this'],
    [404, 'transport', 'nothing at this address'],
    [405, 'unsupported', 'WHIP or WHEP endpoint'],
    [406, 'unsupported', 'option offer'],
    [409, 'transport', 'Another publisher'],
    [415, 'unsupported', 'HTTP status 415'],
    [500, 'transport', 'has failed'],
    [501, 'unsupported', 'cannot do this'],
    [503, 'transport', 'too much to do'],
    [418, 'transport', 'HTTP status 418'],
  ] as const)('with the status %i is %s, and says how to fix it', (status, code, words) => {
    const error = errorOf(status);
    expect(error).toMatchObject({ code, cause: { status, retryAfterMs: null } });
    expect(error.message).toContain('did not take the offer');
    expect(error.message).toContain(words);
  });

  it.each([204, 405, 412, 422, 428, 501])(
    'of a restart with the status %i says that the session continues, and how to fix it',
    (status) => {
      const error = refusedError('restart', { status, retryAfterMs: null }, false);
      expect(error.code).toBe('unsupported');
      expect(error.message).toContain('The session continues as it is.');
      expect(error.message).toContain('connect again');
    },
  );

  it('of a restart because the session is gone, or the server failed, is not permanent', () => {
    const restart = (status: number) =>
      refusedError('restart', { status, retryAfterMs: null }, false);
    expect(restart(404)).toMatchObject({ code: 'transport' });
    expect(restart(404).message).toContain('has ended there');
    expect(restart(500)).toMatchObject({ code: 'transport' });
  });

  it('says how long to wait', () => {
    expect(errorOf(503, 4500).message).toContain('asks to wait 5 s');
    expect(errorOf(503, 4500).cause).toEqual({ status: 503, retryAfterMs: 4500 });
  });

  it('says that a token is lost on the way to another origin', () => {
    expect(errorOf(401, null, true).message).toContain('redirect to another origin');
    expect(errorOf(401).message).not.toContain('redirect');
    expect(errorOf(404, null, true).message).not.toContain('redirect');
  });
});
