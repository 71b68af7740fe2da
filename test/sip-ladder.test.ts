import { describe, expect, it } from 'vitest';
import { PacketError } from '../src/core/errors.ts';
import { SipLadder } from '../src/core/sip/sip-ladder.ts';
import { sipLadderSvg, sipLadderText } from '../src/core/sip/sip-ladder-drawing.ts';
import { CALL_FLOWS, sipText } from './helpers/sip-flows.ts';

function ladderOf(name: string): SipLadder {
  const ladder = new SipLadder();
  for (const step of CALL_FLOWS[name]!()) ladder.add(step);
  return ladder;
}

/** The transactions in short: method, status, state. */
const shortly = (ladder: SipLadder): string[] =>
  ladder.transactions.map(({ method, status, state }) => `${method} ${status} ${state}`);
const dialogs = (ladder: SipLadder): string[] =>
  ladder.dialogs.map(({ state, reason }) => `${state}: ${reason}`);

describe('a ladder of a call that is', () => {
  it('answered pairs INVITE, answer and ACK, and marks the answer that was repeated', () => {
    const ladder = ladderOf('answered');
    expect(shortly(ladder)).toEqual(['INVITE 200 confirmed', 'BYE 200 completed']);
    const [invite, bye] = ladder.transactions;
    expect(invite).toMatchObject({
      from: 'alice',
      to: 'proxy',
      startMs: 0,
      endMs: 30,
      retransmissions: 1,
      entries: [0, 1, 2, 3, 4, 5],
      isReinvite: false,
      cancelledBy: null,
    });
    expect(bye).toMatchObject({ from: 'proxy', to: 'alice', entries: [6, 7] });
    expect(ladder.entries.map(({ isRetransmission }) => isRetransmission)).toEqual(
      [0, 1, 2, 3, 4, 5, 6, 7].map((index) => index === 4),
    );
    expect(ladder.dialogs).toMatchObject([
      {
        callerTag: '9fxced76sl',
        calleeTag: '314159',
        caller: 'sip:alice@atlanta.example.com',
        callee: 'sip:bob@biloxi.example.com',
        state: 'terminated',
        earlyMs: 20,
        confirmedMs: 30,
        endMs: 60,
        reason: 'BYE from proxy',
      },
    ]);
    // The request that begins it, and 100 Trying, have no tag of Bob's.
    expect(ladder.entries.map(({ dialog }) => dialog)).toEqual([null, null, 0, 0, 0, 0, 0, 0]);
    expect(sipLadderText(ladder.entries)).toMatchInlineSnapshot(`
      "           alice                             proxy
            0 ms   |---------- INVITE +SDP --------->|
           10 ms   |<----- 100 Trying (INVITE) ------|
           20 ms   |<---- 180 Ringing (INVITE) ------|
           30 ms   |<---- 200 OK (INVITE) +SDP ------|
           40 ms   |<- 200 OK (INVITE) +SDP again ---|
           50 ms   |-------------- ACK ------------->|
           60 ms   |<------------- BYE --------------|
           70 ms   |--------- 200 OK (BYE) --------->|"
    `);
  });

  it('cancelled links CANCEL and INVITE, each with its own answer', () => {
    const ladder = ladderOf('cancelled');
    expect(shortly(ladder)).toEqual(['INVITE 487 confirmed', 'CANCEL 200 completed']);
    const [invite, cancel] = ladder.transactions;
    expect(invite!.cancelledBy).toBe(cancel!.id);
    expect(cancel!.cancels).toBe(invite!.id);
    expect(cancel!.branch).toBe(invite!.branch);
    expect(dialogs(ladder)).toEqual(['terminated: 487 Request Terminated']);
    expect(ladder.dialogs[0]!.confirmedMs).toBeNull();
  });

  it.each([
    ['busy', 486],
    ['declined', 603],
    ['not found', 404],
  ])('%s has one transaction with its status, and no dialog', (name, status) => {
    const ladder = ladderOf(name);
    expect(shortly(ladder)).toEqual([`INVITE ${status} confirmed`]);
    // The ACK of a failure is part of the transaction (RFC 3261 §17.1.1.3).
    expect(ladder.transactions[0]!.entries).toEqual([0, 1, 2, 3]);
    expect(ladder.dialogs).toEqual([]);
  });

  it('challenged links the second INVITE with the first', () => {
    const ladder = ladderOf('challenged');
    expect(shortly(ladder)).toEqual([
      'INVITE 407 confirmed',
      'INVITE 200 confirmed',
      'BYE 200 completed',
    ]);
    expect(ladder.transactions.map(({ retryOf }) => retryOf)).toEqual([null, 0, null]);
    expect(ladder.entries[3]!.label).toBe('INVITE +auth +SDP');
    expect(dialogs(ladder)).toEqual(['terminated: BYE from proxy']);
  });

  it('put on hold shows re-INVITE and direction, in the same dialog', () => {
    const ladder = ladderOf('held');
    expect(ladder.transactions.map(({ isReinvite }) => isReinvite)).toEqual([false, true, false]);
    expect(ladder.entries.map(({ label }) => label).slice(5, 8)).toEqual([
      're-INVITE +SDP sendonly',
      '200 OK (INVITE) +SDP recvonly',
      'ACK',
    ]);
    // The first ACK belongs to the first INVITE, the second to the second.
    expect(ladder.entries.map(({ transaction }) => transaction)).toEqual([
      0, 0, 0, 0, 0, 1, 1, 1, 2, 2,
    ]);
    expect(ladder.dialogs.length).toBe(1);
  });

  it('answered with early audio links PRACK and INVITE', () => {
    const ladder = ladderOf('early audio');
    expect(shortly(ladder)).toEqual([
      'INVITE 200 confirmed',
      'PRACK 200 completed',
      'BYE 200 completed',
    ]);
    expect(ladder.transactions[1]!.acknowledges).toBe(0);
    expect(ladder.dialogs).toMatchObject([{ earlyMs: 10, confirmedMs: 40, state: 'terminated' }]);
    expect(ladder.entries[1]!.label).toBe('183 Session Progress (INVITE) +SDP');
  });
});

