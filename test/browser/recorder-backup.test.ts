import { Recorder, unfinishedRecordings } from 'micwire';
import type { MicwireError, RecorderOptions, UnfinishedRecording } from 'micwire';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { endContext } from '../helpers/end-context.ts';
import { eventually } from '../helpers/eventually.ts';
import { ffmpegFrames, opusinfoSeconds } from '../helpers/ask-program.ts';

const DATABASE = 'micwire-recordings';

const WEBKIT = /^((?!chrome).)*safari/i.test(navigator.userAgent);

type AnyMethod = (this: unknown, ...args: unknown[]) => unknown;

let context: AudioContext;
beforeEach(() => {
  context = new AudioContext();
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  await endContext(context);
  for (const left of await unfinishedRecordings()) await left.delete();
});

function tone(): AudioNode {
  const source = new OscillatorNode(context);
  source.start();
  return source;
}

/** A Worker's script, as an address. */
function script(code: string): string {
  return URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
}

async function named(name: string): Promise<UnfinishedRecording | undefined> {
  return (await unfinishedRecordings()).find((one) => one.name === name);
}

/** A recording under way, and the errors that it has told. */
async function recording(
  options: RecorderOptions,
): Promise<{ readonly recorder: Recorder; readonly errors: MicwireError[] }> {
  const recorder = await Recorder.create(context, tone(), options);
  const errors: MicwireError[] = [];
  recorder.addEventListener('error', ({ detail }) => errors.push(detail));
  await context.resume();
  await eventually(() => expect(recorder.durationSeconds).toBeGreaterThan(0.3));
  return { recorder, errors };
}

/** It continues, and gives its file. */
async function completes(recorder: Recorder, errors: readonly MicwireError[]): Promise<void> {
  await eventually(() => expect(errors.map(({ code }) => code)).toEqual(['backup']));
  expect(errors[0]!.message).toMatch(/continues without one: .+ Free storage/);
  expect(recorder.backup).toBe('failed');
  expect(recorder.state).toBe('recording');
  const { durationSeconds: duration } = recorder;
  await eventually(() => expect(recorder.durationSeconds).toBeGreaterThan(duration + 0.2));
  const file = await recorder.stop();
  expect(recorder.state).toBe('stopped');
  expect(file!.size).toBe(recorder.size);
  const frames = await ffmpegFrames(file!, 1);
  if (frames !== undefined) expect(frames).toBe(Math.round(recorder.durationSeconds * 48_000));
  expect(errors.length).toBe(1);
}

/** No Worker can be started: the page stores what it records. */
const NO_WORKER = { backupWorkerUrl: script('throw new Error("none")') };

describe('a backup that fails leaves the recording as it is', () => {
  const WORKERS: readonly (readonly [string, string])[] = [
    [
      'when the Worker finds no storage',
      "onmessage = () => postMessage({ type: 'failed', message: 'QuotaExceededError: full.' }); postMessage({ type: 'loaded' });",
    ],
    [
      'when its storage is full in mid-recording',
      `onmessage = ({ data }) => {
         if (data.type === 'open') postMessage({ type: 'opened' });
         else if (data.type === 'end') postMessage({ type: 'ended' });
         else setTimeout(() => postMessage({ type: 'failed', message: 'QuotaExceededError: full.' }), 500);
       };
       postMessage({ type: 'loaded' });`,
    ],
    [
      'when the Worker throws',
      `onmessage = ({ data }) => {
         if (data.type === 'open') postMessage({ type: 'opened' });
         else if (data.type === 'micwire-capture') setTimeout(() => { throw new Error('a fault') }, 500);
       };
       postMessage({ type: 'loaded' });`,
    ],
  ];

  test.each(WORKERS)('%s', async (_, code) => {
    const { recorder, errors } = await recording({
      container: 'wav',
      sampleRate: 48_000,
      backup: 'fails',
      backupWorkerUrl: script(code),
    });
    await completes(recorder, errors);
  });

  test('when the Worker never confirms the end of the backup, stop() returns the file all the same', async () => {
    const { recorder, errors } = await recording({
      container: 'ogg',
      backup: 'silent',
      backupWorkerUrl: script(
        "onmessage = ({ data }) => data.type === 'open' && postMessage({ type: 'opened' }); postMessage({ type: 'loaded' });",
      ),
    });
    const file = await recorder.stop();
    expect(file!.size).toBe(recorder.size);
    expect(recorder.state).toBe('stopped');
    expect(errors).toEqual([]);
  });

  test('when no Worker starts and IndexedDB is absent', async () => {
    vi.stubGlobal('indexedDB', undefined);
    const made = await recording({
      container: 'wav',
      sampleRate: 48_000,
      backup: 'absent',
      ...NO_WORKER,
    });
    await completes(made.recorder, made.errors);
  });

  test('when no Worker starts and IndexedDB never opens', async () => {
    vi.spyOn(indexedDB, 'open').mockReturnValue({} as IDBOpenDBRequest);
    const made = await recording({
      container: 'ogg',
      backup: 'blocked',
      ...NO_WORKER,
    });
    await completes(made.recorder, made.errors);
  });

  test('when no Worker starts and a transaction is aborted', async () => {
    const made = await recording({
      container: 'ogg',
      backup: 'aborted',
      ...NO_WORKER,
    });
    expect(made.recorder.backup).toBe('page');
    const { transaction } = IDBDatabase.prototype as { readonly transaction: AnyMethod };
    vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (
      this: IDBDatabase,
      ...args: unknown[]
    ) {
      const begun = transaction.apply(this, args) as IDBTransaction;
      if (begun.mode === 'readwrite') queueMicrotask(() => begun.abort());
      return begun;
    });
    await completes(made.recorder, made.errors);
  });

  test('when the database is deleted, which does not wait for the recording', async () => {
    const made = await recording({
      container: 'ogg',
      backup: 'deleted',
      ...NO_WORKER,
    });
    await new Promise<void>((resolve, reject) => {
      const request = indexedDB.deleteDatabase(DATABASE);
      request.onsuccess = (): void => resolve();
      request.onerror = (): void => reject(request.error as DOMException);
    });
    await completes(made.recorder, made.errors);
  });
});

