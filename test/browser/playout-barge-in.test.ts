import { Playout } from 'micwire';
import { expect, test } from 'vitest';
import { bargeIn, runsOf } from '../helpers/barge-in.ts';
import { endContext } from '../helpers/end-context.ts';
import { eventually } from '../helpers/eventually.ts';
import { expectBargeIn } from '../helpers/expect-barge-in.ts';
import { recordNode } from '../helpers/node-recording.ts';
import { seededRandom } from '../helpers/random.ts';

const QUANTUM = 128;
/** Until a message has reached a thread that renders nothing meanwhile. */
const MESSAGE_MS = 5;

/** Firefox and WebKit render offline in one go. */
const inSteps = test.skipIf(!('suspend' in OfflineAudioContext.prototype));

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Renders a context piece by piece, so that the page can act between two. */
class Stepper {
  readonly #context: OfflineAudioContext;
  #frame = 0;
  #rendering: Promise<AudioBuffer> | undefined;

  constructor(context: OfflineAudioContext) {
    this.#context = context;
  }

  async advance(seconds: number): Promise<void> {
    const { sampleRate } = this.#context;
    this.#frame += QUANTUM * Math.ceil((seconds * sampleRate) / QUANTUM);
    // The time in the middle of a quantum is rounded down to its start (Web Audio §1.3.2, `suspend`).
    const reached = this.#context.suspend((this.#frame + QUANTUM / 2) / sampleRate);
    await this.#resume();
    await reached;
  }

  async finish(): Promise<Float32Array> {
    await this.#resume();
    return (await this.#rendering!).getChannelData(0);
  }

  async #resume(): Promise<void> {
    await wait(MESSAGE_MS);
    if (this.#rendering === undefined) this.#rendering = this.#context.startRendering();
    else await this.#context.resume();
  }
}

inSteps.each([
  [24_000, 24_000],
  [24_000, 48_000],
  [16_000, 44_100],
])(
  'rendered offline, %i → %i Hz: what an agent that is faster than real time is told is what is in the recording',
  async (sampleRate, contextRate) => {
    const context = new OfflineAudioContext(1, 20 * contextRate, contextRate);
    const playout = await Playout.create(context, { sampleRate, format: 'f32' });
    playout.connect(context.destination);
    const stepper = new Stepper(context);
    const result = await bargeIn({
      playout,
      random: seededRandom(sampleRate + contextRate),
      seconds: 9.5,
      advance: (seconds) => stepper.advance(seconds),
    });
    const recording = await stepper.finish();
    expectBargeIn(
      result,
      runsOf(recording, contextRate, sampleRate, QUANTUM),
      0,
      contextRate,
      sampleRate,
    );
    expect(result.told.filter(({ what }) => what === 'interrupted').length).toBeGreaterThan(3);
    expect(result.marks.length).toBeGreaterThan(20);
  },
  60_000,
);

test('live: the positions reported to an agent that is faster than real time match the recording', async () => {
  for (let attempt = 1; ; attempt++) {
    const { result, samples, sampleRate, contextRate, underruns } = await liveBargeIn();
    // A page that stalls lets the playout run dry, and the places in the recording are calculated without such gaps.
    if (underruns > 0 && attempt < 8) continue;
    expect(underruns, `underruns in attempt ${attempt}`).toBe(0);
    const runs = runsOf(samples, contextRate, sampleRate, QUANTUM);
    const first = result.told[0]!;
    // The recording begins with some quantum: which one, the first that was told says. All others must agree.
    const origin = first.contextFrame - runs[0]!.to;
    expect(first.what).toBe('interrupted');
    expect(origin % QUANTUM).toBe(0);
    expectBargeIn(result, runs, origin, contextRate, sampleRate);
    return;
  }
}, 120_000);

async function liveBargeIn() {
  const context = new AudioContext();
  await context.resume();
  const sampleRate = 24_000;
  const playout = await Playout.create(context, { sampleRate, format: 'f32' });
  const recording = await recordNode(playout.node);
  const advance = async (seconds: number): Promise<void> => {
    const until = context.currentTime + seconds;
    await eventually(() => expect(context.currentTime).toBeGreaterThanOrEqual(until));
  };
  await advance(0.1);
  const result = await bargeIn({ playout, random: seededRandom(7), seconds: 6, advance });
  const samples = await recording.stop();
  const { underruns } = playout.stats;
  await playout.close();
  await endContext(context);
  return { result, samples, sampleRate, contextRate: context.sampleRate, underruns };
}
