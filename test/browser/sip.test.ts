import { MicwireError } from 'micwire';
import { SipError, SipPhone, explainSipMessage, sipHeader, sipLadderText } from 'micwire/sip';
import type { SipCall, SipPhoneOptions } from 'micwire/sip';
import type { SipRequest } from 'micwire/sip-ladder';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { HAS_WEBRTC } from '../helpers/call-page.ts';
import { FakeSipServer } from '../helpers/fake-sip-server.ts';
import { loudestHz } from '../helpers/heard-tone.ts';
import { mutateText } from '../helpers/mutate.ts';
import { seededRandom } from '../helpers/random.ts';
import { openPhone, sipServer, toneTrack } from '../helpers/sip-phones.ts';

const HAS_SERVER = HAS_WEBRTC && (await sipServer('has')) !== '';
let url = '';
beforeAll(async () => {
  if (HAS_SERVER) url = await sipServer('start');
});
afterAll(async () => {
  await sipServer('end');
});

/** A running context, until the test ends. */
async function openContext(): Promise<AudioContext> {
  const context = new AudioContext({ sampleRate: 48_000 });
  onTestFinished(() => context.close());
  await context.resume();
  return context;
}

/** Waits for the next call. */
const nextCall = (phone: SipPhone): Promise<SipCall> =>
  new Promise((resolve) =>
    phone.addEventListener('call', ({ detail }) => resolve(detail), { once: true }),
  );

/** What a side hears. */
function ear(call: SipCall, context: AudioContext): () => number {
  const analyser = new AnalyserNode(context, { fftSize: 4096 });
  call.createSource(context).connect(analyser);
  return () => loudestHz(analyser);
}

/** Alice and Bob in a call, with a tone from each. */
async function talk() {
  const context = await openContext();
  const [alice, bob] = [await openPhone(url, 'alice'), await openPhone(url, 'bob')];
  const arriving = nextCall(bob);
  const caller = alice.call('sip:bob@sip.test', { track: toneTrack(context, 440) });
  const connecting = caller.connect();
  const callee = await arriving;
  await Promise.all([connecting, callee.accept({ track: toneTrack(context, 880) })]);
  return { context, alice, bob, caller, callee };
}

const labels = (phone: SipPhone): string[] =>
  phone.ladder.entries.map(({ label, from }) => `${from === 'page' ? '>' : '<'} ${label}`);

it.skipIf(HAS_WEBRTC)('without WebRTC, SipPhone.open rejects with a code', async () => {
  const opening = SipPhone.open({ url: 'ws://127.0.0.1:9', uri: 'sip:alice@sip.test' });
  await expect(opening).rejects.toMatchObject({ code: 'unsupported' });
});

describe.runIf(HAS_WEBRTC)('SipPhone without a server', () => {
  it('fails to open, and explains why', async () => {
    const opening = SipPhone.open({ url: 'ws://127.0.0.1:9', uri: 'sip:alice@sip.test' });
    await expect(opening).rejects.toMatchObject({ code: 'transport' });
    await expect(opening).rejects.toThrow('ws://127.0.0.1:9');
    await expect(opening).rejects.not.toBeInstanceOf(SipError);
  });

  it('does not repeat the token of its address in an error', async () => {
    const url = 'ws://127.0.0.1:9/sip?token=secret';
    const opening = SipPhone.open({ url, uri: 'sip:alice@sip.test' });
    await expect(opening).rejects.toThrow('ws://127.0.0.1:9');
    await expect(opening).rejects.not.toThrow('secret');
  });

  it('rejects an open() that is aborted', async () => {
    const reason = new Error('enough');
    const opening = SipPhone.open({
      url: 'ws://127.0.0.1:9',
      uri: 'sip:alice@sip.test',
      signal: AbortSignal.abort(reason),
    });
    await expect(opening).rejects.toBe(reason);
  });

  it.each([
    { uri: 'alice' },
    { uri: 'tel:+1' },
    { url: 'ftp://x' },
    { password: 5 as never },
    { registerSeconds: 1 },
    { maxCalls: 0 },
    { displayName: 'Alice\r\nX-Evil: 1' },
    { userName: 'alice\n' },
  ])('refuses wrong options: %j', async (wrong) => {
    const opening = SipPhone.open({ url: 'ws://127.0.0.1:9', uri: 'sip:a@sip.test', ...wrong });
    await expect(opening).rejects.toSatisfy(
      (error) => error instanceof TypeError || error instanceof RangeError,
    );
  });
});

