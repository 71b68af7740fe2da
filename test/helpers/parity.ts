import { renderOffline } from '../../src/testing/index.ts';
import type { NodeOptions } from '../../src/testing/index.ts';
import { fillModules, hex } from './packing.ts';
import { PROCESSOR_CASES } from './processor-cases.ts';
import type { ProcessorCase } from './processor-cases.ts';
import { seededRandom } from './random.ts';

/** One rendering that a browser and the stand-in scope both carry out. */
export interface ParityCase {
  readonly kase: ProcessorCase;
  readonly frames: number;
  readonly sampleRate: number;
  readonly quantum: number;
  readonly options: NodeOptions;
  readonly input: readonly Float32Array<ArrayBuffer>[];
  /** Posted to the processor before the first quantum. */
  readonly messages: readonly unknown[];
}

/** What a rendering gave, spelled out: equal text is equality of every bit. */
export interface ParityResult {
  readonly outputs: readonly string[];
  readonly messages: readonly string[];
  /** Memory that the options shared with the processor. */
  readonly shared: readonly string[];
  /** The levels among all that, each a double. Not in the rest. */
  readonly levels: readonly string[];
}

const SECONDS = 0.5;
const WRITES = 20;

/**
 * Those with one input: messages, and what a second input brings, depend on when they come. The mixer's are left out: it does not
 * answer blocks, so nothing tells when they have arrived.
 */
const CASES = PROCESSOR_CASES.filter(
  ({ worklet, inputs, presence }) =>
    worklet !== 'mixer' && inputs === undefined && presence === undefined,
);

/** The names of the cases. */
export const PARITY_NAMES: readonly string[] = CASES.map((kase) => kase.name);

/** Those that are rendered in Node too: the first of each processor, and every third. */
export const NODE_PARITY_NAMES: readonly string[] = CASES.filter(
  ({ worklet }, i) => i % 3 === 0 || CASES[i - 1]?.worklet !== worklet,
).map(({ name }) => name);

/**
 * Makes a case ready. Its input uses nothing but exact arithmetic, since engines differ in the last bit of `Math.sin`;
 * what is written is there before the first quantum, since a browser keeps no promise of when a message arrives.
 *
 * @param options those of another process, whose filters are designed with its own `Math`
 */
export function openParityCase(name: string, options?: NodeOptions): ParityCase {
  const kase = CASES.find((candidate) => candidate.name === name)!;
  const { sampleRate = 48000, quantum = 128, inputChannels = [1] } = kase;
  const opened = kase.open();
  const messages: unknown[] = [];
  for (let index = 0; messages.length < WRITES && index < 100 * WRITES; index++) {
    opened.beforeQuantum?.(index, (command) => messages.push(structuredClone(command)));
  }
  const frames = Math.round(sampleRate * SECONDS);
  const random = seededRandom(frames);
  const input = Array.from({ length: inputChannels[0] ?? 0 }, () =>
    Float32Array.from({ length: frames }, (_, i) => (i % 9000 < 6000 ? 2.2 * random() - 1.1 : 0)),
  );
  const given = fillModules(options, opened.options) as NodeOptions | undefined;
  return {
    kase,
    frames,
    sampleRate,
    quantum,
    options: given ?? opened.options,
    input,
    messages,
  };
}

/** Renders a case with the stand-in scope. @param script the worklet's */
export async function renderStandIn(parity: ParityCase, script: string): Promise<ParityResult> {
  const { kase, options, input, messages, frames, sampleRate, quantum } = parity;
  const rendered = await renderOffline(kase.processor, {
    ...options,
    module: new Function(script) as () => unknown,
    sampleRate,
    quantum,
    frames,
    ...(input.length > 0 && { input }),
    messages,
  });
  return parityResult(parity, rendered.channels, rendered.messages);
}

/** What the options share with the processor. */
export function sharedMemory({ processorOptions }: NodeOptions): readonly SharedArrayBuffer[] {
  return Object.values(processorOptions as object).filter(
    (value): value is SharedArrayBuffer => value instanceof SharedArrayBuffer,
  );
}

/** Gathers what a rendering gave. */
export function parityResult(
  { kase, options }: ParityCase,
  outputs: readonly Float32Array[],
  messages: readonly unknown[],
): ParityResult {
  const levels: string[] = [];
  // A meter's readings are doubles, some of them logarithms.
  const aside = kase.worklet === 'meter' ? levels : undefined;
  return {
    outputs: outputs.map((channel) => spell(channel)),
    messages: messages.map((message) => spell(message, aside)),
    shared: sharedMemory(options).map((memory) => {
      const bytes = memory.slice(0);
      return spell(aside ? new Float64Array(bytes) : new Uint8Array(bytes), aside);
    }),
    levels,
  };
}

/** Spells a value out, arrays by their bits. @param aside takes the elements of doubles instead */
function spell(value: unknown, aside?: string[]): string {
  if (value instanceof ArrayBuffer) return spell(new Uint8Array(value));
  if (value instanceof Float64Array && aside) {
    for (const number of value) aside.push(spell(number));
    return `${value.length} levels`;
  }
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteOffset, byteLength } = value;
    return `${value.constructor.name} ${hex(new Uint8Array(buffer, byteOffset, byteLength))}`;
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, entry]) => `${key}: ${spell(entry, aside)}`).join(', ')}}`;
  }
  return Object.is(value, -0) ? '-0' : String(value);
}
