/**
 * What the echo cancellers of real browsers hear: speech by each route of a speaker, on the default output and on another, in a
 * room of PulseAudio where the microphone hears both outputs. Says by how many dB the canceller lowers the speech.
 * `--engine firefox`.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { withLivePage } from './live-page.mjs';

/** @type {readonly Omit<import('./echo-live/page.ts').EchoCase, 'echoCancellation'>[]} */
const WAYS = [
  { route: 'context', output: null },
  { route: 'element', output: null },
  { route: 'call', output: null },
  { route: 'context', output: 'desk' },
  { route: 'element', output: 'desk' },
  { route: 'call', output: 'desk' },
  { route: 'context', output: null, sampleRate: 16_000 },
  { route: 'call', output: null, sampleRate: 16_000 },
];
const CHROMIUM_ASKS = /** @type {const} */ ([true, 'remote-only']);
const FIREFOX_ASKS = /** @type {const} */ ([true]);

/**
 * @param {Readonly<Record<string, string | undefined>>} options
 * @returns {Promise<import('./measure.ts').Row[]>}
 */
export async function run({ engine = 'chromium' }) {
  if (engine !== 'chromium' && engine !== 'firefox') {
    throw new Error(`--engine must be chromium or firefox, got ${engine}.`);
  }
  const path = join(process.cwd(), 'test/engines/sound-server.mjs');
  /** @type {typeof import('../test/engines/sound-server.mjs')} */
  const { missingForSoundServer, startSoundServer } = await import(pathToFileURL(path).href);
  const missing = missingForSoundServer();
  if (missing !== undefined) throw new Error(missing);
  const sound = await startSoundServer();
  try {
    await addRoom(sound);
    return await withLivePage(
      {
        page: 'bench/echo-live/index.html',
        sound,
        engine,
        args: engine === 'chromium' ? ['--allow-loopback-in-peer-connection'] : [],
      },
      async (evaluate, browser) => {
        const rows = [];
        for (const way of WAYS) {
          const off = await measure(evaluate, { ...way, echoCancellation: false });
          for (const echoCancellation of engine === 'firefox' ? FIREFOX_ASKS : CHROMIUM_ASKS) {
            const on = await measure(evaluate, { ...way, echoCancellation });
            console.log(JSON.stringify({ ...way, echoCancellation, off, on }));
            rows.push({
              case: `${way.route}, ${way.output ?? 'default output'}, ${way.sampleRate ?? "the device's"} Hz, ${echoCancellation}`,
              subject: browser.version,
              metric: 'cancelled',
              value: off.rmsDbfs - on.rmsDbfs,
              unit: 'dB',
            });
          }
        }
        return rows;
      },
    );
  } finally {
    sound.stop();
  }
}

/**
 * @param {(script: string) => Promise<any>} evaluate
 * @param {import('./echo-live/page.ts').EchoCase} options
 * @returns {Promise<import('./echo-live/page.ts').EchoResult>}
 */
function measure(evaluate, options) {
  return evaluate(`
    for (let i = 0; i < 500 && !globalThis.runEchoCase; i++) await new Promise((f) => setTimeout(f, 20));
    return runEchoCase(${JSON.stringify(options)});`);
}

/** @param {import('../test/engines/sound-server.mjs').SoundServer} sound */
async function addRoom({ control }) {
  const sink = (/** @type {string} */ name) =>
    control(
      ...['load-module', 'module-null-sink', `sink_name=${name}`, 'rate=48000', 'norewinds=1'],
      `sink_properties=device.description=${name}`,
    );
  await sink('desk');
  await sink('air');
  await control('set-default-sink', 'micwire');
  for (const each of ['micwire', 'desk']) {
    await control(
      ...[
        'load-module',
        'module-loopback',
        `source=${each}.monitor`,
        'sink=air',
        'latency_msec=60',
        // Else the default source takes it along.
        'source_dont_move=true',
        'sink_dont_move=true',
      ],
    );
  }
  await control(
    ...[
      'load-module',
      'module-remap-source',
      'source_name=ear',
      'master=air.monitor',
      'channels=1',
    ],
    'source_properties=device.description=ear',
  );
  await control('set-default-source', 'ear');
}
