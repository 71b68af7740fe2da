/** A snippet of the guides at work on the page. */
export interface Run {
  /** Ends its contexts and its microphones, which ends everything that micwire has made. */
  stop(): void;
  /** Settles when the snippet has come to its end. */
  readonly ended: Promise<void>;
}

interface Snippet {
  default(): Promise<void>;
}

/**
 * Runs a snippet: what it prints goes to `print`, and what it opens is closed by `stop()`.
 * @param needs what it uses without making it: `context`, `microphone`, `source`, `track`
 */
export function startRun(
  needs: readonly string[],
  load: () => Promise<unknown>,
  print: (line: string) => void,
): Run {
  const restore: (() => void)[] = [];
  const contexts: AudioContext[] = [];
  const streams: MediaStream[] = [];
  let stopped = false;
  const replace = <Owner extends object, Key extends keyof Owner>(
    owner: Owner,
    key: Key,
    value: Owner[Key],
  ): void => {
    const before = Object.getOwnPropertyDescriptor(owner, key);
    Object.defineProperty(owner, key, { value, configurable: true, writable: true });
    restore.push(() => {
      if (before === undefined) delete owner[key];
      else Object.defineProperty(owner, key, before);
    });
  };

  const Native = AudioContext;
  replace(
    globalThis,
    'AudioContext',
    class extends Native {
      constructor(options?: AudioContextOptions) {
        super(options);
        contexts.push(this);
      }
    },
  );
  const devices = navigator.mediaDevices;
  const getUserMedia = devices.getUserMedia.bind(devices);
  replace(devices, 'getUserMedia', async (constraints?: MediaStreamConstraints) => {
    const stream = await getUserMedia(constraints);
    streams.push(stream);
    return stream;
  });
  for (const level of ['log', 'warn', 'error'] as const) {
    const native = console[level];
    replace(console, level, (...values: unknown[]) => {
      native(...values);
      if (!stopped) print(values.map(textOf).join(' '));
    });
  }

  const stop = (): void => {
    if (stopped) return;
    stopped = true;
    for (const stream of streams) for (const track of stream.getTracks()) track.stop();
    for (const context of contexts) if (context.state !== 'closed') void context.close();
    for (const each of restore.reverse()) each();
  };
  const run = async (): Promise<void> => {
    try {
      const globals = globalThis as unknown as Record<string, unknown>;
      const give = (key: string, value: unknown): void => replace(globals, key, value);
      if (needs.length > 0) {
        const context = new AudioContext();
        give('context', context);
        if (needs.some((name) => name !== 'context')) {
          const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
          give('microphone', stream);
          give('track', stream.getAudioTracks()[0]);
          give('source', context.createMediaStreamSource(stream));
        }
        await context.resume();
      }
      await ((await load()) as Snippet).default();
      if (!stopped) print('(The code has run to its end.)');
    } catch (error) {
      if (!stopped) print(error instanceof Error ? error.message : String(error));
    }
  };
  return { stop, ended: run() };
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : value.toFixed(3);
  if (value instanceof Error) return value.message;
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} of ${value.byteLength} bytes`;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}
