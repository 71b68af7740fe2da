/** `micwire/testing/fakes`: micwire's classes in Node, and a worked example, the unit tests of a small voice client. */
import { AudioContext as MockContext } from 'standardized-audio-context-mock';
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import { Capture, Meter, MicwireError, Playout, Receiver, Session } from '../src/web/index.ts';
import type { Chunk, SessionEventMap, SessionState, SessionTranscript } from '../src/web/index.ts';
import { FakeAudioContext, FakeSession, installFakeAudio } from '../src/testing/fakes/index.ts';
import { audioMatchers } from '../src/testing/index.ts';
import { fakeService } from './helpers/fake-service.ts';
import { sine } from './helpers/signals.ts';

expect.extend(audioMatchers);

let restore: () => void;
let context: FakeAudioContext;
beforeEach(() => {
  restore = installFakeAudio();
  context = new FakeAudioContext({ sampleRate: 48_000 });
});
afterEach(async () => {
  if (context.state !== 'closed') await context.close();
  restore();
  FakeSession.opened.length = 0;
});

const tone = (frames: number): Float32Array =>
  sine({ frequency: 440, sampleRate: 48_000, frames, amplitude: 0.5 });

describe('a Capture on a fake context', () => {
  it('delivers exactly the samples that were fed, in chunks, as virtual time passes', async () => {
    const source = context.createSource();
    const capture = await Capture.create(context.asAudioContext, source.asAudioNode, {
      format: 'f32',
    });
    const chunks: Chunk[] = [];
    capture.addEventListener('chunk', ({ detail }) => chunks.push(detail));
    const fed = tone(9600);
    source.feed(fed);
    await context.advance(98);
    expect(chunks).toHaveLength(4);
    await context.advance(102);
    await context.during(capture.close());
    const bytes = chunks.flatMap((chunk) => [...new Float32Array(chunk.bytes.buffer)]);
    expect(Float32Array.from(bytes).subarray(0, 9600)).toMatchSignal(fed);
    // 76 quanta: 200 ms, rounded up twice.
    expect(capture.stats).toAccountFor(76 * 128);
    expect(capture.state).toBe('closed');
  });

  it('delivers nothing while it is paused, or its context is suspended', async () => {
    const source = context.createSource();
    const capture = await Capture.create(context.asAudioContext, source.asAudioNode);
    let frames = 0;
    capture.addEventListener('chunk', ({ detail }) => (frames += detail.frames));
    await context.advance(40);
    await context.during(capture.pause());
    const before = frames;
    await context.advance(500);
    expect(frames).toBe(before);
    await capture.resume();
    await context.suspend();
    expect(capture.state).toBe('suspended');
    const at = context.currentTime;
    await context.advance(500);
    expect(context.currentTime).toBe(at);
    expect(frames).toBe(before);
    await context.resume();
    await context.advance(40);
    expect(frames).toBeGreaterThan(before);
    await context.during(capture.close());
  });

  it("reports a processor that failed, with the real class's own error", async () => {
    const source = context.createSource();
    const capture = await Capture.create(context.asAudioContext, source.asAudioNode);
    const errors: MicwireError[] = [];
    capture.addEventListener('error', ({ detail }) => errors.push(detail));
    (capture.node as unknown as { fail(): void }).fail();
    expect(errors.map(({ code }) => code)).toEqual(['processor-error']);
    expect(capture.state).toBe('closed');
  });

  it('refuses a closed context, as in a browser', async () => {
    const source = context.createSource();
    await context.close();
    const created = Capture.create(context.asAudioContext, source.asAudioNode);
    await expect(created).rejects.toMatchObject({ code: 'closed' });
  });
});

it('a Playout is heard at the destination, and reports to the frame how much was heard', async () => {
  const playout = await Playout.create(context.asAudioContext, {
    sampleRate: 48_000,
    format: 'f32',
    targetDelayMs: 0,
  });
  playout.connect(context.destination.asAudioNode);
  const reply = tone(4800);
  playout.write(reply, { item: 'reply-1' });
  playout.end('reply-1');
  await context.advance(50);
  expect(playout.state).toBe('playing');
  const { item, frames } = await context.during(playout.interrupt({ fadeMs: 0 }));
  expect(item).toBe('reply-1');
  const start = context.heard.findIndex((sample) => sample !== 0) - 1;
  expect(context.heard.subarray(start, start + frames)).toMatchSignal(reply.subarray(0, frames));
  await context.advance(10);
  expect(context.heard.subarray(-128)).toBeSilent();
  expect(playout.stats).toAccountFor(4800);
  await context.during(playout.close());
  expect(() => playout.write(reply)).toThrow(MicwireError);
});

