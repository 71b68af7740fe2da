import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MicwireError } from '../src/core/errors.ts';
import { GRACE_MS } from '../src/core/patience.ts';
import type { CallRole, SignalMessage } from '../src/core/webrtc/signal-message.ts';
import type { CallOptions } from '../src/web/webrtc/call-options.ts';
import { Call } from '../src/web/webrtc/call.ts';
import { dumpForImporter } from '../src/web/webrtc/dump.ts';
import { memorySignalling } from '../src/web/webrtc/signalling.ts';
import { TypedEventTarget } from '../src/web/typed-event-target.ts';
import type {
  Signalling,
  SignallingEventMap,
  SignallingState,
} from '../src/web/webrtc/signalling.ts';
import { FakePeerConnection, stubPeerConnection } from './helpers/fake-peer-connection.ts';

// Real calls are in test/browser/call.test.ts.

/** A signalling whose other side is the test. */
class FakeSignalling extends TypedEventTarget<SignallingEventMap> implements Signalling {
  state: SignallingState = 'waiting';
  role: CallRole | null = null;
  error: Error | null = null;
  readonly sent: SignalMessage[] = [];

  send(message: SignalMessage): void {
    if (this.state === 'ready') this.sent.push(message);
  }

  async close(): Promise<void> {
    this.become('closed');
  }

  arrive(data: SignalMessage): void {
    this.dispatchEvent(new MessageEvent('message', { data }));
  }

  ready(role: CallRole): void {
    this.role = role;
    this.become('ready');
  }

  become(state: SignallingState): void {
    this.state = state;
    this.dispatchEvent(new Event('statechange'));
  }
}

const calls: Call[] = [];
function open(
  options: CallOptions = { receive: false },
): [Call, FakeSignalling, FakePeerConnection] {
  const signalling = new FakeSignalling();
  const call = Call.create(signalling, options);
  calls.push(call);
  return [call, signalling, FakePeerConnection.made.at(-1)!];
}

