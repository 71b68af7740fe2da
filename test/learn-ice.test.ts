/** What the page about ICE of the lab's view Learn is made from. */
import { describe, expect, it } from 'vitest';
import {
  TYPE_PREFERENCES,
  candidateParts,
  pairPriority,
  priorityOf,
  priorityTerms,
} from '../demo/learn/ice-candidate-parts.ts';
import { ConsentWatch, consentWords } from '../demo/page/consent.ts';
import { addError, iceErrorWords } from '../demo/page/ice-errors.ts';
import { PairTimeline, candidateText, ufragIn } from '../demo/learn/pair-timeline.ts';
import { PacketError } from '../src/core/errors.ts';
import type {
  IceCandidateReport,
  IcePairReport,
  IceReport,
} from '../src/core/webrtc/ice-report.ts';

/** As Chromium 153 wrote them. */
const RELAY =
  'candidate:4180765381 1 udp 58597375 127.0.0.1 32829 typ relay raddr 127.0.0.1 rport 58968 generation 0 ufrag Ol/Y network-id 3 network-cost 50';
const TCP =
  'candidate:3270456248 1 tcp 1518214911 127.0.0.1 9 typ host tcptype active generation 0 ufrag Ol/Y network-id 3 network-cost 50';

describe('the priority of a candidate', () => {
  it('is the sum of RFC 8445 §5.1.2.1, and splits into its terms', () => {
    for (const typePreference of Object.values(TYPE_PREFERENCES)) {
      for (const localPreference of [0, 1, 32_542, 65_535]) {
        for (const component of [1, 2, 256]) {
          const terms = { typePreference, localPreference, component };
          expect(priorityTerms(priorityOf(terms))).toEqual(terms);
        }
      }
    }
    // RFC 8839 §5.1, the example: a host's candidate of the first component.
    expect(priorityTerms(2_130_706_431)).toEqual({
      typePreference: 126,
      localPreference: 65_535,
      component: 1,
    });
  });

  it('determines that of a pair, symmetrically, as in RFC 8445 §6.1.2.3', () => {
    const [high, low] = [2_130_706_431, 1_694_498_815];
    expect(pairPriority(high, low)).toBe(2n ** 32n * BigInt(low) + 2n * BigInt(high) + 1n);
    expect(pairPriority(low, high)).toBe(pairPriority(high, low) - 1n);
  });
});

describe('the parts of a candidate', () => {
  const part = (text: string, name: string) =>
    candidateParts(text).find((one) => one.name === name)!;

  it('are all of its words, each with its meaning', () => {
    for (const text of [RELAY, TCP]) {
      const parts = candidateParts(text);
      expect(parts.every(({ meaning, clause }) => meaning !== '' && clause !== '')).toBe(true);
      const words = text.replace('candidate:', '').split(' ');
      const shown = parts.flatMap(({ name, value }) => [name, ...value.split(':')]);
      const structure = new Set(['typ', 'raddr', 'rport']);
      expect(words.filter((word) => !shown.includes(word) && !structure.has(word))).toEqual([]);
    }
  });

  it('explain where a browser ranks differently from the standard', () => {
    expect(part(RELAY, 'Priority').meaning).toContain(
      'recommends the type preference 0 for relay; here it is 3',
    );
    expect(part(TCP, 'Priority').meaning).toMatch(/126 for host; here it is 90\. TCP comes after/);
    expect(part(TCP, 'Address').meaning).toContain('IPv4');
    const hidden = TCP.replace('127.0.0.1', '0e3f6b2c.local');
    expect(part(hidden, 'Address').meaning).toContain('mDNS');
    expect(part(RELAY, 'Related address').value).toBe('127.0.0.1:58968');
  });

  it('throw a PacketError for any other text', () => {
    expect(() => candidateParts('candidate:1 1 udp')).toThrow(PacketError);
  });
});

describe('errors of gathering', () => {
  it('have a meaning and a cure each, even unknown ones', () => {
    expect(iceErrorWords(401).meaning).toContain('password');
    expect(iceErrorWords(701).meaning).toContain('could not reach');
    expect(iceErrorWords(599).meaning).toContain('server’s');
    expect(iceErrorWords(499).meaning).toContain('request');
  });

  it('are counted if they arrive once for each address', () => {
    const error = { code: 401, text: 'Unauthorized.', url: 'turn:a' };
    const errors = [error, { ...error, url: 'turn:b' }, error].reduce(addError, []);
    expect(errors.map(({ url, times }) => `${url} ${times}`)).toEqual(['turn:a 2', 'turn:b 1']);
  });
});