it('a Receiver plays packets, and conceals those that are missing', async () => {
  const receiver = await Receiver.create(context.asAudioContext, {
    sampleRate: 48_000,
    format: 'f32',
  });
  receiver.connect(context.destination.asAudioNode);
  const signal = tone(48_000);
  for (let sequence = 0; sequence < 50; sequence++) {
    const frame = sequence * 960;
    const payload = new Uint8Array(signal.slice(frame, frame + 960).buffer);
    const packet = { format: 'f32', sampleRate: 48_000, channels: 1, sequence, frame } as const;
    if (sequence !== 25) {
      receiver.insert({ ...packet, frames: 960, timestamp: 0, dropped: 0, payload });
    }
    await context.advance(20);
  }
  expect(receiver.state).not.toBe('waiting');
  expect(receiver.stats.packetsReceived).toBe(49);
  expect(receiver.stats.concealedSamples).toBeGreaterThan(0);
  await context.during(receiver.close());
});

it('a Meter reads the samples fed to its source', async () => {
  const source = context.createSource();
  const meter = await Meter.create(context.asAudioContext, { meters: ['peak'] });
  source.connect(meter.node as unknown as typeof context.destination);
  source.feed(new Float32Array(48_000).fill(0.5));
  await context.advance(500);
  const reading = meter.createReading();
  expect(meter.read(reading)).toBe(true);
  expect(Math.max(...reading.values)).toBeGreaterThan(-7);
  await context.during(meter.close());
});

it('standardized-audio-context-mock has no worklets: classes of micwire refuse its context', async () => {
  const mock = new MockContext() as unknown as AudioContext;
  await expect(Meter.create(mock)).rejects.toThrow('has no audioWorklet.addModule');
});

describe('FakeSession', () => {
  const open = async (): Promise<{
    session: FakeSession;
    source: ReturnType<typeof context.createSource>;
  }> => {
    const source = context.createSource();
    const session = await FakeSession.open({
      context: context.asAudioContext,
      microphone: source.asAudioNode,
      service: fakeService(),
      url: 'wss://example.org',
    });
    return { session, source };
  };

  it('has every public member of Session, with its type', () => {
    type Public<Class> = Pick<Class, keyof Class>;
    expectTypeOf<FakeSession>().toExtend<Public<Session>>();
    expectTypeOf<typeof FakeSession.open>().parameters.toEqualTypeOf<
      Parameters<typeof Session.open>
    >();
    const members = (prototype: object): string[] => Object.getOwnPropertyNames(prototype);
    expect(members(FakeSession.prototype)).toEqual(
      expect.arrayContaining(members(Session.prototype)),
    );
    const statics = Object.getOwnPropertyNames(Session).filter((name) => name !== 'prototype');
    expect(Object.getOwnPropertyNames(FakeSession)).toEqual(expect.arrayContaining(statics));
  });

  it('keeps audio until the connection is open, and accounts for every frame', async () => {
    const { session } = await open();
    await context.advance(200);
    expect(session.stats).toMatchObject({ acknowledgedFrames: 0, connections: 0 });
    expect(session.stats.waitingFrames).toBeGreaterThan(0);
    session.setState('open');
    expect(session.stats.waitingFrames).toBe(0);
    session.setState('waiting');
    await context.advance(200);
    expect(session.stats.waitingFrames).toBeGreaterThan(0);
    session.setState('open');
    expect(session.stats.connections).toBe(2);
    expect(session.stats.replayedFrames).toBeGreaterThan(0);
    await context.during(session.close());
    expect(session.stats).toAccountFor(session.capture!.stats.capturedFrames);
    expect(session.stats.droppedFrames).toBe(0);
  });

  it('counts waiting audio as dropped when the service refuses for good', async () => {
    const { session } = await open();
    await context.advance(100);
    const { waitingFrames } = session.stats;
    const states: SessionState[] = [];
    session.addEventListener('statechange', () => states.push(session.state));
    session.setState('closed');
    session.setState('open');
    expect(states).toEqual(['closed']);
    expect(session.stats.droppedFrames).toBe(waitingFrames);
    await context.during(session.close());
  });

  it('pauses both sides', async () => {
    const { session } = await open();
    const playout = await session.openPlayout({ sampleRate: 24_000 });
    playout.write(new Int16Array(24_000).fill(8000), { item: 'a' });
    await context.advance(200);
    await context.during(session.pause());
    const { capturedFrames } = session.stats;
    const { frames } = playout.position;
    expect(frames).toBeGreaterThan(0);
    expect(playout.state).toBe('paused');
    await context.advance(200);
    expect(session.stats.capturedFrames).toBe(capturedFrames);
    expect(playout.position.frames).toBe(frames);
    await context.during(session.resume());
    await context.advance(200);
    expect(session.stats.capturedFrames).toBeGreaterThan(capturedFrames);
    expect(playout.position.frames).toBeGreaterThan(frames);
    await context.during(session.close());
  });

  it('holds a stream that opens while it is paused, as a Session does', async () => {
    const { session } = await open();
    await context.during(session.pause());
    const playout = await session.openPlayout({ sampleRate: 24_000 });
    playout.write(new Int16Array(24_000).fill(8000), { item: 'a' });
    await context.advance(200);
    expect(playout).toMatchObject({ state: 'paused', position: { frames: 0 } });
    await context.during(session.resume());
    await context.advance(200);
    expect(playout.position.frames).toBeGreaterThan(0);
    await context.during(session.close());
  });

  it('pauses even if its playout closes meanwhile, and resumes a context without its capture', async () => {
    const { session } = await open();
    await session.openPlayout({ sampleRate: 24_000 });
    const pausing = session.pause();
    void session.playout!.close();
    await context.during(pausing);
    await context.during(session.capture!.close());
    await context.suspend();
    await session.resume();
    expect(context.state).toBe('running');
    await context.during(session.close());
  });

  it('refuses everything once it is closed, with the errors of a Session', async () => {
    const { session } = await open();
    const closing = session.close();
    expect(session.close()).toBe(closing);
    await context.during(closing);
    for (const act of [
      () => session.mute(),
      () => session.unmute(),
      () => session.commit(),
      () => session.send('x'),
      () => session.mark('end', { item: 'a' }),
    ]) {
      expect(act).toThrow('The session is closed. Open another one.');
    }
    await expect(session.interrupt()).rejects.toMatchObject({ code: 'closed' });
    await expect(session.record({ container: 'wav' })).rejects.toMatchObject({ code: 'closed' });
  });

  it('refuses wrong options as Session.open does', async () => {
    const options = { context: context.asAudioContext, microphone: null, service: fakeService() };
    const wrong = { ...options, url: 5 } as unknown as Parameters<typeof FakeSession.open>[0];
    await expect(FakeSession.open(wrong)).rejects.toThrow(
      'url must be a string or a function, got 5.',
    );
    expect(FakeSession.opened).toEqual([]);
  });

  it('closes with its context', async () => {
    const { session } = await open();
    await context.close();
    expect(session.capture!.state).toBe('closed');
    await session.close();
    expect(session.state).toBe('closed');
  });
});

