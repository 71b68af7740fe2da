/** Sessions in a browser, over real sockets, against the stand-ins of `VoiceServers`. */
import { Session } from 'micwire';
import type { SessionConnectionOptions, SessionGap, SessionState } from 'micwire';
import { decodeBase64 } from 'micwire/codec';
import { micwire } from 'micwire/services/micwire';
import { openaiRealtime } from 'micwire/services/openai-realtime';
import { afterEach, describe, expect, test } from 'vitest';
import { endContext } from '../helpers/end-context.ts';
import { eventually } from '../helpers/eventually.ts';
import { VoiceServer } from '../helpers/voice-server.ts';
import { wavSamples } from '../helpers/wav-samples.ts';

const sessions: Session[] = [];
const contexts: AudioContext[] = [];
const workers: Worker[] = [];
afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.close({ drainMs: 0 })));
  await Promise.all(contexts.splice(0).map(endContext));
  for (const worker of workers.splice(0)) worker.terminate();
});

/** Where the connection is. */
type Place = 'the page' | 'a Worker';
type Language = 'micwire' | 'openai' | 'opus';

/** At the rate of the services, so that nothing is resampled. */
const RATE = 24_000;
const INPUT = { format: 's16', sampleRate: RATE, channels: 1 } as const;

function connectionTo(language: Language, url: string): SessionConnectionOptions {
  const output = { ...INPUT, format: language === 'opus' ? 'opus' : 's16' } as const;
  const service = language === 'openai' ? openaiRealtime() : micwire({ input: INPUT, output });
  return { service, url, maxDelayMs: 200 };
}

function workerFor(language: Language, url: string): Worker {
  const worker = new Worker(new URL('./session-worker.ts', import.meta.url), {
    type: 'module',
    name: `${language} ${url}`,
  });
  workers.push(worker);
  return worker;
}

interface Opened {
  readonly session: Session;
  readonly server: VoiceServer;
  readonly errors: string[];
}

async function open(place: Place, language: Language): Promise<Opened> {
  const server = new VoiceServer(language === 'openai' ? 'openai' : 'micwire');
  const context = new AudioContext({ sampleRate: RATE });
  contexts.push(context);
  await context.resume();
  // Long enough for a whole reply to arrive before it begins.
  const common = { context, microphone: counter(context), targetDelayMs: 500 };
  const session = await Session.open(
    place === 'the page'
      ? { ...common, ...connectionTo(language, server.url) }
      : { ...common, worker: workerFor(language, server.url) },
  );
  sessions.push(session);
  const errors: string[] = [];
  session.addEventListener('error', ({ detail }) => {
    // The audio thread of a busy machine may stand still: that is reported, and no failure of the session.
    if (detail.code !== 'stalled') errors.push(detail.code);
  });
  return { session, server, errors };
}

const COUNTER_FRAMES = 30_000;

/** Samples that name their frame: 1 to 30000, again and again. */
function counter(context: AudioContext): AudioBufferSourceNode {
  const buffer = new AudioBuffer({ length: COUNTER_FRAMES, sampleRate: context.sampleRate });
  const samples = Float32Array.from({ length: COUNTER_FRAMES }, (_, i) => (i + 1) / 32_768);
  buffer.copyToChannel(samples, 0);
  const source = new AudioBufferSourceNode(context, { buffer, loop: true });
  source.start();
  return source;
}