describe.runIf(HAS_WEBRTC)('SipPhone at a fake server', () => {
  async function openAt(server: FakeSipServer, options: Partial<SipPhoneOptions> = {}) {
    const phone = await SipPhone.open({
      url: 'ws://sip.test',
      uri: 'sip:alice@sip.test',
      createSocket: server.createSocket,
      maxReconnectSeconds: 1,
      ...options,
    });
    onTestFinished(() => phone.close());
    return phone;
  }

  it.each([
    [300, 'failed'],
    [302, 'failed'],
    [400, 'failed'],
    [403, 'declined'],
    [404, 'not-found'],
    [406, 'incompatible'],
    [408, 'unavailable'],
    [410, 'not-found'],
    [415, 'incompatible'],
    [480, 'unavailable'],
    [482, 'failed'],
    [484, 'not-found'],
    [486, 'busy'],
    [487, 'failed'],
    [488, 'incompatible'],
    [491, 'failed'],
    [500, 'failed'],
    [503, 'failed'],
    [599, 'failed'],
    [600, 'busy'],
    [603, 'declined'],
    [604, 'not-found'],
    [606, 'incompatible'],
    [607, 'declined'],
  ])('rejects a call that is answered by %i with the reason %s', async (status, reason) => {
    const server = new FakeSipServer();
    const phone = await openAt(server);
    server.answers = ({ method }) => (method === 'INVITE' ? status : 200);
    const call = phone.call('sip:bob@sip.test');
    const connecting = call.connect();
    await expect(connecting).rejects.toMatchObject({ code: 'refused', status, reason });
    await expect(connecting).rejects.toThrow(`The call failed: ${status}`);
    expect(call.state).toBe('closed');
    expect(call.connection?.connectionState ?? 'closed').toBe('closed');
    expect(call.steps.find(({ name }) => name === 'signal')!.state).toBe('failed');
  });

  it.each([
    [403, 'unauthorized'],
    [404, 'not-found'],
    [500, 'failed'],
  ])('does not open when the registration is answered by %i', async (status, reason) => {
    const server = new FakeSipServer();
    server.answers = () => status;
    await expect(openAt(server)).rejects.toMatchObject({ code: 'refused', status, reason });
    expect(server.sockets.map(({ isClosed }) => isClosed)).toEqual([true]);
  });

  it('gives up on a server that does not answer and closes the socket', async () => {
    const server = new FakeSipServer();
    server.answers = () => null;
    const opening = openAt(server, { openTimeoutMs: 50 });
    await expect(opening).rejects.toMatchObject({ code: 'transport' });
    expect(server.sockets[0]!.isClosed).toBe(true);
  });

  it('gives up on a callee that does not answer, and cancels', async () => {
    const server = new FakeSipServer();
    const phone = await openAt(server);
    server.answers = ({ method }) => (method === 'INVITE' ? 180 : 200);
    const call = phone.call('sip:bob@sip.test', { connectTimeoutMs: 300 });
    await expect(call.connect()).rejects.toMatchObject({ code: 'transport' });
    await expect.poll(() => server.methods).toContain('CANCEL');
  });

  it('ends a call that is aborted while it rings', async () => {
    const server = new FakeSipServer();
    const phone = await openAt(server);
    server.answers = ({ method }) => (method === 'INVITE' ? 180 : 200);
    const aborting = new AbortController();
    const call = phone.call('sip:bob@sip.test', { signal: aborting.signal });
    const connecting = call.connect();
    await expect.poll(() => call.state).toBe('ringing');
    const reason = new Error('changed my mind');
    aborting.abort(reason);
    await expect(connecting).rejects.toBe(reason);
    await expect.poll(() => server.methods).toContain('CANCEL');
  });

  it('registers again when the socket was cut, and reports a refusal then', async () => {
    const server = new FakeSipServer();
    const phone = await openAt(server);
    const errors: MicwireError[] = [];
    phone.addEventListener('error', ({ detail }) => errors.push(detail));
    server.sockets[0]!.cut();
    expect(phone.state).toBe('offline');
    await expect.poll(() => phone.state).toBe('registered');
    expect(server.sockets.length).toBe(2);
    expect(errors).toEqual([]);
    server.answers = () => 403;
    server.sockets[1]!.cut();
    await expect.poll(() => errors).toMatchObject([{ code: 'refused', status: 403 }]);
    expect(phone.state).toBe('offline');
  });

  it('unregisters when it is closed', async () => {
    const server = new FakeSipServer();
    const phone = await openAt(server);
    await phone.close();
    const last = server.requests.at(-1)!;
    expect(last.method).toBe('REGISTER');
    expect(sipHeader(last, 'Expires')).toBe('0');
    expect(server.sockets[0]!.isClosed).toBe(true);
  });

  it('ignores data that is not SIP, and messages that are not meant for a phone', async () => {
    const server = new FakeSipServer();
    const phone = await openAt(server);
    const [socket] = server.sockets;
    const before = phone.ladder.entries.length;
    const invite = server.requests[0]!.text.replaceAll('REGISTER', 'INVITE');
    const random = seededRandom(1);
    const messages: unknown[] = ['', '\r\n', 'hello', '\u0000', 5, null, new ArrayBuffer(8)];
    messages.push(invite, 'x'.repeat(300_000), `SIP/2.0 200 OK\r\n\r\n`);
    for (let i = 0; i < 300; i++) messages.push(mutateText(invite, random));
    for (const message of messages) socket!.tell(message);
    expect(phone.state).toBe('registered');
    expect(phone.unreadMessages).toBeGreaterThan(50);
    expect(phone.ladder.entries.length).toBeGreaterThan(before);
    const call = phone.call('sip:bob@sip.test');
    server.answers = ({ method }) => (method === 'INVITE' ? 486 : 200);
    await expect(call.connect()).rejects.toMatchObject({ status: 486 });
  });
});