/** The app under test: what it is given is a `Session` in the app, and a `FakeSession` here. */
class VoiceClient {
  status = 'connecting …';
  readonly lines: string[] = [];
  readonly #session: Pick<Session, keyof Session>;

  constructor(session: Pick<Session, keyof Session>) {
    this.#session = session;
    const update = (): void => {
      this.status =
        { open: 'listening', closed: 'over' }[session.state as 'open'] ?? 'connecting …';
    };
    session.addEventListener('statechange', update);
    session.addEventListener('transcript', ({ detail }: SessionEventMap['transcript']) => {
      if (detail.final) this.lines.push(`${detail.who}: ${detail.text}`);
    });
    session.addEventListener('speech', ({ detail: speaking }) => {
      if (speaking && session.playout?.state === 'playing') void session.interrupt();
    });
    session.addEventListener('error', ({ detail }) => (this.status = detail.message));
  }

  async hangUp(): Promise<void> {
    this.#session.send({ type: 'bye' });
    await this.#session.close();
  }
}

describe('a voice client, tested without a browser', () => {
  const transcript = (who: 'user' | 'agent', text: string, final: boolean): SessionTranscript =>
    ({ who, text, final, item: undefined }) as unknown as SessionTranscript;
  let session: FakeSession;
  let client: VoiceClient;
  beforeEach(async () => {
    session = await FakeSession.open({
      context: context.asAudioContext,
      microphone: context.createSource().asAudioNode,
      service: fakeService(),
      url: 'wss://example.org',
    });
    client = new VoiceClient(session);
  });

  it('shows the connection and the transcript', () => {
    session.setState('open');
    expect(client.status).toBe('listening');
    session.emit('transcript', transcript('user', 'Hel', false));
    session.emit('transcript', transcript('user', 'Hello', true));
    session.setState('waiting');
    expect(client.status).toBe('connecting …');
    expect(client.lines).toEqual(['user: Hello']);
  });

  it('stops the reply when the user speaks', async () => {
    session.setState('open');
    const playout = await session.openPlayout({ sampleRate: 24_000 });
    playout.write(new Int16Array(24_000).fill(8000), { item: 'reply' });
    await context.advance(300);
    expect(playout.state).toBe('playing');
    expect(context.heard.at(-1)).toBeGreaterThan(0.2);
    session.emit('speech', true);
    await context.advance(60);
    expect(context.heard.subarray(-480)).toBeSilent();
  });

  it('shows a failure, says goodbye and hangs up', async () => {
    session.fail('transport', 'The service is not reachable.');
    expect(client.status).toBe('The service is not reachable.');
    await context.during(client.hangUp());
    expect(session.sent).toEqual([{ type: 'bye' }]);
    expect(client.status).toBe('over');
  });
});
