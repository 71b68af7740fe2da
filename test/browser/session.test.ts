/** Sessions in a browser, over real sockets, against the stand-ins of `VoiceServers`. */
import { Session } from 'micwire';
import type { SessionOptions } from 'micwire';
import { decodeBase64 } from 'micwire/codec';
import { micwire } from 'micwire/services/micwire';
import { openaiRealtime } from 'micwire/services/openai-realtime';
import { afterEach, expect, test } from 'vitest';
import { endContext } from '../helpers/end-context.ts';
import { eventually } from '../helpers/eventually.ts';
import { VoiceServer } from '../helpers/voice-server.ts';
import { wavSamples } from '../helpers/wav-samples.ts';

const sessions: Session[] = [];
const contexts: AudioContext[] = [];
afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.close({ drainMs: 0 })));
  await Promise.all(contexts.splice(0).map(endContext));
});

interface OpenOptions extends Partial<Omit<SessionOptions, 'microphone' | 'worker'>> {
  readonly microphone?: (context: AudioContext) => AudioNode;
}

function tone(context: AudioContext): AudioNode {
  const source = new OscillatorNode(context);
  source.start();
  return source;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A session of a tone, at the rate of the service, so that nothing is resampled. */
async function open(
  server: VoiceServer,
  { microphone: make = tone, ...options }: OpenOptions = {},
): Promise<{ readonly session: Session; readonly context: AudioContext }> {
  const context = new AudioContext({ sampleRate: 24_000 });
  contexts.push(context);
  await context.resume();
  const session = await Session.open({
    context,
    microphone: make(context),
    service: openaiRealtime(),
    url: server.url,
    ...options,
  });
  sessions.push(session);
  return { session, context };
}

test('what the service is told was heard is what the output played, to the frame', async () => {
  const server = new VoiceServer('openai');
  // Long enough for the whole reply to arrive before it begins.
  const { session } = await open(server, { targetDelayMs: 500 });
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

/** Samples that name their frame: 1 to 30000, again and again. */
function counter(context: AudioContext): AudioBufferSourceNode {
  const buffer = new AudioBuffer({ length: COUNTER_FRAMES, sampleRate: context.sampleRate });
  buffer.copyToChannel(
    Float32Array.from({ length: COUNTER_FRAMES }, (_, i) => (i + 1) / 32_768),
    0,
  );
  const source = new AudioBufferSourceNode(context, { buffer, loop: true });
  source.start();
  return source;
}
const COUNTER_FRAMES = 30_000;

test('every frame reaches a server of micwire once and in order, over outages', async () => {
  const server = new VoiceServer('micwire');
  const { session } = await open(server, {
    service: micwire({ input: { format: 's16', sampleRate: 24_000, channels: 1 } }),
    microphone: counter,
    maxDelayMs: 200,
  });
  for (let outage = 0; outage < 4; outage++) {
    await sleep(300);
    await server.ask('down');
    await eventually(() => expect(session.state).toBe('waiting'));
    await sleep(300);
    await server.ask('up');
    await eventually(() => expect(session.state).toBe('open'));
  }
  await session.close();
  const { audio, connections } = await server.log();
  expect(connections.length).toBeGreaterThan(4);
  expect(session.stats.droppedFrames).toBe(0);
  let next = 0;
  const samples: number[] = [];
  for (const { frame, base64 } of audio) {
    expect(frame).toBe(next);
    const bytes = decodeBase64(base64);
    const chunk = new Int16Array(bytes.buffer);
    next += chunk.length;
    samples.push(...chunk);
  }
  expect(next).toBe(session.stats.capturedFrames);
  // Before the source has begun there is silence.
  const first = samples.findIndex((sample) => sample !== 0);
  const start = samples[first]!;
  const wrong = samples.findIndex(
    (sample, i) => i >= first && sample !== ((start - 1 + i - first) % COUNTER_FRAMES) + 1,
  );
  expect(wrong).toBe(-1);
});
