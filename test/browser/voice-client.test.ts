/**
 * The whole voice clients of `examples/voice-client`, and the examples of the guide, as they are, against servers that speak the
 * services' language.
 */
import { Microphone, Session } from 'micwire';
import { micwire } from 'micwire/services/micwire';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import page from '../../examples/voice-client/index.html?raw';
import { endContext } from '../helpers/end-context.ts';
import { eventually } from '../helpers/eventually.ts';
import { VoiceServer } from '../helpers/voice-server.ts';

const contexts: AudioContext[] = [];
const opened: { close(): Promise<void> }[] = [];

beforeEach(() => {
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
  for (const Kind of [Microphone, Session] as { open(...given: unknown[]): unknown }[]) {
    const open = Kind.open.bind(Kind);
    vi.spyOn(Kind, 'open').mockImplementation(async (...given) => {
      const made = (await open(...given)) as { close(): Promise<void> };
      opened.push(made);
      return made;
    });
  }
  document.body.innerHTML = page.slice(page.indexOf('<button'), page.indexOf('<script'));
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()));
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  document.body.replaceChildren();
  await Promise.all(contexts.splice(0).map(endContext));
});

/** Brings the example's connections and its request for a token to the stand-in. */
function redirect(server: VoiceServer, token: string): void {
  const Native = WebSocket;
  vi.stubGlobal(
    'WebSocket',
    class extends Native {
      constructor(url: string, protocols: string[]) {
        const { protocol, pathname, search } = new URL(url);
        const isService = protocol === 'wss:' || pathname === '/session';
        super(isService ? server.url + search : url, protocols);
      }
    },
  );
  const nativeFetch = fetch;
  vi.stubGlobal('fetch', (url: string, ...rest: []) =>
    url === '/token' ? Promise.resolve(new Response(token)) : nativeFetch(url, ...rest),
  );
}

const lines = (): (string | null)[] =>
  [...document.querySelectorAll('li')].map(({ textContent }) => textContent);
const status = (): string | null | undefined => document.querySelector('p')?.textContent;

const CLIENTS = [
  {
    language: 'openai',
    run: () => import('../../examples/voice-client/openai.ts'),
    protocols: 'realtime, openai-insecure-api-key.secret',
  },
  {
    language: 'deepgram',
    run: () => import('../../examples/voice-client/deepgram.ts'),
    protocols: 'bearer, secret',
  },
  {
    language: 'micwire',
    run: () => import('../../examples/voice-client/micwire.ts'),
    protocols: 'micwire.1',
  },
] as const;

test.each(CLIENTS)(
  'the $language client talks, survives a lost connection, and loses no word',
  async ({ language, run, protocols }) => {
    const server = new VoiceServer(language);
    redirect(server, 'secret');
    await run();
    document.querySelector('button')!.click();
    await eventually(() => expect(status()).toBe('open'));
    await eventually(() => expect(lines()).toEqual(['user: Hello.', 'agent: Good morning.']));
    await server.ask('cut');
    const connections = await eventually(async () => {
      const log = await server.log();
      expect(log.connections).toHaveLength(2);
      return log.connections;
    });
    await eventually(() => expect(status()).toBe('open'));
    expect(connections.map((each) => each.protocols)).toEqual([protocols, protocols]);
  },
);

test('docs/session.md, first example shows the transcript', async () => {
  redirect(new VoiceServer('openai'), 'secret');
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  // @ts-expect-error The module is a block of the guide, made by the test’s plugin.
  await (import('guide:docs/session.md:0') as Promise<unknown>);
  await eventually(() => expect(log.mock.calls).toContainEqual(['agent: Good morning.']));
});

// The modules are blocks of the guide.
const BLOCKS = {
  // @ts-expect-error As above.
  'gap and stats': () => import('guide:docs/session.md:1') as Promise<unknown>,
  // @ts-expect-error As above.
  interrupt: () => import('guide:docs/session.md:2') as Promise<unknown>,
  // @ts-expect-error As above.
  marks: () => import('guide:docs/session.md:3') as Promise<unknown>,
  // @ts-expect-error As above.
  echo: () => import('guide:docs/session.md:4') as Promise<unknown>,
  // @ts-expect-error As above.
  record: () => import('guide:docs/session.md:5') as Promise<unknown>,
} as const;

test.each(Object.entries(BLOCKS))('docs/session.md, %s runs as written', async (name, run) => {
  redirect(new VoiceServer('micwire'), 'secret');
  const context = new AudioContext();
  await context.resume();
  vi.stubGlobal('context', context);
  vi.stubGlobal('download', vi.fn());
  if (name !== 'echo') {
    const microphone = await Microphone.open(context);
    const session = await Session.open({
      context,
      microphone,
      service: micwire(),
      url: '/session',
    });
    // Something to record and to interrupt.
    await eventually(() => expect(session.playout!.position.frames).toBeGreaterThan(0));
    vi.stubGlobal('session', session);
  }
  await run();
});
