import { describe, integerIn, numberIn } from '../core/arguments.ts';
import { checkOptions } from '../core/option-names.ts';
import type { OptionNames } from '../core/option-names.ts';
import { MAX_BYTES_PER_QUANTUM } from './measure-request.ts';
import type { Allocation, MeasureRequest, QuantumTimes } from './measure-request.ts';
import { checkNodeOptions, NODE_NAMES } from './node-options.ts';
import type { NodeOptions } from './node-options.ts';
import { fork, modules, nodeVersion } from './node-host.ts';
import type { ScopeOptions } from './worklet-scope.ts';

/** The processor to measure, and its input. Options of the node are cloned to another process. */
export interface MeasureOptions extends ScopeOptions, NodeOptions {
  /**
   * The module that registers the processor: a URL or a path. Node runs it unchanged. TypeScript needs Node 22.18 or later, which
   * strips types; with an older version, bundle it first.
   */
  readonly module: string | { readonly href: string };
  /** Number of channels of every input in each quantum; the list repeats. 0 means that there is no connection. @default [1] */
  readonly inputChannels?: readonly number[];
  /** Parameter values by name: a constant, or one value per frame, which repeats. */
  readonly parameters?: Readonly<Record<string, number | Float32Array>>;
  /** A module that exports a function `setup`, which returns a {@link RunSetup}: for messages, and for shared memory. */
  readonly setup?: string | { readonly href: string };
  /** Passed to that function as a clone. */
  readonly setupData?: unknown;
  /**
   * Number of quanta in a run, 2 to 1000000.
   * @default half a minute of audio, and at least 1500, to measure allocation; 2000 to measure time
   */
  readonly quanta?: number;
}

/** Options of `measureQuanta`. */
export interface QuantaOptions extends MeasureOptions {
  /** Number of runs, 1 to 1000; the shortest time of each quantum counts. @default 40 */
  readonly runs?: number;
}

const NAMES: OptionNames<MeasureOptions> = {
  ...NODE_NAMES,
  sampleRate: 1,
  quantum: 1,
  module: 1,
  inputChannels: 1,
  parameters: 1,
  setup: 1,
  setupData: 1,
  quanta: 1,
};
const QUANTA_NAMES: OptionNames<QuantaOptions> = { ...NAMES, runs: 1 };

/** 64 MiB of young generation: more than a run can allocate, so that no garbage collection hides allocations. */
const NODE_FLAGS = ['--expose-gc', '--max-semi-space-size=64', '--min-semi-space-size=64'];
/**
 * Flags that compile functions early and synchronously, even rare ones: the interpreter boxes floats, and on a busy machine code
 * would stay interpreted for a long time. Not used to measure times.
 */
const COMPILE_SOON = [
  '--interrupt-budget=1000',
  '--minimum-invocations-after-ic-update=50',
  '--no-concurrent-recompilation',
];
const FLAGS: Readonly<Record<MeasureRequest['measure'], readonly string[]>> = {
  allocation: [...NODE_FLAGS, ...COMPILE_SOON],
  // Distinguishes code by function; the cost is boxed numbers between functions.
  sites: [...NODE_FLAGS, ...COMPILE_SOON, '--no-turbo-inlining'],
  quanta: NODE_FLAGS,
};

/**
 * An allocation smaller than this is measured again in a second process. Rarely, V8 keeps a function in its interpreter, which
 * boxes numbers; an allocation by the processor itself occurs in every process.
 */
const ONCE_MORE_BYTES = 1;

/**
 * Measures how much `process()` of a registered processor allocates, in a separate Node process: 12,000 quanta of 128 frames,
 * repeated until the compilers are done. Takes a second or two. Structured cloning in `postMessage` is not measured; the message
 * itself is.
 *
 * @throws TypeError or RangeError for an invalid argument, or outside Node; Error when the module cannot be loaded, or the
 *   processor throws or ends
 */
export async function measureAllocation(
  processor: string,
  options: MeasureOptions,
): Promise<Allocation> {
  checkOptions('measureAllocation', options, NAMES);
  return (await ask('allocation', processor, options)) as Allocation;
}

/**
 * Fails if `process()` of a registered processor allocates: it must use less than 0.05 bytes per quantum on the JavaScript heap,
 * and no array buffers. See {@link measureAllocation}. Give the test more than 10 seconds.
 *
 * @throws Error that states how many bytes are allocated, where, and the usual cause; otherwise as {@link measureAllocation}
 */
export async function expectNoAllocation(
  processor: string,
  options: MeasureOptions,
): Promise<void> {
  checkOptions('expectNoAllocation', options, NAMES);
  let { heapBytes, bufferBytes } = (await ask('allocation', processor, options)) as Allocation;
  if (heapBytes >= MAX_BYTES_PER_QUANTUM && heapBytes < ONCE_MORE_BYTES && bufferBytes <= 0) {
    const again = (await ask('allocation', processor, options)) as Allocation;
    heapBytes = Math.min(heapBytes, again.heapBytes);
    bufferBytes = Math.max(bufferBytes, again.bufferBytes);
  }
  if (heapBytes < MAX_BYTES_PER_QUANTUM && bufferBytes <= 0) return;
  const { sites } = (await ask('sites', processor, options)) as Allocation;
  throw new Error(verdict(processor, { heapBytes, bufferBytes, sites }));
}

