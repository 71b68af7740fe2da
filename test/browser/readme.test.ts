import { afterEach, expect, test, vi } from 'vitest';
import { endContext } from '../helpers/end-context.ts';

/** The guide's echo server is elsewhere; here the test's own server answers. Everything else runs as printed. */
class EchoSocket extends WebSocket {
  static readonly sent: string[] = [];
  static readonly received: string[] = [];
  static readonly asked: string[] = [];
  static open: EchoSocket[] = [];

  constructor(url: string | URL) {
    super(new URL('/echo', location.href.replace(/^http/, 'ws')));
    EchoSocket.asked.push(String(url));
    EchoSocket.open.push(this);
    this.addEventListener('message', ({ data }) => EchoSocket.received.push(String(data)));
  }

  override send(data: string): void {
    EchoSocket.sent.push(data);
    super.send(data);
  }
}

afterEach(() => {
  for (const socket of EchoSocket.open) socket.close();
  vi.unstubAllGlobals();
});

test('the quick start of the README runs as written: the microphone is sent in Base64 and returns', async () => {
  const contexts: AudioContext[] = [];
  vi.stubGlobal('WebSocket', EchoSocket);
  vi.stubGlobal(
    'AudioContext',
    class extends AudioContext {
      constructor() {
        super();
        contexts.push(this);
      }
    },
  );

  const failures: unknown[] = [];
  // It reads the microphone for ever, so the module never ends by itself.
  // @ts-expect-error The module is a block of the guide, made by the test's plugin.
  const run = import('guide:README.md:0') as Promise<unknown>;
  run.catch((error: unknown) => failures.push(error));

  await expect
    .poll(
      () => {
        if (failures.length > 0) throw failures[0];
        return EchoSocket.received.length;
      },
      { timeout: 15_000 },
    )
    .toBeGreaterThan(25);
  expect(EchoSocket.asked).toEqual(['ws://localhost:8080/echo']);
  const { audio } = JSON.parse(EchoSocket.sent[3]!) as { audio: string };
  // 20 ms at 16 kHz in s16.
  expect(atob(audio)).toHaveLength(640);
  expect(EchoSocket.received[3]).toBe(EchoSocket.sent[3]);
  await endContext(contexts[0]!);
});