describe.runIf(HAS_WEBRTC)('a call at a fake server', () => {
  const iceServers = [{ urls: 'stun:127.0.0.1:3478' }];

  async function openAt(server: FakeSipServer): Promise<SipPhone> {
    const phone = await SipPhone.open({
      url: 'ws://sip.test',
      uri: 'sip:alice@sip.test',
      createSocket: server.createSocket,
      iceServers,
    });
    onTestFinished(() => phone.close());
    return phone;
  }

  /** A call that is answered, with audio both ways. */
  async function talkAt(server: FakeSipServer, headers: readonly string[] = []) {
    const context = await openContext();
    const phone = await openAt(server);
    const there = new RTCPeerConnection();
    onTestFinished(() => there.close());
    there.addTrack(toneTrack(context, 880));
    const answer = async ({ method, body }: SipRequest) => {
      if (method !== 'INVITE') return 200;
      await there.setRemoteDescription({ type: 'offer', sdp: body });
      await there.setLocalDescription();
      while (there.iceGatheringState !== 'complete') {
        await new Promise((resolve) => {
          there.addEventListener('icegatheringstatechange', resolve, { once: true });
        });
      }
      return { status: 200, sdp: there.localDescription!.sdp, headers };
    };
    server.answers = answer;
    const options = { track: toneTrack(context, 440), iceServers: [] };
    const call = phone.call('sip:bob@sip.test', options);
    await call.connect();
    const invite = server.requests.find(({ method }) => method === 'INVITE')!;
    return { phone, call, invite, answer };
  }

  it('that arrives is answered with the ICE servers of the phone', async () => {
    const server = new FakeSipServer();
    const phone = await openAt(server);
    const arriving = nextCall(phone);
    server.ask('INVITE', null);
    const call = await arriving;
    const context = await openContext();
    // Firefox makes no offer of nothing.
    void call.accept({ track: toneTrack(context, 440) }).catch(() => {});
    await expect.poll(() => call.connection?.getConfiguration().iceServers?.length).toBe(1);
    expect(String(call.connection!.getConfiguration().iceServers![0]!.urls)).toBe(
      iceServers[0]!.urls,
    );
  });

  it('that arrives is not answered if the signal is already aborted', async () => {
    const server = new FakeSipServer();
    const phone = await openAt(server);
    const arriving = nextCall(phone);
    server.ask('INVITE', null);
    const call = await arriving;
    const reason = new Error('changed my mind');
    expect(() => call.accept({ signal: AbortSignal.abort(reason) })).toThrow(reason);
    expect(call.state).toBe('new');
    call.reject('busy');
    await expect.poll(() => server.statuses('INVITE').at(-1)).toBe(486);
  });

  it('that arrives after the last listener was removed is answered with 480', async () => {
    const server = new FakeSipServer();
    const phone = await openAt(server);
    const arriving = nextCall(phone);
    const listener = (): void => {};
    phone.addEventListener('call', listener);
    phone.removeEventListener('call', listener);
    server.ask('INVITE', null);
    (await arriving).reject('busy');
    server.ask('INVITE', null);
    await expect
      .poll(() => server.statuses('INVITE').filter((status) => status >= 300))
      .toEqual([486, 480]);
    expect(phone.calls).toEqual([]);
  });

  it('continues as it was when the other side refuses a hold', async () => {
    const server = new FakeSipServer();
    const { call, answer } = await talkAt(server);
    const { offer } = call;
    const changes: boolean[] = [];
    call.addEventListener('holdchange', () => changes.push(call.hold.here));
    server.answers = ({ method }) => (method === 'INVITE' ? 488 : 200);
    await expect(call.putOnHold()).rejects.toMatchObject({
      code: 'refused',
      status: 488,
      message: expect.stringContaining('continues as it is: 488'),
    });
    expect(changes).toEqual([true, false]);
    expect([call.state, call.hold.here, call.offer]).toEqual(['connected', false, offer]);
    expect(call.connection!.signalingState).toBe('stable');
    expect(call.connection!.getSenders()[0]!.track!.enabled).toBe(true);
    server.answers = answer;
    await call.putOnHold();
    expect(call.hold.here).toBe(true);
    server.answers = ({ method }) => (method === 'INVITE' ? 403 : 200);
    await expect(call.resume()).rejects.toMatchObject({ status: 403 });
    expect([call.state, call.hold.here]).toEqual(['connected', true]);
    expect(call.connection!.getSenders()[0]!.track!.enabled).toBe(false);
    expect(server.methods).not.toContain('BYE');
  });

  it('sends its requests along its route, to the address that the other side gave (RFC 3261 §12.2)', async () => {
    const server = new FakeSipServer();
    const target = 'sip:bob@[2001:db8::9]:5070;transport=ws';
    const { call } = await talkAt(server, [
      // The answer has the route from the callee on; §12.1.2 turns it round.
      'Record-Route: <sip:[2001:db8::2]:5062;lr;ftag=x>',
      'Record-Route: <sip:p1.sip.test;transport=ws;lr=on>',
      `Contact: <${target}>`,
    ]);
    await call.sendDtmf('1', { method: 'info', durationMs: 70, gapMs: 50 });
    await call.putOnHold();
    await call.close();
    await expect.poll(() => server.methods).toContain('BYE');
    const routed = server.requests.filter(({ to }) => to.tag !== '');
    expect(new Set(routed.map(({ method }) => method))).toEqual(
      new Set(['ACK', 'INFO', 'INVITE', 'BYE']),
    );
    for (const { method, uri, headers } of routed) {
      expect(uri.text, method).toBe(target);
      const routes = headers.filter(({ name }) => name === 'Route').map(({ value }) => value);
      expect(routes.join(','), method).toMatch(
        /^<sip:p1\.sip\.test;transport=ws;lr=on>, ?<sip:\[2001:db8::2\]:5062;lr;ftag=x>$/,
      );
    }
    // Before the answer there is no route.
    const [first] = server.requests.filter(({ method }) => method === 'INVITE');
    expect(sipHeader(first!, 'Route')).toBe('');
  });

  it('refuses a transfer to an address that would inject headers', async () => {
    const server = new FakeSipServer();
    const { call, invite } = await talkAt(server);
    const targets: string[] = [];
    call.addEventListener('transfer', ({ detail }) => {
      targets.push(detail.target);
      detail
        .accept()
        .connect()
        .catch(() => {});
    });
    for (const escaped of ['%0D%0AX-Evil%3A%201', '%250d%250aX-Evil%3A%201']) {
      server.ask('REFER', invite, [`Refer-To: <sip:x@y.test?Replaces=a${escaped}>`]);
    }
    const told = () => server.requests.filter(({ text }) => text.includes('SIP/2.0 603')).length;
    await expect.poll(told).toBe(2);
    expect(targets).toEqual([]);
    expect(server.requests.some(({ text }) => /^X-Evil/m.test(text))).toBe(false);
  });

  it('throws if a transfer is accepted with an aborted signal', async () => {
    const server = new FakeSipServer();
    const { call, invite } = await talkAt(server);
    const reason = new Error('changed my mind');
    const thrown: unknown[] = [];
    call.addEventListener('transfer', ({ detail }) => {
      try {
        detail.accept({ signal: AbortSignal.abort(reason) });
      } catch (error) {
        thrown.push(error);
      }
    });
    server.ask('REFER', invite, ['Refer-To: <sip:carol@sip.test>']);
    await expect.poll(() => server.methods).toContain('NOTIFY');
    expect(thrown).toEqual([reason]);
  });

  it('is not replaced by another one, which is answered with 486', async () => {
    const server = new FakeSipServer();
    const { call, invite } = await talkAt(server);
    const replaces = `${invite.callId};to-tag=${invite.from.tag};from-tag=server`;
    server.ask('INVITE', null, [`Replaces: ${replaces}`]);
    await expect.poll(() => server.statuses('INVITE')).toEqual([486]);
    expect(call.state).toBe('connected');
  });
});