describe('SipLadder', () => {
  it('separates the hops of one call, and joins their dialog', () => {
    const ladder = new SipLadder();
    for (const step of CALL_FLOWS['answered']!()) {
      ladder.add(step);
      // What the proxy passes on has a Via more.
      const proxyVia = 'Via: SIP/2.0/UDP proxy.example.com;branch=z9hG4bKp\r\nVia: ';
      const data = step.data.replace('Via: ', proxyVia);
      const isOut = step.from === 'alice';
      const hop = isOut ? { from: 'proxy', to: 'bob' } : { from: 'bob', to: 'proxy' };
      ladder.add({ ...hop, atMs: step.atMs, data });
    }
    expect(ladder.transactions.map(({ method, from, to }) => `${method} ${from} ${to}`)).toEqual([
      'INVITE alice proxy',
      'INVITE proxy bob',
      'BYE proxy alice',
      'BYE bob proxy',
    ]);
    expect(ladder.dialogs.length).toBe(1);
  });

  it('follows each telephone of a call that was forked', () => {
    const ladder = new SipLadder();
    const [invite] = CALL_FLOWS['answered']!();
    ladder.add(invite!);
    const answer = (atMs: number, line: string, tag: string) =>
      ladder.add({
        atMs,
        from: 'proxy',
        to: 'alice',
        data: sipText([
          `SIP/2.0 ${line}`,
          'Via: SIP/2.0/UDP client.atlanta.example.com:5060;branch=z9hG4bK74bf9',
          'From: Alice <sip:alice@atlanta.example.com>;tag=9fxced76sl',
          `To: <sip:bob@biloxi.example.com>;tag=${tag}`,
          'Call-ID: 2xTb9vxSit55XU7p8@atlanta.example.com',
          'CSeq: 1 INVITE',
        ]),
      });
    answer(10, '180 Ringing', 'desk');
    answer(20, '180 Ringing', 'mobile');
    answer(30, '200 OK', 'mobile');
    expect(ladder.dialogs.map(({ calleeTag, state }) => `${calleeTag} ${state}`)).toEqual([
      'desk early',
      'mobile confirmed',
    ]);
  });

  it('pairs messages of RFC 2543, which have no branch', () => {
    const ladder = new SipLadder();
    for (const step of CALL_FLOWS['busy']!()) {
      ladder.add({ ...step, data: step.data.replace(/;branch=\w+/, '') });
    }
    expect(shortly(ladder)).toEqual(['INVITE 486 confirmed']);
  });

  it('ends a dialog that the other side no longer knows', () => {
    const ladder = new SipLadder();
    const steps = CALL_FLOWS['held']!().slice(0, 7);
    for (const step of steps) {
      ladder.add({
        ...step,
        data: step.data.replace(/^SIP\/2.0 200 OK(?=[^]*CSeq: 2)/, 'SIP/2.0 481 Gone'),
      });
    }
    expect(dialogs(ladder)).toEqual(['terminated: 481 Gone']);
  });

  it('finds no dialog in a registration, and keeps one whose change is refused', () => {
    const ladder = new SipLadder();
    const register = [
      'Via: SIP/2.0/UDP h;branch=z9hG4bKr1',
      'From: <sip:a@b>;tag=1',
      'Call-ID: r1',
      'CSeq: 1 REGISTER',
    ];
    const hop = { from: 'alice', to: 'proxy' };
    ladder.add({
      ...hop,
      atMs: 0,
      data: sipText(['REGISTER sip:b SIP/2.0', ...register, 'To: <sip:a@b>']),
    });
    const back = { from: 'proxy', to: 'alice' };
    ladder.add({
      ...back,
      atMs: 0,
      data: sipText(['SIP/2.0 200 OK', ...register, 'To: <sip:a@b>;tag=2']),
    });
    expect(ladder.dialogs).toEqual([]);
    for (const step of CALL_FLOWS['held']!().slice(0, 7)) {
      const data = step.data.replace(/^SIP\/2.0 200 OK(?=[^]*CSeq: 2)/, 'SIP/2.0 491 Pending');
      ladder.add({ ...step, data });
    }
    expect(ladder.dialogs.map(({ state }) => state)).toEqual(['confirmed']);
    // The time of the answer does not change any more.
    expect(ladder.dialogs[0]!.confirmedMs).toBe(30);
  });

  it('ignores keep-alives, and does not change when any other data arrives', () => {
    const ladder = ladderOf('busy');
    const before = [ladder.entries, ladder.transactions, ladder.dialogs];
    const hop = { from: 'proxy', to: 'alice', atMs: 1000 };
    expect(ladder.add({ ...hop, data: '\r\n\r\n' })).toBeNull();
    expect(ladder.add({ ...hop, data: Uint8Array.of(13, 10) })).toBeNull();
    expect(() => ladder.add({ ...hop, data: 'HTTP/1.1 200 OK\r\n\r\n' })).toThrow(PacketError);
    expect([ladder.entries, ladder.transactions, ladder.dialogs]).toEqual(before);
    // Its time did not count.
    expect(() => ladder.add({ ...CALL_FLOWS['busy']!()[0]!, atMs: 40 })).not.toThrow();
  });

  it('is bounded, and forgets transactions and dialogs with their messages', () => {
    const ladder = new SipLadder({ maxMessages: 20 });
    for (let call = 0; call < 100; call++) {
      for (const { data, atMs, ...hop } of CALL_FLOWS['answered']!()) {
        const own = data.replaceAll('2xTb9vxSit55XU7p8', `call${call}`);
        ladder.add({
          ...hop,
          atMs: call * 1000 + atMs,
          data: own.replaceAll('bK74', `bK${call}x`),
        });
      }
    }
    expect(ladder.entries.length).toBe(20);
    expect(ladder.dropped).toBe(780);
    expect(ladder.entries[0]!.index).toBe(780);
    expect(ladder.dialogs.length).toBe(3);
    const kept = ladder.transactions.flatMap(({ entries }) => entries);
    expect(kept.toSorted((a, b) => a - b)).toEqual(ladder.entries.map(({ index }) => index));
    ladder.clear();
    expect([ladder.entries, ladder.transactions, ladder.dialogs]).toEqual([[], [], []]);
    expect(ladder.dropped).toBe(800);
  });

  it('is bounded in characters too, but keeps at least the latest message', () => {
    const steps = CALL_FLOWS['answered']!();
    const ladder = new SipLadder({ maxCharacters: 1000 });
    for (const step of steps) ladder.add(step);
    const characters = ladder.entries.reduce((sum, { message }) => sum + message.text.length, 0);
    expect(characters).toBeLessThanOrEqual(1000);
    expect(ladder.entries.length).toBeGreaterThan(1);
    const least = new SipLadder({ maxCharacters: 1 });
    for (const step of steps) least.add(step);
    expect(least.entries.length).toBe(1);
  });

  it('refuses wrong times and names', () => {
    const ladder = new SipLadder();
    const [step] = CALL_FLOWS['busy']!();
    ladder.add({ ...step!, atMs: 5 });
    expect(() => ladder.add({ ...step!, atMs: 4 })).toThrow(RangeError);
    expect(() => ladder.add({ ...step!, atMs: NaN })).toThrow(RangeError);
    expect(() => ladder.add({ ...step!, atMs: 6, from: '' })).toThrow(TypeError);
    expect(() => new SipLadder({ maxMessages: 0 })).toThrow(RangeError);
  });
});