test('without Web Locks there is no backup, which is reported, and no recording is mistaken for a dead one', async () => {
  vi.stubGlobal('navigator', {});
  const { recorder, errors } = await recording({
    container: 'wav',
    sampleRate: 48_000,
    backup: 'no locks',
    ...NO_WORKER,
  });
  expect(await unfinishedRecordings()).toEqual([]);
  await completes(recorder, errors);
});

test('unavailable storage holds no unfinished recording: the query does not fail', async () => {
  vi.stubGlobal('indexedDB', undefined);
  expect(await unfinishedRecordings()).toEqual([]);
});

test('if no Worker starts the page backs up, and a stream that fails leaves the backup', async () => {
  let writes = 0;
  const stream = new WritableStream({
    write: () => (++writes > 12 ? Promise.reject(new Error('disk full')) : undefined),
  });
  const recorder = await Recorder.create(context, tone(), {
    container: 'wav',
    stream,
    backup: 'kept',
    ...NO_WORKER,
  });
  expect(recorder.backup).toBe('page');
  await context.resume();
  await eventually(() => expect(recorder.state).toBe('failed'));
  await expect(recorder.stop()).rejects.toMatchObject({
    code: 'recording',
    message: expect.stringMatching(/disk full.*unfinishedRecordings\(\)/) as string,
  });
  const kept = await eventually(async () => {
    const found = await named('kept');
    expect(found).toBeDefined();
    return found!;
  });
  const frames = await ffmpegFrames(await kept.blob(), 1);
  if (frames !== undefined)
    expect(frames / 48_000).toBeGreaterThanOrEqual(recorder.durationSeconds);
  await kept.delete();
  expect(await named('kept')).toBeUndefined();
  await expect(kept.blob()).rejects.toMatchObject({ code: 'backup' });
});

describe('IndexedDB', () => {
  /** As a page has left it. */
  async function put(entries: readonly object[], pieces: readonly [string, number][]) {
    await named('none');
    const database = await opened();
    const transaction = database.transaction(['recordings', 'pieces'], 'readwrite');
    for (const entry of entries) transaction.objectStore('recordings').put(entry);
    for (const key of pieces) {
      transaction.objectStore('pieces').put(new Uint8Array(100).fill(key[1]).buffer, key);
    }
    await new Promise<void>((resolve) => (transaction.oncomplete = () => resolve()));
    database.close();
  }

  function opened(): Promise<IDBDatabase> {
    return new Promise((resolve, reject) => {
      const request = indexedDB.open(DATABASE, 1);
      request.onsuccess = (): void => resolve(request.result);
      request.onerror = (): void => reject(request.error as DOMException);
    });
  }

  async function pieceIds(): Promise<readonly string[]> {
    const database = await opened();
    const request = database.transaction('pieces').objectStore('pieces').getAllKeys();
    const keys = await new Promise<IDBValidKey[]>(
      (resolve) => (request.onsuccess = () => resolve(request.result)),
    );
    database.close();
    return keys.map((key) => (key as [string, number])[0]);
  }

  test('orphaned pieces are removed; those of a dead recording, or of a running one, are not', async () => {
    const { recorder } = await recording({ container: 'wav', backup: 'alive', ...NO_WORKER });
    const dead = { id: '5-dead', name: 'dead', type: 'audio/ogg', startedAtMs: 5, wav: null };
    const orphans = [0, 1, 2].flatMap((number) =>
      ['1-a', '2-b', '9-z'].map((id): [string, number] => [id, number]),
    );
    await put([dead], [...orphans, [dead.id, 0], [dead.id, 1]]);
    const [found, ...others] = await unfinishedRecordings();
    expect(others).toEqual([]);
    expect(found).toMatchObject({ id: dead.id, name: 'dead', type: 'audio/ogg', startedAtMs: 5 });
    expect((await found!.blob()).size).toBe(200);
    const left = new Set(await pieceIds());
    for (const id of ['1-a', '2-b', '9-z']) expect(left.has(id)).toBe(false);
    expect(left.has(dead.id)).toBe(true);
    await eventually(async () => expect(new Set(await pieceIds()).size).toBe(2));
    await found!.delete();
    await recorder.stop();
    expect(await pieceIds()).toEqual([]);
  });

  test('a recording of many pieces is restored in order', async () => {
    const entry = { id: '7-long', name: 'long', type: 'audio/ogg', startedAtMs: 7, wav: null };
    await put(
      [entry],
      Array.from({ length: 150 }, (_, i): [string, number] => [entry.id, i]),
    );
    const blob = await (await named('long'))!.blob();
    const bytes = new Uint8Array(await blob.arrayBuffer());
    expect(blob.size).toBe(15_000);
    expect(bytes.every((byte, i) => byte === Math.floor(i / 100))).toBe(true);
  });
});