describe.runIf(HAS_SERVER)('SipPhone at kamailio (skipped where it is not installed)', () => {
  it('calls and is called: each hears the other’s tone, and the ladder is whole', async () => {
    const { context, alice, bob, caller, callee } = await talk();
    expect([caller.state, callee.state]).toEqual(['connected', 'connected']);
    expect([caller.role, callee.role]).toEqual(['caller', 'callee']);
    expect(callee.remote).toBe('sip:alice@sip.test');
    const [atCaller, atCallee] = [ear(caller, context), ear(callee, context)];
    await expect.poll(atCaller).toBeGreaterThan(865);
    expect(atCaller()).toBeLessThan(895);
    await expect.poll(atCallee).toBeGreaterThan(425);
    expect(atCallee()).toBeLessThan(455);
    const received = async () => (await caller.stats()).packetsReceived;
    await expect.poll(received).toBeGreaterThan(50);
    expect((await caller.ice()).selected?.state).toBe('succeeded');
    await expect.poll(() => caller.steps.find(({ name }) => name === 'media')!.state).toBe('done');

    await caller.close();
    await expect.poll(() => callee.state).toBe('closed');
    await expect.poll(() => labels(alice).at(-1)).toBe('< 200 OK (BYE)');
    expect(labels(alice)).toEqual([
      '> REGISTER',
      '< 401 Unauthorized (REGISTER)',
      '> REGISTER +auth',
      '< 200 OK (REGISTER)',
      '> INVITE +SDP',
      '< 407 Proxy Authentication Required (INVITE)',
      '> ACK',
      '> INVITE +auth +SDP',
      expect.stringContaining('< 100 trying'),
      '< 180 Ringing (INVITE)',
      '< 200 OK (INVITE) +SDP',
      '> ACK',
      '> BYE',
      '< 200 OK (BYE)',
    ]);
    expect(alice.ladder.dialogs).toMatchObject([{ state: 'terminated', reason: 'BYE from page' }]);
    const retries = alice.ladder.transactions.filter(({ retryOf }) => retryOf !== null);
    expect(retries.map(({ method }) => method)).toEqual(['REGISTER', 'INVITE']);
    expect([alice.unreadMessages, bob.unreadMessages]).toEqual([0, 0]);
    for (const { message } of alice.ladder.entries) {
      for (const { name, clause } of explainSipMessage(message).headers) {
        expect(clause, name).not.toBe('');
      }
    }
    expect(caller.steps.map(({ state }) => state)).toEqual([
      'done',
      'done',
      'done',
      'done',
      'skipped',
      'done',
    ]);
  });

  it('calls from one page to another', async () => {
    const frame = document.createElement('iframe');
    frame.src = '/test/fixtures/blank.html';
    const loaded = new Promise((resolve) => frame.addEventListener('load', resolve));
    document.body.append(frame);
    onTestFinished(() => frame.remove());
    await loaded;
    const other = frame.contentWindow as Window & typeof globalThis;
    // Vitest puts its own import() into the sources that it serves.
    const wrapDynamicImport = (load: () => unknown): unknown => load();
    Object.assign(other, { __vitest_browser_runner__: { wrapDynamicImport } });
    const there = (await other.eval(
      "import('/src/web/sip/index.ts')",
    )) as typeof import('micwire/sip');
    expect(there.SipPhone).not.toBe(SipPhone);
    const bob = await there.SipPhone.open({
      url,
      uri: 'sip:bob@sip.test',
      password: 'secret of bob',
    });
    onTestFinished(() => bob.close());
    const otherContext = new other.AudioContext({ sampleRate: 48_000 });
    onTestFinished(() => otherContext.close());
    await otherContext.resume();
    const oscillator = new other.OscillatorNode(otherContext, { frequency: 880 });
    const microphone = new other.MediaStreamAudioDestinationNode(otherContext);
    oscillator.connect(microphone);
    oscillator.start();

    const context = await openContext();
    const alice = await openPhone(url, 'alice');
    const arriving = nextCall(bob);
    const caller = alice.call('sip:bob@sip.test', { track: toneTrack(context, 440) });
    const connecting = caller.connect();
    const callee = await arriving;
    await callee.accept({ track: microphone.stream.getAudioTracks()[0]! });
    await connecting;
    const atCaller = ear(caller, context);
    const analyser = new other.AnalyserNode(otherContext, { fftSize: 4096 });
    callee.createSource(otherContext).connect(analyser);
    await expect.poll(atCaller).toBeGreaterThan(865);
    expect(atCaller()).toBeLessThan(895);
    await expect.poll(() => loudestHz(analyser)).toBeGreaterThan(425);
    expect(loudestHz(analyser)).toBeLessThan(455);
    await callee.close();
    await expect.poll(() => caller.state).toBe('closed');
    expect(alice.ladder.dialogs.at(-1)!.reason).toBe('BYE from proxy');
  });

  it('reports that the password is wrong', async () => {
    const opening = openPhone(url, 'alice', { password: 'wrong' });
    await expect(opening).rejects.toMatchObject({
      code: 'refused',
      status: 401,
      reason: 'unauthorized',
    });
    await expect(opening).rejects.toThrow('Check the user name and the password.');
    await expect(opening).rejects.toBeInstanceOf(SipError);
    await expect(opening).rejects.toBeInstanceOf(MicwireError);
  });

  it('reports that the user does not exist', async () => {
    const alice = await openPhone(url, 'alice');
    const call = alice.call('sip:nobody@sip.test');
    await expect(call.connect()).rejects.toMatchObject({ status: 404, reason: 'not-found' });
    expect(call.state).toBe('closed');
    expect(alice.calls).toEqual([]);
  });

  it.each([
    ['busy', 486],
    ['declined', 603],
  ] as const)('reports that the callee is %s', async (how, status) => {
    const [alice, bob] = [await openPhone(url, 'alice'), await openPhone(url, 'bob')];
    bob.addEventListener('call', ({ detail }) => detail.reject(how));
    const call = alice.call('sip:bob@sip.test');
    const errors: MicwireError[] = [];
    call.addEventListener('error', ({ detail }) => errors.push(detail));
    await expect(call.connect()).rejects.toMatchObject({ code: 'refused', status, reason: how });
    expect(errors).toEqual([call.error]);
    expect(bob.calls).toEqual([]);
  });

  it('reports 480 when the callee does not listen for calls', async () => {
    const [alice] = [await openPhone(url, 'alice'), await openPhone(url, 'bob')];
    const call = alice.call('sip:bob@sip.test');
    await expect(call.connect()).rejects.toMatchObject({ status: 480, reason: 'unavailable' });
  });

  it('cancels a call that rings', async () => {
    const [alice, bob] = [await openPhone(url, 'alice'), await openPhone(url, 'bob')];
    const arriving = nextCall(bob);
    const call = alice.call('sip:bob@sip.test');
    const connecting = call.connect();
    const there = await arriving;
    await expect.poll(() => call.state).toBe('ringing');
    await call.close();
    await expect(connecting).rejects.toMatchObject({ code: 'closed' });
    await expect.poll(() => there.state).toBe('closed');
    expect(there.error).toBeNull();
    await expect.poll(() => labels(alice)).toContain('< 487 Request Terminated (INVITE)');
    const { transactions } = alice.ladder;
    const cancel = transactions.find(({ method }) => method === 'CANCEL')!;
    expect(transactions.find(({ id }) => id === cancel.cancels)!.method).toBe('INVITE');
  });

  it('holds, resumes and mutes', async () => {
    const { context, alice, caller, callee } = await talk();
    const atCallee = ear(callee, context);
    await expect.poll(atCallee).toBeGreaterThan(425);
    await caller.putOnHold();
    expect([caller.hold, callee.hold]).toEqual([
      { here: true, there: false },
      { here: false, there: true },
    ]);
    await expect.poll(atCallee).toBe(0);
    expect(labels(alice)).toContain('> re-INVITE +SDP sendonly');
    caller.muted = true;
    await caller.resume();
    expect(caller.hold.here).toBe(false);
    await expect.poll(() => callee.hold.there).toBe(false);
    // Still muted.
    const sent = (await callee.stats()).packetsReceived;
    await expect
      .poll(async () => (await callee.stats()).packetsReceived)
      .toBeGreaterThan(sent + 20);
    expect(atCallee()).toBe(0);
    caller.muted = false;
    await expect.poll(atCallee).toBeGreaterThan(425);
  });

  it('sends the requests of a call through the proxy in its route, in both directions', async () => {
    const { alice, bob, caller, callee } = await talk();
    await caller.sendDtmf('1', { method: 'info', durationMs: 70, gapMs: 50 });
    await callee.putOnHold();
    await callee.resume();
    await callee.close();
    await expect.poll(() => caller.state).toBe('closed');
    const answer = alice.ladder.entries.find(
      ({ message }) => message?.kind === 'response' && message.status === 200 && message.sdp,
    );
    const { tag } = answer!.message!.to;
    // Not the ACK to the 407: that belongs to the INVITE's transaction (§17.1.1.3).
    const within = (phone: SipPhone, isSent: boolean): SipRequest[] =>
      phone.ladder.entries.flatMap(({ message, from }) => {
        const isWithin =
          message?.kind === 'request' && [message.from.tag, message.to.tag].includes(tag);
        return isWithin && (from === 'page') === isSent ? [message] : [];
      });
    const routeOf = (phone: SipPhone, kind: 'request' | 'response'): string => {
      const entry = phone.ladder.entries.find(
        ({ message }) =>
          message?.method === 'INVITE' &&
          message.kind === kind &&
          sipHeader(message, 'Record-Route') !== '',
      );
      return sipHeader(entry!.message!, 'Record-Route');
    };
    for (const [phone, kind] of [
      [alice, 'response'],
      [bob, 'request'],
    ] as const) {
      const route = routeOf(phone, kind);
      // kamailio takes its own entry out again before it passes a request on (§16.4).
      expect(route).toMatch(/^<sip:[^,>]*;lr\b[^,>]*>$/);
      const sent = within(phone, true);
      expect(sent.length).toBeGreaterThan(1);
      for (const request of sent) expect(sipHeader(request, 'Route'), request.method).toBe(route);
      for (const request of within(phone, false)) expect(sipHeader(request, 'Route')).toBe('');
    }
    expect(within(alice, true).map(({ method }) => method)).toContain('INFO');
    expect(within(bob, true).map(({ method }) => method)).toEqual(
      expect.arrayContaining(['INVITE', 'ACK', 'BYE']),
    );
  });

  it('presses keys, within the audio and by INFO', async () => {
    const { caller, callee } = await talk();
    const pressed: string[] = [];
    callee.addEventListener('dtmf', ({ detail }) => pressed.push(detail.tone));
    await Promise.all([
      caller.sendDtmf('12', { method: 'info', durationMs: 70, gapMs: 50 }),
      caller.sendDtmf('#a', { method: 'info', durationMs: 70, gapMs: 50 }),
    ]);
    expect(pressed).toEqual(['1', '2', '#', 'A']);
    const tones: string[] = [];
    const dtmf = caller.connection!.getSenders()[0]!.dtmf!;
    dtmf.addEventListener('tonechange', ({ tone }) => tones.push(tone));
    await caller.sendDtmf('59', { durationMs: 70, gapMs: 50 });
    expect(tones).toEqual(['5', '9', '']);
    await expect(caller.sendDtmf('x')).rejects.toThrow(TypeError);
    await caller.close();
    await expect(caller.sendDtmf('1')).rejects.toMatchObject({ code: 'closed' });
  });

  it('transfers a call', async () => {
    const { context, caller, callee, bob } = await talk();
    const carol = await openPhone(url, 'carol');
    const arriving = nextCall(carol);
    const targets: string[] = [];
    callee.addEventListener('transfer', ({ detail }) => {
      targets.push(detail.target);
      void detail.accept({ track: toneTrack(context, 880) }).connect();
    });
    const transferring = caller.transfer('sip:carol@sip.test');
    const there = await arriving;
    await there.accept({ track: toneTrack(context, 660) });
    await transferring;
    expect(targets).toEqual(['sip:carol@sip.test']);
    await caller.close();
    await expect.poll(() => callee.state).toBe('closed');
    const atCarol = ear(there, context);
    await expect.poll(atCarol).toBeGreaterThan(865);
    const [forwarded] = bob.calls;
    expect(forwarded!.remote).toBe('sip:carol@sip.test');
  });

  it('rejects when a transfer is refused, and the call continues', async () => {
    const { caller } = await talk();
    await expect(caller.transfer('sip:carol@sip.test')).rejects.toMatchObject({ status: 603 });
    expect(caller.state).toBe('connected');
  });

  it('survives a server that is killed in mid-call: audio continues, and the call can be closed', async () => {
    const { context, alice, bob, caller, callee } = await talk();
    const [atCaller, atCallee] = [ear(caller, context), ear(callee, context)];
    await sipServer('kill');
    await expect.poll(() => [alice.state, bob.state]).toEqual(['offline', 'offline']);
    await expect(caller.putOnHold()).rejects.toMatchObject({ code: 'transport' });
    await expect(caller.sendDtmf('1', { method: 'info' })).rejects.toMatchObject({
      code: 'transport',
    });
    await expect(caller.transfer('sip:carol@sip.test')).rejects.toMatchObject({
      code: 'transport',
    });
    await caller.sendDtmf('1');
    await expect.poll(atCaller).toBeGreaterThan(865);
    await expect.poll(atCallee).toBeGreaterThan(425);
    const before = (await callee.stats()).packetsReceived;
    await sipServer('start');
    await expect.poll(() => [alice.state, bob.state]).toEqual(['registered', 'registered']);
    expect([caller.state, callee.state]).toEqual(['connected', 'connected']);
    await expect.poll(async () => (await callee.stats()).packetsReceived).toBeGreaterThan(before);
    await caller.putOnHold();
    await expect.poll(() => callee.hold.there).toBe(true);
    await caller.close();
    await expect.poll(() => callee.state).toBe('closed');
    expect(callee.error).toBeNull();
    expect(bob.ladder.dialogs.at(-1)).toMatchObject({ reason: 'BYE from proxy' });
  });

  it('releases everything when it is closed', async () => {
    const { alice, bob, caller, callee } = await talk();
    const connection = caller.connection!;
    const [sender] = connection.getSenders();
    const copy = sender!.track!;
    await alice.close();
    expect(alice.state).toBe('closed');
    expect(caller.state).toBe('closed');
    expect(connection.connectionState).toBe('closed');
    expect(copy.readyState).toBe('ended');
    await expect.poll(() => callee.state).toBe('closed');
    expect(labels(alice)).toContain('> BYE');
    expect(
      alice.ladder.transactions.filter(({ method }) => method === 'REGISTER').length,
    ).toBeGreaterThan(2);
    // The server has answered the last of them too.
    const isOpen = alice.ladder.transactions.filter(({ endMs }) => endMs === null);
    expect(isOpen.map(({ method }) => method)).toEqual([]);
    expect(() => alice.call('sip:bob@sip.test')).toThrow(MicwireError);
    expect(alice.close()).toBe(alice.close());
    // The registrar has forgotten her.
    const call = bob.call('sip:alice@sip.test');
    await expect(call.connect()).rejects.toMatchObject({ status: 404 });
  });

  it('draws its own messages as a ladder', async () => {
    const alice = await openPhone(url, 'alice');
    expect(sipLadderText(alice.ladder.entries)).toContain('REGISTER +auth');
  });
});
