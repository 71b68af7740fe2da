/** Sessions in a browser, over real sockets, against the stand-ins of `VoiceServers`. */
import { Session } from 'micwire';
import type { SessionOptions } from 'micwire';
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

/** A session of a tone, at the rate of the service, so that nothing is resampled. */
async function open(
  server: VoiceServer,
  options: Partial<SessionOptions> = {},
): Promise<{ readonly session: Session; readonly context: AudioContext }> {
  const context = new AudioContext({ sampleRate: 24_000 });
  contexts.push(context);
  await context.resume();
  const tone = new OscillatorNode(context);
  tone.start();
  const session = await Session.open({
    context,
    microphone: tone,
    service: openaiRealtime(),
    url: server.url,
    ...options,
  } as SessionOptions);
  sessions.push(session);
  return { session, context };
}

test('what the service is told was heard is what the output played, to the frame', async () => {
  const server = new VoiceServer('openai');
  const { session } = await open(server);
  const recorder = await session.record({ channels: 'agent', container: 'wav', format: 'f32' });
  // A whole reply arrives at once; after 700 ms the user has heard enough.
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