/**
 * Measures how long render quanta take, in a separate Node process. The same sequence of quanta runs many times, and the shortest
 * time of each quantum counts: other work of the machine hits different quanta in different runs. The figures are for comparison:
 * times in a browser on another machine differ.
 *
 * @throws as {@link measureAllocation}
 */
export async function measureQuanta(
  processor: string,
  options: QuantaOptions,
): Promise<QuantumTimes> {
  checkOptions('measureQuanta', options, QUANTA_NAMES);
  const runs = integerIn('runs', options.runs ?? 40, 1, 1000);
  return (await ask('quanta', processor, options, runs)) as QuantumTimes;
}

async function ask(
  measure: MeasureRequest['measure'],
  processor: string,
  options: MeasureOptions,
  runs = 1,
): Promise<unknown> {
  if (typeof processor !== 'string') {
    throw new TypeError(
      `processor must be a registered name, since it is run in another process, got ${describe(processor)}.`,
    );
  }
  const { module, setup, inputChannels = [1], parameters = {} } = options;
  for (const count of inputChannels) integerIn('inputChannels', count, 0, 32);
  const given = Object.entries(options).filter(([name]) => Object.hasOwn(NODE_NAMES, name));
  const node = Object.fromEntries(given) as NodeOptions;
  const { numberOfInputs } = checkNodeOptions(node);
  const request: MeasureRequest = {
    measure,
    processor,
    module: addressOf('module', module),
    sampleRate: numberIn('sampleRate', options.sampleRate ?? 48_000, 3000, 768_000),
    quantum: integerIn('quantum', options.quantum ?? 128, 1, 16_384),
    options: node,
    plan: { inputs: numberOfInputs, inputChannels, parameters },
    setup: setup === undefined ? undefined : addressOf('setup', setup),
    setupData: options.setupData,
    quanta: options.quanta === undefined ? undefined : integerIn('quanta', options.quanta, 2, 1e6),
    runs,
  };
  const { result, error } = await fork(childPath(), FLAGS[measure], request);
  if (error === undefined) return result;
  const cure = /file extension "\.[cm]?tsx?"/.test(error.message)
    ? ` TypeScript needs Node 22.18 or later (this is ${nodeVersion()}): bundle the processor first.`
    : '';
  throw new Error(`'${processor}' cannot be measured: ${error.message}${cure}`, { cause: error });
}

/** Returns the path of the measuring program, which is beside this file in the package. */
function childPath(): string {
  const { url } = import.meta as unknown as { readonly url: string };
  return modules().fileURLToPath(url.replace(/[^/]*$/, 'child/measure.js'));
}

/** Returns a module's URL; a path is converted. */
function addressOf(name: string, module: unknown): string {
  const href = (module as { readonly href?: unknown } | null | undefined)?.href;
  if (typeof href === 'string') return href;
  if (typeof module !== 'string') {
    const cure = 'since it is loaded in another process';
    throw new TypeError(`${name} must be a URL or a path, ${cure}, got ${describe(module)}.`);
  }
  const isAddress = /^[a-z][a-z\d+.-]+:/i.test(module);
  return isAddress ? module : modules().pathToFileURL(module).href;
}

function verdict(processor: string, { heapBytes, bufferBytes, sites }: Allocation): string {
  const heap = `${heapBytes.toFixed(2)} bytes per quantum on the JavaScript heap`;
  const buffers = bufferBytes > 0 ? ` and ${bufferBytes.toFixed(2)} bytes of array buffers` : '';
  const where = sites.length > 0 ? `\nAllocated at:\n  ${sites.join('\n  ')}` : '';
  return `process() of '${processor}' allocates ${heap}${buffers}; less than ${MAX_BYTES_PER_QUANTUM} and no array buffers are allowed. ${cause(heapBytes, bufferBytes)}${where}`;
}

/** Returns the usual cause of such an allocation. */
function cause(heapBytes: number, bufferBytes: number): string {
  if (bufferBytes > 0) {
    return 'Usual causes: new Float32Array(…), or slice() and map() of a typed array. Allocate in the constructor.';
  }
  if (heapBytes < 8) {
    return 'Something allocates once in many quanta, such as a message or an array that grows.';
  }
  if (heapBytes < 40) {
    return 'Usual causes: a number that is kept in a field or an array of mixed values (12 to 16 bytes; keep it in a Float64Array), a closure, a small array.';
  }
  return 'Usual causes: subarray() (96 bytes each), process([input], [output]) or for…of over the frozen arrays of channels (80 to 130 each; index them), an object or array literal, a closure, a template string.';
}
