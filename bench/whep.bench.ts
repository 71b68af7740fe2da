/**
 * Live rooms: one page publishes a tone by WHIP to Janus, N sessions of another page play it by WHEP, in the forwarding room and in
 * the mixing one. What is forwarded comes back to Node as plain RTP as well. Says what was lost, and what Janus needs. Needs Janus.
 * `--listeners 50 --seconds 30`
 */
import type { Page } from 'playwright-core';
import { hasJanus } from '../demo/server/sfu/janus-process.ts';
import { ROOM_NAMES } from '../demo/server/sfu/janus-rooms.ts';
import type { RoomName } from '../demo/server/sfu/janus-rooms.ts';
import { Sfu } from '../demo/server/sfu/sfu.ts';
import { sfuPlugin } from '../test/helpers/sfu-plugin.ts';
import { withLivePage } from './live-page.mjs';
import type { Row } from './measure.ts';

const PAGE = 'test/fixtures/blank.html';
const TONE_HZ = 440;
/** After the last listener has connected. */
const SETTLE_MS = 1000;

type Options = Readonly<Partial<Record<'listeners' | 'seconds', string>>>;

/** What the listeners' page tells. */
interface Heard {
  readonly received: number;
  readonly lost: number;
  readonly connected: number;
}

export async function run(options: Options): Promise<readonly Row[]> {
  if (!hasJanus()) {
    console.log('Janus is not installed: nothing was measured.');
    return [];
  }
  const number = (name: keyof Options, standard: number): number => {
    const value = Number(options[name] ?? standard);
    if (Number.isInteger(value) && value > 0) return value;
    throw new Error(`--${name} must be an integer above 0, got ${options[name]}.`);
  };
  const listeners = number('listeners', 50);
  const seconds = number('seconds', 30);
  const rows: Row[] = [];
  for (const room of ROOM_NAMES.toReversed())
    rows.push(...(await measure(room, listeners, seconds)));
  return rows;
}

async function measure(room: RoomName, listeners: number, seconds: number): Promise<Row[]> {
  // Its RTP is received and counted; nothing is recorded.
  const sfu = new Sfu({ loadOpus: null });
  try {
    return await withLivePage(
      { page: PAGE, plugins: [sfuPlugin(sfu)] },
      async (evaluate, browser) => {
        await evaluate(PUBLISH(room));
        const audience = await browser.page!.context().browser()!.newPage();
        await audience.goto(browser.page!.url());
        const startMs = performance.now();
        const { failed } = (await inPage(audience, LISTEN(room, listeners))) as {
          failed: string[];
        };
        const connectMs = performance.now() - startMs;
        if (failed.length > 0) console.log(`${failed.length} listeners failed: ${failed[0]}`);
        await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
        const janus = await sfu.process();
        const [forwarded] = sfu.forwarded;
        const before = (await inPage(audience, COUNT)) as Heard;
        const [cpuBefore, fromMs, rtpBefore] = [
          janus.cpuSeconds,
          performance.now(),
          forwarded?.stats,
        ];
        await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
        const cpuSeconds = janus.cpuSeconds - cpuBefore;
        const measuredSeconds = (performance.now() - fromMs) / 1000;
        const rtp = forwarded?.stats;
        const after = (await inPage(audience, COUNT)) as Heard;
        const hz = (await inPage(audience, HEAR)) as number;
        if (Math.abs(hz - TONE_HZ) > 10) throw new Error(`The first listener hears ${hz} Hz.`);
        const received = after.received - before.received;
        const lost = after.lost - before.lost;
        const row = (metric: string, value: number, unit: string): Row => ({
          case: `${room}: ${listeners} listeners, ${seconds} s`,
          subject: 'Janus',
          metric,
          value,
          unit,
        });
        return [
          row('listeners connected', after.connected, ''),
          row('until all are connected', connectMs, 'ms'),
          row('packets a second, each listener', received / measuredSeconds / listeners, ''),
          row('packets received', received, ''),
          row('packets lost', lost, ''),
          row('CPU of Janus, of a core', (100 * cpuSeconds) / measuredSeconds, '%'),
          row('CPU of Janus for a packet out', (1e6 * cpuSeconds) / received, 'µs'),
          row('memory of Janus', janus.memoryBytes / 2 ** 20, 'MiB'),
          ...(rtp === undefined || rtpBefore === undefined
            ? []
            : [
                row('rtp_forward: packets', rtp.receivedPackets - rtpBefore.receivedPackets, ''),
                row('rtp_forward: bad', rtp.badMessages + rtp.strayPackets, ''),
                row('rtp_forward: lost', rtp.lostPackets, ''),
                row('rtp_forward: frames missing', rtp.missingFrames, ''),
              ]),
        ];
      },
    );
  } finally {
    await sfu.close();
  }
}

const inPage = (page: Page, script: string): Promise<unknown> =>
  page.evaluate(`(async () => {${script}})()`);

const IMPORTS = `
  const { Whip, Whep } = await import('/src/web/index.ts');
  const { token } = await (await fetch('/sfu')).json();
`;

const PUBLISH = (room: RoomName): string => `${IMPORTS}
  const context = new AudioContext({ sampleRate: 48000 });
  const tone = new OscillatorNode(context, { frequency: ${TONE_HZ} });
  const source = new GainNode(context, { gain: 0.3 });
  tone.connect(source);
  tone.start();
  globalThis.whip = Whip.create('/whip/${room}', source, { token });
  await whip.connect();
`;

const LISTEN = (room: RoomName, listeners: number): string => `${IMPORTS}
  globalThis.all = [];
  const failed = [];
  const one = async () => {
    const whep = Whep.create('/whep/${room}', {
      token,
      offer: '${room === 'room' ? 'server' : 'client'}',
      connectTimeoutMs: 60000,
    });
    all.push(whep);
    await whep.connect().catch((error) => failed.push(error.message));
  };
  // Ten at a time, as an audience comes.
  for (let i = 0; i < ${listeners}; i += 10) {
    await Promise.all(Array.from({ length: Math.min(10, ${listeners} - i) }, one));
  }
  const context = new AudioContext({ sampleRate: 48000 });
  globalThis.analyser = new AnalyserNode(context, { fftSize: 8192 });
  all[0].createSource(context).connect(analyser);
  return { failed };
`;

const COUNT = `
  const figures = await Promise.all(all.map((whep) => whep.stats().catch(() => null)));
  const sum = (name) => figures.reduce((total, each) => total + (each?.[name] ?? 0), 0);
  return {
    received: sum('packetsReceived'),
    lost: sum('packetsLost'),
    connected: all.filter((whep) => whep.state === 'connected').length,
  };
`;

const HEAR = `
  const { loudestHz } = await import('/test/helpers/heard-tone.ts');
  return loudestHz(analyser);
`;