/** A page of its own within this one: it shares this thread, and ends when it is removed. */
async function otherPage(options: object): Promise<{
  readonly frame: HTMLIFrameElement;
  readonly window: Window & { recorder: Recorder };
}> {
  const frame = document.createElement('iframe');
  frame.allow = 'autoplay; cross-origin-isolated';
  const ready = new Promise<void>((resolve, reject) => {
    window.addEventListener('message', function listen({ data, source }) {
      if (source !== frame.contentWindow) return;
      window.removeEventListener('message', listen);
      if (data === 'recording') resolve();
      else reject(new Error(String(data)));
    });
  });
  frame.srcdoc = `<!doctype html><script type="module">
    // What the test's own page has for the imports of what it loads.
    window.__vitest_browser_runner__ = { wrapDynamicImport: (load) => load() };
    try {
      const { Recorder } = await import('${new URL('/src/web/index.ts', location.href).href}');
      const context = new AudioContext();
      const source = new OscillatorNode(context);
      source.start();
      window.recorder = await Recorder.create(context, source, ${JSON.stringify(options)});
      await context.resume();
      parent.postMessage('recording', '*');
    } catch (error) {
      parent.postMessage(String(error.stack ?? error), '*');
    }
  </script>`;
  document.body.append(frame);
  await ready;
  return { frame, window: frame.contentWindow as never };
}

describe('a page that dies', () => {
  test.each(['ogg', 'wav', 'webm'] as const)(
    'has its %s but for the last second, although it was blocked for 4 s before (but in WebKit)',
    { timeout: 60_000 },
    async (container) => {
      const name = `crash ${container}`;
      const page = await otherPage({ container, backup: name });
      await eventually(() => expect(page.window.recorder.durationSeconds).toBeGreaterThan(0.5));
      expect(page.window.recorder.backup).toBe('worker');
      const { durationSeconds: duration } = page.window.recorder;
      const blocked = performance.now();
      while (performance.now() - blocked < 4000);
      // In the same task: the page has had no turn since.
      const held = (performance.now() - blocked) / 1000;
      // In WebKit messages between Workers pass the page's thread: while that is blocked, the backup may not grow.
      const seconds = duration + (WEBKIT ? 0 : held);
      page.frame.remove();
      const lost = await eventually(async () => {
        const found = await named(name);
        expect(found).toBeDefined();
        return found!;
      });
      const file = await lost.blob();
      expect(file.type).toMatch(/^audio\//);
      const frames = await ffmpegFrames(file, 1).catch(() => undefined);
      if (frames !== undefined) expect(frames / 48_000).toBeGreaterThan(seconds - 1);
      if (container === 'ogg') {
        const told = await opusinfoSeconds(file).catch(() => undefined);
        if (told !== undefined) expect(told).toBeGreaterThan(seconds - 1);
      }
      await lost.delete();
      expect(await named(name)).toBeUndefined();
    },
  );
});

test('a second page that restores and deletes the recordings it finds leaves a running one alone', async () => {
  const page = await otherPage({ container: 'ogg', backup: 'in another tab' });
  await eventually(() => expect(page.window.recorder.durationSeconds).toBeGreaterThan(1));
  for (const lost of await unfinishedRecordings()) await lost.delete();
  const { durationSeconds: duration } = page.window.recorder;
  await eventually(() =>
    expect(page.window.recorder.durationSeconds).toBeGreaterThan(duration + 0.5),
  );
  expect(page.window.recorder.state).toBe('recording');
  expect(page.window.recorder.backup).toBe('worker');
  page.frame.remove();
  const lost = await eventually(async () => {
    const found = await named('in another tab');
    expect(found).toBeDefined();
    return found!;
  });
  expect((await lost.blob()).size).toBeGreaterThan(1000);
});