/** Fails unless the samples count, from the first that is not silent on. */
function expectCounting(samples: readonly number[]): void {
  const first = samples.findIndex((sample) => sample !== 0);
  const start = samples[first]!;
  const wrong = samples.findIndex(
    (sample, i) => i >= first && sample !== ((start - 1 + i - first) % COUNTER_FRAMES) + 1,
  );
  expect(wrong).toBe(-1);
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const becomes = (session: Session, state: SessionState): Promise<void> =>
  eventually(() => expect(session.state).toBe(state));

describe.each<Place>(['the page', 'a Worker'])('a session whose connection is in %s', (place) => {
  test('delivers every frame to a micwire server once and in order, across outages', async () => {
    const { session, server, errors } = await open(place, 'micwire');
    const gaps: SessionGap[] = [];
    session.addEventListener('gap', ({ detail }) => gaps.push(detail));
    for (let outage = 0; outage < 4; outage++) {
      await sleep(300);
      await server.ask('down');
      await becomes(session, 'waiting');
      await sleep(300);
      await server.ask('up');
      await becomes(session, 'open');
    }
    await session.close();
    const { audio, connections } = await server.log();
    expect(connections.length).toBeGreaterThan(4);
    expect(errors).toEqual([]);
    // The outages lose nothing. An audio thread that stands still may: it is counted, and where it is missing is reported.
    const { capturedFrames, droppedFrames } = session.stats;
    expect(gaps.filter(({ cause }) => cause !== 'capture')).toEqual([]);
    const missing = Array.from({ length: capturedFrames }, () => 0);
    for (const { frame, frames } of gaps) missing.fill(1, frame, frame + frames);
    expect(missing.filter(Boolean)).toHaveLength(droppedFrames);
    let next = 0;
    let samples: number[] = [];
    for (const { frame = NaN, base64 } of audio) {
      expect(frame).toBeGreaterThanOrEqual(next);
      expect(missing.slice(next, frame)).not.toContain(0);
      if (frame > next) {
        // Before the source starts, all is silent.
        if (samples.some((sample) => sample !== 0)) expectCounting(samples);
        samples = [];
      }
      const chunk = new Int16Array(decodeBase64(base64).buffer);
      next = frame + chunk.length;
      samples.push(...chunk);
    }
    expect(missing.slice(next)).not.toContain(0);
    expectCounting(samples);
  });

  test('reports to the service, to the frame, how much audio was played', async () => {
    const { session, server } = await open(place, 'openai');
    const recorder = await session.record({ channels: 'agent', container: 'wav', format: 'f32' });
    // After 700 ms the user has heard enough.
    await eventually(() => expect(session.playout!.position.frames).toBeGreaterThan(16_800));
    const heard = await session.interrupt();
    const file = await recorder.stop();
    const { samples } = wavSamples(await file!.arrayBuffer());
    const first = samples.findIndex((sample) => sample !== 0);
    const last = samples.findLastIndex((sample) => sample !== 0);
    expect(heard).toMatchObject({ item: 'item-0', unheard: [] });
    expect(last + 1 - first).toBe(heard.frames);
    await eventually(async () => {
      const { messages } = await server.log();
      const truncations = messages.filter(({ fields }) => /truncate/.test(String(fields['type'])));
      expect(truncations.map(({ fields }) => fields)).toMatchObject([
        { item_id: 'item-0', audio_end_ms: heard.ms },
      ]);
    });
  });

  test('reports marks and the end of a reply in the frame in which they are heard', async () => {
    const { session } = await open(place, 'micwire');
    const played: { name: string | null; frames: number; contextFrame: number }[] = [];
    session.addEventListener('played', ({ detail }) => void played.push(detail));
    session.mark('second', { item: 'item-0', frames: RATE });
    await eventually(() => expect(played).toHaveLength(2));
    const [mark, end] = played;
    expect(mark).toMatchObject({ item: 'item-0', name: 'second', frames: RATE });
    expect(end).toMatchObject({ item: 'item-0', name: null, frames: 2 * RATE });
    expect(end!.contextFrame - mark!.contextFrame).toBe(RATE);
  });

  test('plays replies in Opus, to the frame', async () => {
    const { session, errors } = await open(place, 'opus');
    const recorder = await session.record({ channels: 'agent', container: 'wav', format: 'f32' });
    const ends: number[] = [];
    session.addEventListener('played', ({ detail }) => void ends.push(detail.frames));
    await eventually(() => expect(ends).toEqual([2 * RATE]));
    // The Worker may know of the end before the page's next report.
    await eventually(() => {
      expect(session.playout!.stats).toMatchObject({ playedFrames: 2 * RATE, droppedFrames: 0 });
    });
    expect(errors).toEqual([]);
    const { samples } = wavSamples(await (await recorder.stop())!.arrayBuffer());
    expect(samples.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0)).toBeGreaterThan(
      0.1,
    );
  });

  test('records both sides, and the file is complete when it has closed', async () => {
    const { session } = await open(place, 'micwire');
    const recorder = await session.record({ channels: 'both', container: 'wav', format: 'f32' });
    const played = new Promise<number>((resolve) => {
      session.addEventListener('played', ({ detail }) => {
        if (detail.name === 'start') resolve(detail.contextFrame);
      });
    });
    session.mark('start', { item: 'item-0', frames: 0 });
    await played;
    await session.close();
    const file = await recorder.stop();
    const { samples, channels } = wavSamples(await file!.arrayBuffer());
    expect(channels).toBe(2);
    const user: number[] = [];
    for (let i = 0; i < samples.length; i += 2) user.push(Math.round(samples[i]! * 32_768));
    expectCounting(user);
    expect(samples.some((sample, i) => i % 2 === 1 && sample !== 0)).toBe(true);
  });
});

test('a session is closed when its Worker is gone', async () => {
  const { session, errors } = await open('a Worker', 'micwire');
  await becomes(session, 'open');
  workers[0]!.terminate();
  await becomes(session, 'closed');
  expect(errors).toEqual(['worker-gone']);
  await session.close();
});

test('a Worker that serves no session is reported within its time limit', async () => {
  const script = URL.createObjectURL(new Blob([''], { type: 'text/javascript' }));
  const context = new AudioContext();
  contexts.push(context);
  const worker = new Worker(script);
  workers.push(worker);
  const opening = Session.open({ context, microphone: null, worker });
  await expect(opening).rejects.toMatchObject({ code: 'worker-gone' });
  URL.revokeObjectURL(script);
});