afterEach(() => {
  for (const call of calls.splice(0)) void call.close();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe('Call without WebRTC', () => {
  it('throws an error that names the cure', () => {
    const [signalling] = memorySignalling();
    const make = () => Call.create(signalling);
    expect(make).toThrow(expect.objectContaining({ code: 'unsupported' }));
    expect(make).toThrow('WebSocketTransport');
  });
});

describe('Call', () => {
  beforeEach(stubPeerConnection);

  it.each<[string, CallOptions]>([
    ['a policy', { iceTransportPolicy: 'none' as 'all' }],
    ['a bitrate', { opus: { bitrate: 1 } }],
    ['a jitter buffer target', { jitterBufferTarget: 4001 }],
    ['a timeout', { connectTimeoutMs: 0 }],
    ['a time for another path', { recoverTimeoutMs: -1 }],
    ['an interval', { historyIntervalMs: 5 }],
    ['a length', { historyLength: 0 }],
  ])('refuses %s that is invalid, and makes no connection', (_name, options) => {
    expect(() => open(options)).toThrow(/must/);
    expect(FakePeerConnection.made).toEqual([]);
  });

  it('sends its offer before the candidates that were found meanwhile', async () => {
    const [call, signalling, connection] = open();
    void call.connect().catch(() => {});
    expect(signalling.sent).toEqual([]);
    signalling.ready('caller');
    await expect.poll(() => signalling.sent.length).toBe(2);
    connection.find('candidate:late');
    expect(signalling.sent).toEqual([
      { type: 'describe', kind: 'offer', sdp: 'v=0 offer' },
      { type: 'candidate', candidate: 'candidate:early-offer', mid: '0', index: 0 },
      { type: 'candidate', candidate: 'candidate:late', mid: '0', index: 0 },
    ]);
    expect(call.role).toBe('caller');
  });

  it('answers an offer, adds candidates in order, and continues after a bad one', async () => {
    const [call, signalling, connection] = open();
    void call.connect().catch(() => {});
    signalling.ready('callee');
    connection.failures.set('addIceCandidate', new Error('no candidate'));
    signalling.arrive({ type: 'describe', kind: 'offer', sdp: 'v=0 theirs' });
    for (const candidate of ['candidate:bad', 'candidate:good']) {
      signalling.arrive({ type: 'candidate', candidate, mid: '0', index: 0 });
    }
    await expect
      .poll(() => connection.calls)
      .toEqual(['remote offer: v=0 theirs', 'local answer', 'add candidate:good']);
    expect(signalling.sent.map(({ type }) => type)).toEqual(['describe', 'candidate']);
    expect([call.offer, call.answer]).toEqual(['v=0 theirs', 'v=0 answer']);
    const ice = call.steps.find(({ name }) => name === 'ice')!;
    expect(ice.moments.map(({ text }) => text)).toContain('candidate refused: no candidate');
  });

  it('is connected once the DTLS transport and the data channels are open', async () => {
    const [call, signalling, connection] = open();
    const channel = call.createDataChannel() as unknown as EventTarget & { readyState: string };
    call.createDataChannel({ reliable: true, label: 'text' });
    expect(connection.calls).toEqual([
      'channel data {"negotiated":true,"id":0,"ordered":false,"maxRetransmits":0}',
      'channel text {"negotiated":true,"id":1}',
    ]);
    const states: string[] = [];
    call.addEventListener('statechange', () => states.push(call.state));
    const connected = call.connect();
    signalling.ready('caller');
    connection.become('connected');
    expect(call.state).toBe('connecting');
    expect(() => call.createDataChannel()).toThrow(MicwireError);
    channel.readyState = 'open';
    channel.dispatchEvent(new Event('open'));
    expect(call.state).toBe('connecting');
    connection.become('connected');
    void call.close();
    await expect(connected).rejects.toMatchObject({ code: 'closed' });
    expect(states).toEqual(['connecting', 'closed']);
  });

  it('fails with the reason of the signalling', async () => {
    const [call, signalling] = open();
    const errors: string[] = [];
    call.addEventListener('error', ({ detail }) => errors.push(detail.message));
    const connected = call.connect();
    signalling.error = new Error('Two are in the room already.');
    signalling.become('closed');
    await expect(connected).rejects.toThrow('Two are in the room already.');
    expect(errors).toEqual(['Two are in the room already.']);
    expect(call.steps.map(({ state }) => state)).toEqual([
      'done',
      'failed',
      'skipped',
      'skipped',
      'skipped',
      'done',
    ]);
  });

  it('names the step it had reached when it takes too long', async () => {
    vi.useFakeTimers();
    const [call, signalling] = open({ connectTimeoutMs: 500, receive: false });
    const connected = call.connect();
    signalling.ready('callee');
    vi.advanceTimersByTime(499);
    expect(call.state).toBe('connecting');
    vi.advanceTimersByTime(1 + GRACE_MS);
    await expect(connected).rejects.toThrow('not connected within 500 ms; it was at: signal.');
  });

  it('connects if it took too long only because the page was busy', async () => {
    vi.useFakeTimers();
    const [call, signalling, connection] = open({ connectTimeoutMs: 500, receive: false });
    const connected = call.connect();
    signalling.ready('caller');
    vi.advanceTimersByTime(500);
    connection.become('connected');
    await connected;
    vi.advanceTimersByTime(GRACE_MS);
    expect(call.state).toBe('connected');
  });

  it('continues when the signalling is cut while it is connected', async () => {
    const [call, signalling, connection] = open();
    const connected = call.connect();
    signalling.ready('caller');
    connection.become('connected');
    await connected;
    signalling.become('closed');
    expect(call.state).toBe('connected');
    connection.become('failed');
    expect(call.state).toBe('closed');
  });

  it('sends a bye to the other side when it hangs up, once', async () => {
    const [call, signalling, connection] = open();
    void call.connect().catch(() => {});
    signalling.ready('caller');
    void call.close();
    void call.close();
    expect(signalling.sent).toEqual([{ type: 'bye', reason: '' }]);
    expect(connection.calls).toEqual(['close']);
    expect(() => call.createSource(null as never)).toThrow(
      expect.objectContaining({ code: 'no-audio' }),
    );
    await expect(call.stats()).rejects.toMatchObject({ code: 'closed' });
  });

  it('rejects pending calls of a connection that never answers, once it is closed', async () => {
    const [call, , connection] = open();
    connection.getStats = () => new Promise(() => {});
    const asked = [call.stats(), call.ice(), call.connect()];
    void call.close();
    for (const promise of asked) await expect(promise).rejects.toMatchObject({ code: 'closed' });
  });

  it('says that the browser returns no statistics', async () => {
    const [call, , connection] = open();
    connection.getStats = () => Promise.reject(new DOMException('no', 'InvalidStateError'));
    await expect(call.stats()).rejects.toMatchObject({ name: 'MicwireError', code: 'transport' });
  });

  it('leaves passwords of servers out of the dump', () => {
    const [call] = open({
      iceServers: [{ urls: 'turn:lab.example', username: 'me', credential: 'secret' }],
    });
    expect(dumpForImporter([call])).not.toContain('secret');
  });
});

describe('a restart of ICE', () => {
  beforeEach(() => {
    stubPeerConnection();
    vi.useFakeTimers();
  });

  /** A call that is connected. @param meanwhile what comes before it is */
  async function connected(
    role: CallRole,
    options: CallOptions = {},
    meanwhile: (signalling: FakeSignalling) => void = () => {},
  ): Promise<[Call, FakeSignalling, FakePeerConnection]> {
    const [call, signalling, connection] = open({ receive: false, ...options });
    const done = call.connect();
    signalling.ready(role);
    if (role === 'callee') signalling.arrive({ type: 'describe', kind: 'offer', sdp: 'v=0 first' });
    await vi.advanceTimersByTimeAsync(0);
    if (role === 'caller') signalling.arrive({ type: 'describe', kind: 'answer', sdp: 'v=0 yes' });
    await vi.advanceTimersByTimeAsync(0);
    meanwhile(signalling);
    await vi.advanceTimersByTimeAsync(0);
    connection.iceBecome('connected');
    connection.become('connected');
    await done;
    signalling.sent.length = 0;
    connection.calls.length = 0;
    return [call, signalling, connection];
  }

  const types = ({ sent }: FakeSignalling) =>
    sent.map((message) => (message.type === 'describe' ? message.sdp : message.type));
  let answers = 0;
  /** Each with words of its own: an answer to a restart has new user fragments. */
  const answer = (sdp = `v=0 agreed ${++answers}`): SignalMessage => ({
    type: 'describe',
    kind: 'answer',
    sdp,
  });
  const offer = (sdp: string): SignalMessage => ({ type: 'describe', kind: 'offer', sdp });
  const iceMoments = (call: Call): readonly string[] =>
    call.steps.find(({ name }) => name === 'ice')!.moments.map(({ text }) => text);

  it('of the caller is an offer, then the candidates found for it; it resolves with the answer', async () => {
    const [call, signalling, connection] = await connected('caller');
    let isDone = false;
    const restart = call.restartIce().then(() => (isDone = true));
    const again = call.restartIce();
    await vi.advanceTimersByTimeAsync(0);
    expect(types(signalling)).toEqual(['v=0 restart 1', 'candidate']);
    expect(isDone).toBe(false);
    signalling.arrive(answer('v=0 agreed'));
    await Promise.all([restart, again]);
    expect(connection.calls).toEqual(['local v=0 restart 1', 'remote answer: v=0 agreed']);
    expect([call.state, call.offer, call.answer]).toEqual([
      'connected',
      'v=0 restart 1',
      'v=0 agreed',
    ]);
    signalling.arrive(answer('v=0 twice'));
    await vi.advanceTimersByTimeAsync(0);
    expect(call.answer).toBe('v=0 agreed');
  });

  it('of the callee is a request, which is resolved by the caller’s offer', async () => {
    const [call, signalling, connection] = await connected('callee');
    const restart = call.restartIce();
    expect(types(signalling)).toEqual(['restart']);
    signalling.arrive(offer('v=0 restart 1'));
    await restart;
    expect(connection.calls).toEqual(['remote offer: v=0 restart 1', 'local answer']);
    expect(types(signalling)).toEqual(['restart', 'v=0 answer', 'candidate']);
  });

  it('is started at the callee’s request, unless an offer has crossed the request', async () => {
    const [, signalling, connection] = await connected('caller');
    signalling.arrive({ type: 'restart' });
    await vi.advanceTimersByTimeAsync(0);
    expect(connection.restarts).toBe(1);
    signalling.arrive({ type: 'restart' });
    await vi.advanceTimersByTimeAsync(0);
    signalling.arrive(answer());
    await vi.advanceTimersByTimeAsync(20_000);
    expect(connection.restarts).toBe(1);
    // A peer that asks without end gets one every two seconds.
    for (let i = 0; i < 95; i++) {
      signalling.arrive({ type: 'restart' });
      await vi.advanceTimersByTimeAsync(100);
      if (connection.restarts > 1) signalling.arrive(answer());
    }
    expect(connection.restarts).toBe(1 + 5);
  });

  it('starts by itself when the path is lost, repeatedly, and the call fails in the end', async () => {
    const [call, signalling, connection] = await connected('caller', { recoverTimeoutMs: 20_000 });
    const states: string[] = [];
    call.addEventListener('statechange', () => states.push(call.state));
    const errors: string[] = [];
    call.addEventListener('error', ({ detail }) => errors.push(detail.message));
    await vi.advanceTimersByTimeAsync(15_000);
    connection.iceBecome('disconnected');
    expect(call.state).toBe('reconnecting');
    await vi.advanceTimersByTimeAsync(0);
    expect(connection.restarts).toBe(1);
    signalling.arrive(answer());
    await vi.advanceTimersByTimeAsync(1900);
    connection.iceBecome('failed');
    connection.become('failed');
    expect([call.state, connection.restarts]).toEqual(['reconnecting', 1]);
    await vi.advanceTimersByTimeAsync(200);
    expect(connection.restarts).toBe(2);
    // Without an answer no further offer is made.
    await vi.advanceTimersByTimeAsync(10_000);
    expect(connection.restarts).toBe(2);
    signalling.arrive(answer());
    await vi.advanceTimersByTimeAsync(7800);
    expect(call.state).toBe('reconnecting');
    await vi.advanceTimersByTimeAsync(200);
    expect(states).toEqual(['reconnecting', 'closed']);
    expect(errors).toEqual([
      'The path to the other side was lost, and none was found within 20000 ms. Call again; a longer recoverTimeoutMs waits longer.',
    ]);
    expect(iceMoments(call)).toContain('ICE restarts: the path was lost');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ends when the path works again', async () => {
    const [call, signalling, connection] = await connected('callee');
    connection.iceBecome('disconnected');
    await vi.advanceTimersByTimeAsync(0);
    expect(types(signalling)).toEqual(['restart']);
    connection.iceBecome('connected');
    expect(call.state).toBe('connected');
    expect(iceMoments(call)).toContain('the path works again');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(types(signalling)).toEqual(['restart']);
  });

  it('starts when the machine is online again, or has another network', async () => {
    const network = Object.assign(new EventTarget(), { type: 'wifi' });
    const page = new EventTarget();
    vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
    vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page));
    vi.stubGlobal('navigator', { connection: network });
    const [call, signalling, connection] = await connected('caller');
    const after = async (event: () => void): Promise<number> => {
      event();
      await vi.advanceTimersByTimeAsync(3000);
      signalling.arrive(answer());
      await vi.advanceTimersByTimeAsync(0);
      return connection.restarts;
    };
    expect(await after(() => page.dispatchEvent(new Event('online')))).toBe(1);
    // An estimate has changed.
    expect(await after(() => network.dispatchEvent(new Event('change')))).toBe(1);
    network.type = 'cellular';
    expect(await after(() => network.dispatchEvent(new Event('change')))).toBe(2);
    network.type = 'none';
    expect(await after(() => network.dispatchEvent(new Event('change')))).toBe(2);
    void call.close();
    expect(await after(() => page.dispatchEvent(new Event('online')))).toBe(2);
  });

  it('waits for signalling that is reconnecting', async () => {
    const [call, signalling, connection] = await connected('caller');
    signalling.become('connecting');
    connection.iceBecome('disconnected');
    await vi.advanceTimersByTimeAsync(2000);
    connection.iceBecome('failed');
    connection.become('failed');
    await vi.advanceTimersByTimeAsync(2000);
    expect([call.state, connection.restarts]).toEqual(['reconnecting', 0]);
    signalling.become('ready');
    expect(types(signalling)).toEqual(['candidate']);
    await vi.advanceTimersByTimeAsync(2000);
    expect(connection.restarts).toBe(1);
    expect(types(signalling)).toEqual(['candidate', 'v=0 restart 1', 'candidate']);
  });

  it('waits for the signalling at most recoverTimeoutMs', async () => {
    const [call, signalling, connection] = await connected('callee', { recoverTimeoutMs: 5000 });
    signalling.become('connecting');
    connection.iceBecome('failed');
    connection.become('failed');
    await vi.advanceTimersByTimeAsync(4999);
    expect(call.state).toBe('reconnecting');
    await vi.advanceTimersByTimeAsync(1);
    expect(call.state).toBe('closed');
  });

  it('starts once the caller is connected, if the callee has requested it before', async () => {
    const [call, , connection] = await connected('caller', {}, (signalling) =>
      signalling.arrive({ type: 'restart' }),
    );
    await vi.advanceTimersByTimeAsync(0);
    expect(connection.restarts).toBe(1);
    expect(iceMoments(call)).toContain('ICE restarts: the other side asks for it');
  });

  describe('over signalling that loses messages', () => {
    it.each<[string, (signalling: FakeSignalling) => Promise<void>]>([
      [
        'was away when it was made',
        async (signalling) => {
          signalling.become('connecting');
          await vi.advanceTimersByTimeAsync(500);
          expect(signalling.sent).toEqual([]);
        },
      ],
      [
        'lost it and was away after that',
        async (signalling) => {
          await vi.advanceTimersByTimeAsync(500);
          signalling.sent.length = 0;
          signalling.become('connecting');
        },
      ],
    ])(
      'sends the caller’s offer again, with its candidates, when the signalling %s',
      async (_name, lose) => {
        const [call, signalling, connection] = await connected('caller');
        const restart = call.restartIce();
        await lose(signalling);
        connection.find('candidate:late');
        signalling.become('ready');
        await vi.advanceTimersByTimeAsync(0);
        expect(types(signalling)).toEqual(['v=0 restart 1', 'candidate', 'candidate']);
        expect(signalling.sent[2]).toMatchObject({ candidate: 'candidate:late' });
        signalling.arrive(answer());
        await restart;
        expect(connection.restarts).toBe(1);
        // What is answered is not sent again; its candidates may still be lost.
        signalling.sent.length = 0;
        signalling.become('ready');
        expect(types(signalling)).toEqual(['candidate', 'candidate']);
        void call.restartIce().catch(() => {});
        await vi.advanceTimersByTimeAsync(0);
        expect(connection.restarts).toBe(2);
      },
    );

    it('repeats the callee’s request until the offer arrives', async () => {
      const [call, signalling] = await connected('callee');
      const restart = call.restartIce();
      signalling.become('connecting');
      signalling.sent.length = 0;
      signalling.become('ready');
      expect(types(signalling)).toEqual(['v=0 answer', 'candidate', 'restart']);
      signalling.arrive(offer('v=0 restart 1'));
      await restart;
      signalling.sent.length = 0;
      signalling.become('ready');
      expect(types(signalling)).toEqual(['v=0 answer', 'candidate']);
    });

    it('answers a repeated offer with the same answer, and leaves the connection alone', async () => {
      const [call, signalling, connection] = await connected('callee');
      signalling.arrive(offer('v=0 restart 1'));
      await vi.advanceTimersByTimeAsync(0);
      const calls = [...connection.calls];
      expect(calls).toEqual(['remote offer: v=0 restart 1', 'local answer']);
      signalling.sent.length = 0;
      const restart = call.restartIce();
      signalling.arrive(offer('v=0 restart 1'));
      await restart;
      expect(types(signalling)).toEqual(['restart', 'v=0 answer', 'candidate']);
      expect(connection.calls).toEqual(calls);
    });

    it('does not apply the answer to an earlier offer to a later one', async () => {
      const [call, signalling, connection] = await connected('caller');
      const restart = call.restartIce();
      await vi.advanceTimersByTimeAsync(0);
      signalling.arrive(answer('v=0 yes'));
      await vi.advanceTimersByTimeAsync(0);
      expect(connection.calls).toEqual(['local v=0 restart 1']);
      signalling.arrive(answer('v=0 new'));
      await restart;
      expect(connection.calls).toEqual(['local v=0 restart 1', 'remote answer: v=0 new']);
    });

    it('fails after 10 s without an answer; the next one sends the same offer, and a late answer counts', async () => {
      const [call, signalling, connection] = await connected('caller');
      const timers = vi.getTimerCount();
      const restart = call.restartIce();
      const failed = expect(restart).rejects.toMatchObject({
        code: 'transport',
        message: expect.stringContaining('has not answered the restart of ICE within 10000 ms'),
      });
      await vi.advanceTimersByTimeAsync(10_000 + GRACE_MS);
      await failed;
      expect(call.state).toBe('connected');
      const next = call.restartIce();
      const sent = ['v=0 restart 1', 'candidate'];
      expect(types(signalling)).toEqual([...sent, ...sent]);
      signalling.arrive(answer());
      await next;
      expect([connection.restarts, vi.getTimerCount()]).toEqual([1, timers]);
    });

    it('fails after 10 s for a callee whose request is never received', async () => {
      const [call, signalling] = await connected('callee', { recoverTimeoutMs: 0 });
      const failed = expect(call.restartIce()).rejects.toMatchObject({ code: 'transport' });
      signalling.become('closed');
      await vi.advanceTimersByTimeAsync(10_000 + GRACE_MS);
      await failed;
    });

    it('accepts a request of the callee if the previous offer was never answered', async () => {
      const [call, signalling, connection] = await connected('caller');
      const failed = expect(call.restartIce()).rejects.toThrow(MicwireError);
      await vi.advanceTimersByTimeAsync(10_000 + GRACE_MS);
      await failed;
      signalling.sent.length = 0;
      signalling.arrive({ type: 'restart' });
      await vi.advanceTimersByTimeAsync(0);
      expect(types(signalling)).toEqual(['v=0 restart 1', 'candidate']);
      expect(connection.restarts).toBe(1);
    });
  });

  it.each<[string, CallOptions, (...of: [FakeSignalling, FakePeerConnection]) => void]>([
    ['the signalling is closed', {}, (signalling) => signalling.become('closed')],
    [
      'the other side has closed the keys',
      {},
      (_, connection) => (connection.dtlsState = 'closed'),
    ],
    ['it is not wanted', { recoverTimeoutMs: 0 }, () => {}],
  ])('is not tried when %s: the call fails with its connection', async (_name, options, act) => {
    const [call, signalling, connection] = await connected('caller', options);
    act(signalling, connection);
    connection.iceBecome('disconnected');
    await vi.advanceTimersByTimeAsync(10_000);
    expect([call.state, connection.restarts]).toEqual(['reconnecting', 0]);
    connection.iceBecome('failed');
    connection.become('failed');
    expect(call.state).toBe('closed');
  });

  it('fails when the signalling closes while a path is being searched', async () => {
    const [call, signalling, connection] = await connected('callee');
    connection.iceBecome('failed');
    connection.become('failed');
    expect(call.state).toBe('reconnecting');
    signalling.become('closed');
    expect(call.state).toBe('closed');
  });

  it('is refused before the call is connected, without signalling, and after the end', async () => {
    const [early] = open();
    await expect(early.restartIce()).rejects.toThrow('await connect()');
    const [call, signalling] = await connected('caller');
    const pending = call.restartIce();
    const ended = expect(pending).rejects.toMatchObject({ code: 'closed' });
    await vi.advanceTimersByTimeAsync(0);
    signalling.state = 'connecting';
    await expect(call.restartIce()).rejects.toMatchObject({ code: 'transport' });
    void call.close();
    await ended;
    await expect(call.restartIce()).rejects.toMatchObject({ code: 'closed' });
  });
});

describe('a signal', () => {
  it('that is aborted before the call is connected hangs up, and connect rejects with its reason', async () => {
    stubPeerConnection();
    const controller = new AbortController();
    const [call, signalling] = open({ receive: false, signal: controller.signal });
    const connecting = call.connect();
    signalling.ready('caller');
    const reason = new Error('the user left');
    controller.abort(reason);
    await expect(connecting).rejects.toBe(reason);
    expect(call.state).toBe('closed');
    expect(signalling.state).toBe('closed');
    expect(signalling.sent.at(-1)).toEqual({ type: 'bye', reason: '' });
  });

  it('that is already aborted prevents a call', () => {
    stubPeerConnection();
    const made = FakePeerConnection.made.length;
    const reason = new Error('too late');
    expect(() => open({ signal: AbortSignal.abort(reason) })).toThrow(reason);
    expect(FakePeerConnection.made).toHaveLength(made);
  });
});