describe('the drawings', () => {
  const hostile = () => {
    const ladder = new SipLadder();
    const [step] = CALL_FLOWS['busy']!();
    ladder.add({ ...step!, from: '<script>alert(1)</script>' });
    ladder.add({
      atMs: 1,
      from: 'proxy',
      to: '<script>alert(1)</script>',
      data: CALL_FLOWS['busy']!()[2]!.data.replace(
        'Busy Here',
        '\u0007<b a="1">&\'\u202e\u001b[2J' + 'x'.repeat(200),
      ),
    });
    return ladder.entries;
  };

  it('escape the text of a sender', () => {
    const svg = sipLadderSvg(hostile(), { title: 'A & B' });
    expect(svg).not.toMatch(/<script|<b /);
    expect(svg).toContain('&lt;script&gt;');
    expect(svg).toContain('>A &amp; B</title>');
    // oxlint-disable-next-line no-control-regex
    expect(svg).not.toMatch(/[\u0000-\u001f\u202e]/);
    const text = sipLadderText(hostile());
    // oxlint-disable-next-line no-control-regex
    expect(text.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u202e]/);
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(120);
  });

  it('describe each message to screen readers', () => {
    const svg = sipLadderSvg(ladderOf('answered').entries, { id: 'mine' });
    expect(svg).toContain('role="img" aria-labelledby="mine-title mine-desc"');
    expect(svg).toContain('<title id="mine-title">SIP ladder</title>');
    expect(svg).toContain('8 messages between alice, proxy.');
    expect(svg).toContain('40 ms, proxy to alice: 200 OK (INVITE) +SDP, sent again.');
    expect(svg.match(/<polygon/g)!.length).toBe(8);
    expect(svg.match(/stroke-dasharray/g)!.length).toBe(1);
    expect(() => sipLadderSvg([], { id: '"' })).toThrow(TypeError);
  });

  it('draw an empty ladder, and one with many participants', () => {
    expect(sipLadderText([])).toBe('');
    expect(sipLadderSvg([])).toMatch(/^<svg .*<\/svg>$/);
    const ladder = new SipLadder();
    const [step] = CALL_FLOWS['busy']!();
    for (let i = 0; i < 40; i++) ladder.add({ ...step!, from: `a${i}`, to: `b${i}` });
    expect(sipLadderSvg(ladder.entries).match(/<polygon/g)!.length).toBeGreaterThan(5);
    expect(sipLadderText(ladder.entries).split('\n').length).toBe(41);
  });
});

describe('a label that is cut', () => {
  it('never ends with half a character', () => {
    const step = { atMs: 0, to: 'bob' };
    const { data } = CALL_FLOWS['answered']!()[0]!;
    for (let length = 30; length < 50; length++) {
      const ladder = new SipLadder();
      const from = `${'x'.repeat(length)}${'😀'.repeat(7)}`;
      ladder.add({ ...step, from, data });
      const { entries } = ladder;
      const label = `${'x'.repeat(length + 20)}${'😀'.repeat(10)}`;
      const drawings = [
        sipLadderText(entries),
        sipLadderSvg(entries),
        sipLadderText([{ ...entries[0]!, label }]),
      ];
      for (const drawing of drawings) expect(drawing).not.toMatch(/\p{Cs}/u);
      expect(drawings[0]).toContain('…');
    }
  });
});
