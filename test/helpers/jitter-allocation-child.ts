/**
 * Prints what inserting packets and deciding what to play allocate, in bytes a packet. Run in a process of its own with
 * `--expose-gc` and a young generation so large that nothing is collected meanwhile.
 */
import { DelayTarget } from '../../src/core/receive/delay-target.ts';
import { FEC_COPY, JitterBuffer } from '../../src/core/receive/jitter-buffer.ts';
import { ReceiveDecision } from '../../src/core/receive/receive-decision.ts';
import { seededRandom } from './random.ts';

const RATE = 48_000;
const FRAMES = 960;
const PACKETS = 2000;
const MOST_RUNS = 12;
const GOOD_BYTES = 0.05;

const collect = (globalThis as unknown as { readonly gc: () => void }).gc;
const random = seededRandom(1);
const delays = Float64Array.from({ length: PACKETS }, () => 30 + 20 * random() ** 4);
const payload = new Uint8Array(80);
const target = new DelayTarget({ sampleRate: RATE });
const buffer = new JitterBuffer({
  sampleRate: RATE,
  listener: target,
  capacityPackets: 4096,
  maxPayloadBytes: 80,
});
const decision = new ReceiveDecision({ buffer, target, skipAboveMs: Infinity });
let number = 0;
/** Now, and how much is decoded and not heard, ms. In an array: plain numbers would be boxed by the test itself. */
const times = new Float64Array(2);

/** Some are lost, some of those recovered from a copy or FEC, and some come late. */
function arrive(): void {
  for (let n = 0; n < PACKETS; n++) {
    number++;
    if (n % 10 < 2) continue;
    const at = number * 20 + delays[n]!;
    buffer.insert(number, number * FRAMES, FRAMES, payload, at);
    const copy = n % 3 === 0 ? 1 : FEC_COPY;
    buffer.insert(number - 1, (number - 1) * FRAMES, FRAMES, payload, at, copy);
  }
}

/** Plays 20 ms. Now the target is up, now down: time-scaling has to follow. */
function play(n: number): void {
  if (n % 500 === 0) target.setLimits(n % 1000 === 0 ? 200 : 0, 1000);
  times[0] = times[0]! + 20;
  while (times[1]! < 20) {
    const action = decision.decide(times[0]!, times[1]!);
    if (action === 'wait' || action === 'conceal') {
      times[1] = times[1]! + decision.frames / 48;
      continue;
    }
    const covered = decision.take();
    times[1] = times[1]! + (FRAMES - covered) / 48;
    if (action !== 'accelerate' && action !== 'decelerate') continue;
    const frames = action === 'accelerate' ? decision.scaleFrames : -decision.scaleFrames;
    decision.scaled(frames);
    times[1] = times[1]! - frames / 48;
  }
  times[1] = times[1]! - 20 * decision.speed;
}

let least = Infinity;
for (let run = 0; run < MOST_RUNS && least > GOOD_BYTES; run++) {
  collect();
  const before = process.memoryUsage().heapUsed;
  arrive();
  for (let n = 0; n < PACKETS; n++) play(n);
  const bytes = process.memoryUsage().heapUsed - before;
  if (run > 0) least = Math.min(least, bytes / PACKETS);
}
const { counters } = buffer;
console.log(
  JSON.stringify({
    bytesPerPacket: least,
    played: counters.get('jitterBufferEmittedCount'),
    concealed: counters.get('concealedSamples'),
    recovered: counters.get('packetsRecovered'),
    removed: counters.get('removedSamplesForAcceleration'),
  }),
);