const candidate = (
  type: IceCandidateReport['type'],
  address: string,
  port: number,
): IceCandidateReport => ({
  id: `${type}${port}`,
  type,
  protocol: 'udp',
  address,
  port,
  priority: 1,
  url: '',
  relayProtocol: '',
});
const pair = (id: string, changes: Partial<IcePairReport> = {}): IcePairReport => ({
  id,
  local: candidate('host', '127.0.0.1', 1),
  remote: candidate('host', '127.0.0.1', 2),
  state: 'waiting',
  nominated: false,
  selected: false,
  priority: 1,
  roundTripTime: null,
  requestsSent: 0,
  responsesReceived: 0,
  consentRequestsSent: null,
  packetsSent: 0,
  packetsReceived: 0,
  bytesSent: 0,
  bytesReceived: 0,
  ...changes,
});
const report = (...pairs: readonly IcePairReport[]): IceReport => ({
  local: [],
  remote: [],
  pairs,
  selected: pairs.find(({ selected }) => selected) ?? null,
});

describe('the time line of pairs', () => {
  it('keeps each state with its times, and the pair in use first', () => {
    const line = new PairTimeline();
    line.add(0, report(pair('a'), pair('b', { priority: 2 }), pair('c')));
    line.add(50, report(pair('a', { state: 'in-progress' }), pair('b'), pair('c')));
    line.add(100, report(pair('a', { state: 'in-progress' }), pair('b'), pair('c')));
    const inUse = { state: 'succeeded', nominated: true, selected: true };
    line.add(150, report(pair('a', { state: 'failed' }), pair('b'), pair('c', inUse)));
    expect(line.lives.map(({ pair: { id }, tried }) => `${id} ${tried}`)).toEqual([
      'c true',
      'a true',
      'b false',
    ]);
    const a = line.lives.find((life) => life.pair.id === 'a')!;
    expect(a.spans.map(({ state, fromMs, toMs }) => `${state} ${fromMs} ${toMs}`)).toEqual([
      'waiting 0 50',
      'in-progress 50 150',
      'failed 150 150',
    ]);
    expect(line.selected!.pair.id).toBe('c');
    expect(line.lastChangeMs).toBe(150);
  });

  it('follows a restart: the old pair stays until the browser drops it', () => {
    const line = new PairTimeline();
    const inUse = { state: 'succeeded', nominated: true, selected: true };
    line.add(0, report(pair('old', inUse)));
    line.add(50, report(pair('old', { ...inUse, selected: false }), pair('new', inUse)));
    expect(line.selected!.pair.id).toBe('new');
    line.add(100, report(pair('new', inUse)));
    expect(line.lives.find(({ pair: { id } }) => id === 'old')!.gone).toBe(true);
    expect(line.lastChangeMs).toBe(100);
    line.add(150, report(pair('new', inUse)));
    expect(line.lastChangeMs).toBe(100);
  });

  it('names candidates by type and place, and reads the user fragment of a description', () => {
    expect(candidateText(candidate('srflx', '198.51.100.1', 7))).toBe('srflx 198.51.100.1:7');
    expect(candidateText({ ...candidate('host', '::1', 9), protocol: 'tcp' })).toBe(
      'host [::1]:9 tcp',
    );
    expect(candidateText(candidate('prflx', '', 7))).toBe('prflx hidden:7');
    expect(ufragIn('v=0\r\na=ice-ufrag:Ol/Y\r\na=ice-pwd:x\r\n')).toBe('Ol/Y');
    expect(ufragIn('v=0\r\n')).toBe('');
  });
});

describe('the consent of a call', () => {
  const used = (changes: Partial<IcePairReport>) =>
    report(pair('P', { selected: true, ...changes }));

  it('is followed from one report to the next, for the pair in use', () => {
    const watch = new ConsentWatch();
    expect(watch.add(0, report(pair('P')))).toBeNull();
    const first = used({ requestsSent: 3, responsesReceived: 2, consentRequestsSent: 1 });
    expect(watch.add(1000, first)).toEqual({
      requestsSent: 3,
      consentRequestsSent: 1,
      responsesReceived: 2,
      answerAgeMs: null,
    });
    const next = used({ requestsSent: 4, responsesReceived: 3, consentRequestsSent: 2 });
    expect(watch.add(2000, next)!.answerAgeMs).toBe(0);
    expect(watch.add(6500, next)!.answerAgeMs).toBe(4500);
    // After a restart another pair is in use.
    expect(watch.add(7000, report(pair('Q', { selected: true })))!.answerAgeMs).toBeNull();
  });

  it('is described in words, with the counts of the browser', () => {
    const consent = { requestsSent: 1200, consentRequestsSent: 1199, responsesReceived: 1198 };
    expect(consentWords({ ...consent, answerAgeMs: 2600 })).toBe(
      'Checks sent on the pair in use: 1,200, 1,199 of them for consent alone; answered: 1,198. The last answer came 3 s ago. ' +
        'Each answer is the other side’s consent to receive packets, for 30 s at most (RFC 7675).',
    );
    const words = consentWords({ ...consent, consentRequestsSent: null, answerAgeMs: null });
    expect(words).not.toMatch(/alone|ago/);
    const uncounted = { ...consent, requestsSent: 0, consentRequestsSent: null, answerAgeMs: 0 };
    expect(consentWords(uncounted)).toMatch(
      /does not count the checks .*; answered: 1,198\. The last/,
    );
  });
});
