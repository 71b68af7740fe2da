/**
 * Faults that journeys once found, to be planted again: `npm run bench -- journeys --planted` shows within how many seeds each is
 * found. A fault is a piece of source that is replaced as the bundle is made; nothing on the disk changes.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../../scripts/run.mjs';

/** Seeds within which a planted fault has to be found. */
const MOST_SEEDS = 300;

/**
 * @typedef {object} Fault
 * @property {string} name what goes wrong, as a sentence
 * @property {string} file below src/core
 * @property {string} anchor occurs there exactly once
 * @property {string} replacement
 */

/** @type {readonly Fault[]} */
export const FAULTS = [
  {
    name: 'A1: the delay does not follow a path that becomes longer, or a pause',
    file: 'receive/delay-target.ts',
    anchor: 'if (state[RUN_PACKETS]! >= CONFIRM_PACKETS) this.#confirmLonger();',
    replacement: '',
  },
  {
    name: 'A1: the delay does not follow a path that becomes shorter',
    file: 'receive/delay-target.ts',
    anchor: 'if (lasted && state[RUN_PACKETS]! >= CONFIRM_PACKETS) this.#confirmShorter();',
    replacement: '',
  },
  {
    name: 'A1: a sender that restarts soon after it began passes for duplicates',
    file: 'rtp/stream-continuity.ts',
    anchor: 'this.#mostRepeats = repeatsRestart ? REPEATS : Number.POSITIVE_INFINITY;',
    replacement: 'this.#mostRepeats = Number.POSITIVE_INFINITY;',
  },
  {
    name: 'A1: the timeline follows a jump of the timestamps',
    file: 'receive/stream-numbering.ts',
    anchor: 'if (leads) this.#followJump(ahead > 0 ? ahead : 1, frames);',
    replacement: '',
  },
  {
    name: 'A2: the decoder is deaf to a sender that restarts with the same SSRC',
    file: 'framing/rtp-message-decoder.ts',
    anchor: 'if (verdict === RESTARTS) return this.#restart(this.#confirmed(message));',
    replacement: '',
  },
  {
    name: 'A3: packets of padding count as lost',
    file: 'framing/rtp-message-decoder.ts',
    anchor: "if (isEmpty && isOwn) return 'padding';",
    replacement:
      "if (isEmpty && isOwn) throw new PacketError('truncated', 'The packet is empty.');",
  },
  {
    name: 'A3: packets of other payload types count as lost',
    file: 'framing/rtp-message-decoder.ts',
    anchor: "return type === COMFORT_NOISE_TYPE ? 'comfort-noise' : 'other';",
    replacement: "throw new PacketError('unknown-type', 'The payload type was not agreed on.');",
  },
  {
    name: 'A3: a packet without audio moves the timeline back',
    file: 'framing/rtp-message-decoder.ts',
    anchor: 'packets.push(this.#packetOf(sequence, end, 0, NO_BYTES, 0, rtp, noAudio));',
    replacement:
      'this.#endTick = this.#highTick; packets.push(this.#packetOf(sequence, end, 0, NO_BYTES, 0, rtp, noAudio));',
  },
  {
    name: 'A3: a first packet that was overtaken across 65535/0 is refused',
    file: 'framing/rtp-message-decoder.ts',
    anchor: 'if (!isLater) this.#high += SEQUENCES;',
    replacement: '',
  },
  {
    name: 'A3: a first packet that was overtaken as the timestamps began again is refused',
    file: 'framing/rtp-message-decoder.ts',
    anchor: 'if (tick < MAX_MISORDER * duration) this.#highTick += TIMESTAMPS;',
    replacement: '',
  },
  {
    name: 'A4: a clock that is off by percent is concealed',
    file: 'dsp/drift-estimator.ts',
    anchor: 'const MAX_SKEW = 0.06;',
    replacement: 'const MAX_SKEW = 1500e-6;',
  },
  {
    name: 'A5: a chunk that the queue drops leaves a number out, one that the audio thread drops does not',
    file: 'capture/chunk-queue.ts',
    anchor: 'this.#droppedChunks++;',
    replacement: '',
  },
  {
    name: 'frames that find no slot are not counted',
    file: 'capture/chunk.ts',
    anchor: 'this.#dropped += frames;\n    this.#droppedBefore += frames;',
    replacement: 'this.#droppedBefore += frames;',
  },
  {
    name: 'a gap of the context is not counted',
    file: 'capture/capture-pipeline.ts',
    anchor: 'this.#writer.skip(frame - this.#writer.frame);',
    replacement: '',
  },
  {
    name: 'frames that are left out count as heard',
    file: 'playout/timeline.ts',
    anchor: 'this.skipped += part;',
    replacement: '',
  },
];

/**
 * Replaces a fault's anchor in its file.
 *
 * @param {Fault} fault
 * @param {string} source
 * @returns {string}
 */
export function plant({ name, file, anchor, replacement }, source) {
  const parts = source.split(anchor);
  if (parts.length === 2) return parts.join(replacement);
  throw new Error(
    `'${name}' cannot be planted: its anchor occurs ${parts.length - 1} times in src/core/${file}. ` +
      'Write the fault for the code as it is now, in test/journeys/planted.mjs.',
  );
}

/**
 * The file that a fault is planted in.
 *
 * @param {Fault} fault
 * @returns {Promise<string>}
 */
export function sourceOf({ file }) {
  return readFile(join(ROOT, 'src/core', file), 'utf8');
}

/**
 * A plugin of the bundler that plants a fault.
 *
 * @param {Fault} fault
 * @returns {import('rolldown').Plugin}
 */
function planting(fault) {
  return {
    name: 'plant-a-fault',
    load: {
      filter: { id: /\.ts$/ },
      async handler(id) {
        if (!id.endsWith(join('src/core', fault.file))) return null;
        return { code: plant(fault, await sourceOf(fault)), moduleType: 'ts' };
      },
    },
  };
}

/**
 * Plants one fault after the other, and looks for the first seed that shows it.
 *
 * @param {(plugin: import('rolldown').Plugin) => Promise<any>} load bundles the suite with a plugin, and imports it
 * @returns {Promise<import('../../bench/measure.ts').Row[]>}
 */
export async function runPlanted(load) {
  /** @type {import('../../bench/measure.ts').Row[]} */
  const rows = [];
  for (const fault of FAULTS) plant(fault, await sourceOf(fault));
  // Seeds that fail without any planted fault show nothing.
  const clean = await load({ name: 'plant-nothing' });
  const except = new Set(await clean.failingSeeds(MOST_SEEDS));
  if (except.size > 0)
    console.log(`Fail as it is, and are left out: seeds ${[...except].join(', ')}.`);
  for (const fault of FAULTS) {
    const suite = await load(planting(fault));
    const found = await suite.firstFailure(MOST_SEEDS, except);
    const seeds = found === null ? Infinity : found.seed + 1;
    const rule = found === null ? `not found in ${MOST_SEEDS}` : `found by '${found.failure.rule}'`;
    console.log(`${fault.name}: ${rule}${found === null ? '' : `, seed ${found.seed}`}`);
    if (found === null) process.exitCode = 1;
    rows.push({ case: fault.name, subject: 'journeys', metric: rule, value: seeds, unit: 'seeds' });
  }
  return rows;
}
