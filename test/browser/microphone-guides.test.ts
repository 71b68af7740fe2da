/** Every example of the guides to microphones, speakers and mixers runs as it is printed. */
import { Microphone } from 'micwire';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { endContext } from '../helpers/end-context.ts';
import { eventually } from '../helpers/eventually.ts';

/** Every context that an example makes, and every microphone that it opens: to end them. */
const contexts: AudioContext[] = [];
const microphones: Microphone[] = [];
const sent = vi.fn();
/** What the text around an example speaks of. */
let context: AudioContext;

beforeEach(async () => {
  const Native = AudioContext;
  vi.stubGlobal(
    'AudioContext',
    class extends Native {
      constructor(options?: AudioContextOptions) {
        super(options);
        contexts.push(this);
      }
    },
  );
  context = new AudioContext();
  await context.resume();
  // Not every engine has a microphone here, and none a tab to share: tones are as good.
  const tone = (): Promise<MediaStream> => {
    const source = new OscillatorNode(context);
    const destination = new MediaStreamAudioDestinationNode(context);
    source.connect(destination);
    source.start();
    return Promise.resolve(destination.stream);
  };
  const { mediaDevices } = navigator;
  Object.defineProperty(mediaDevices, 'getUserMedia', { value: tone, configurable: true });
  Object.defineProperty(mediaDevices, 'getDisplayMedia', { value: tone, configurable: true });
  const open = Microphone.open.bind(Microphone);
  vi.spyOn(Microphone, 'open').mockImplementation(async (...given) => {
    const microphone = await open(...given);
    microphones.push(microphone);
    return microphone;
  });
  vi.spyOn(console, 'log').mockImplementation(() => {});
  document.body.innerHTML = '<select></select><button></button><p id="hint"></p>';
  vi.stubGlobal('context', context);
  vi.stubGlobal('socket', { send: sent });
});
afterEach(async () => {
  await Promise.all(microphones.splice(0).map((microphone) => microphone.close()));
  const { mediaDevices } = navigator as unknown as { mediaDevices: Record<string, unknown> };
  delete mediaDevices.getUserMedia;
  delete mediaDevices.getDisplayMedia;
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  sent.mockReset();
  document.body.replaceChildren();
  await Promise.all(contexts.splice(0).map(endContext));
});

// The modules are blocks of the guides, made by the test’s plugin.
const STREAMING = [
  // @ts-expect-error No types.
  ['docs/microphone.md, first', () => import('guide:docs/microphone.md:0') as Promise<unknown>],
  // @ts-expect-error As above.
  ['docs/mixing.md, first', () => import('guide:docs/mixing.md:0') as Promise<unknown>],
] as const;

test.each(STREAMING)('%s example sends the audio that it captures', async (_, run) => {
  const failures: unknown[] = [];
  run().catch((error: unknown) => void failures.push(error));
  await eventually(
    () => {
      if (failures.length > 0) throw failures[0];
      expect(sent.mock.calls.length).toBeGreaterThan(20);
    },
    { timeout: 15_000 },
  );
});

const BLOCKS = {
  // @ts-expect-error As above.
  'docs/microphone.md, permission': () => import('guide:docs/microphone.md:1') as Promise<unknown>,
  // @ts-expect-error As above.
  'docs/microphone.md, picker': () => import('guide:docs/microphone.md:2') as Promise<unknown>,
  // @ts-expect-error As above.
  'docs/microphone.md, gap': () => import('guide:docs/microphone.md:3') as Promise<unknown>,
  // @ts-expect-error As above.
  'docs/microphone.md, silent': () => import('guide:docs/microphone.md:4') as Promise<unknown>,
  // @ts-expect-error As above.
  'docs/microphone.md, mute': () => import('guide:docs/microphone.md:5') as Promise<unknown>,
  // @ts-expect-error As above.
  'docs/microphone.md, talk': () => import('guide:docs/microphone.md:6') as Promise<unknown>,
  // @ts-expect-error As above.
  'docs/microphone.md, echo': () => import('guide:docs/microphone.md:7') as Promise<unknown>,
  // @ts-expect-error As above.
  'docs/microphone.md, measuring': () => import('guide:docs/microphone.md:8') as Promise<unknown>,
  // @ts-expect-error As above.
  'docs/microphone.md, call': () => import('guide:docs/microphone.md:9') as Promise<unknown>,
  // @ts-expect-error As above.
  'docs/speaker.md, first': () => import('guide:docs/speaker.md:0') as Promise<unknown>,
  // @ts-expect-error As above.
  'docs/speaker.md, output': () => import('guide:docs/speaker.md:1') as Promise<unknown>,
  // @ts-expect-error As above.
  'docs/mixing.md, mixed': () => import('guide:docs/mixing.md:1') as Promise<unknown>,
  // @ts-expect-error As above.
  'docs/mixing.md, come and go': () => import('guide:docs/mixing.md:2') as Promise<unknown>,
  // @ts-expect-error As above.
  'docs/mixing.md, clocks': () => import('guide:docs/mixing.md:3') as Promise<unknown>,
} as const;

test.each(Object.entries(BLOCKS))('%s runs as written', async (name, run) => {
  // WebKitGTK has no calls.
  if (name.endsWith('call') && typeof RTCPeerConnection !== 'function') return;
  if (name.startsWith('docs/mixing.md')) {
    vi.stubGlobal('microphone', await Microphone.open(context));
  }
  await run();
});
