import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { kWeightingCoefficients } from '../../src/core/metering/k-weighting.ts';
import type { Measurement } from '../../test/helpers/loudness-cases.ts';

const MODULES = join(process.cwd(), 'bench/node_modules');

interface NeedlesMessage {
  readonly type: string;
  readonly mode: 'momentary' | 'short-term' | 'integrated';
  readonly value: number;
}
interface NeedlesProcessor {
  readonly port: { onmessage(event: { data: unknown }): void };
  process(inputs: readonly (readonly Float32Array[])[]): void;
}

/**
 * @domchristie/needles' worklet outside a worklet; `receive` gets what it posts. K-weighting is done before it, by the graph:
 * see `kWeighted`.
 */
export function createNeedles(
  sampleRate: number,
  receive: (message: NeedlesMessage) => void,
): NeedlesProcessor {
  const source = readFileSync(
    join(MODULES, '@domchristie/needles/dist/needles-worklet.js'),
    'utf8',
  );
  let found: (new () => NeedlesProcessor) | undefined;
  class Base {
    readonly port = { postMessage: receive, onmessage: null };
  }
  new Function('AudioWorkletProcessor', 'registerProcessor', source)(
    Base,
    (_name: string, processor: new () => NeedlesProcessor) => (found = processor),
  );
  const needles = new found!();
  const modes = ['momentary', 'short-term', 'integrated'];
  needles.port.onmessage({ data: { type: 'initialize', attributes: { sampleRate, modes } } });
  needles.port.onmessage({ data: { type: 'record' } });
  return needles;
}

/** What needles' two IIRFilterNodes make of a channel. */
export function kWeighted(samples: Float32Array, sampleRate: number): Float32Array {
  const { shelf, highPass } = kWeightingCoefficients(sampleRate);
  const [b0, b1, b2, a1, a2] = shelf;
  const [h1, h2] = highPass;
  let [s1, s2, t1, t2] = [0, 0, 0, 0];
  return samples.map((x) => {
    const y = b0 * x + s1;
    s1 = b1 * x - a1 * y + s2;
    s2 = b2 * x - a2 * y;
    const z = y + t1;
    t1 = t2 - 2 * y - h1 * z;
    t2 = y - h2 * z;
    return z;
  });
}

export function measureWithNeedles(
  channels: readonly Float32Array[],
  sampleRate: number,
): Measurement {
  const values: Record<NeedlesMessage['mode'], number[]> = {
    momentary: [],
    'short-term': [],
    integrated: [],
  };
  const needles = createNeedles(sampleRate, ({ type, mode, value }) => {
    if (type === 'dataavailable') values[mode].push(value);
  });
  const weighted = channels.map((channel) => kWeighted(channel, sampleRate));
  for (let at = 0; at < weighted[0]!.length; at += 128) {
    needles.process([
      weighted.map((channel) => {
        const block = new Float32Array(128);
        block.set(channel.subarray(at, at + 128));
        return block;
      }),
    ]);
  }
  return {
    maxMomentary: Math.max(...values.momentary),
    maxShortTerm: Math.max(...values['short-term']),
    integrated: values.integrated.at(-1) ?? NaN,
    series: { step: 0.1, momentary: values.momentary, shortTerm: values['short-term'] },
  };
}

/** What the benchmarks use of ebur128-wasm: whole signals of one or two channels, I and true peak alone. */
export interface Ebur128Wasm {
  ebur128_integrated_mono(sampleRate: number, samples: Float32Array): number;
  ebur128_integrated_stereo(sampleRate: number, left: Float32Array, right: Float32Array): number;
  ebur128_true_peak_mono(sampleRate: number, samples: Float32Array): number | Float64Array;
  ebur128_true_peak_stereo(
    sampleRate: number,
    left: Float32Array,
    right: Float32Array,
  ): number | Float64Array;
}

/** ebur128-wasm, which is packed for bundlers that import .wasm files: done here by hand. */
export async function loadEbur128Wasm(): Promise<Ebur128Wasm> {
  const folder = join(MODULES, 'ebur128-wasm');
  const source = readFileSync(join(folder, 'ebur128_wasm_bg.js'), 'utf8')
    .replace(
      /import \* as wasm from .*\n/,
      'let wasm; export const setWasm = (w) => { wasm = w; };\n',
    )
    .replaceAll('module.require', 'undefined');
  const glue = (await import(
    /* @vite-ignore */ `data:text/javascript,${encodeURIComponent(source)}`
  )) as Ebur128Wasm & { setWasm(exports: object): void } & Record<string, unknown>;
  const module = new WebAssembly.Module(readFileSync(join(folder, 'ebur128_wasm_bg.wasm')));
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    (imports[from] ??= {})[name] = (glue[name] as WebAssembly.ImportValue | undefined) ?? (() => 0);
  }
  glue.setWasm(new WebAssembly.Instance(module, imports).exports);
  return glue;
}

export function measureWithEbur128Wasm(
  peer: Ebur128Wasm,
  channels: readonly Float32Array[],
  sampleRate: number,
): Measurement {
  const [left, right] = channels;
  if (!left || channels.length > 2) return {};
  const peaks = right
    ? peer.ebur128_true_peak_stereo(sampleRate, left, right)
    : peer.ebur128_true_peak_mono(sampleRate, left);
  return {
    integrated: right
      ? peer.ebur128_integrated_stereo(sampleRate, left, right)
      : peer.ebur128_integrated_mono(sampleRate, left),
    truePeak: typeof peaks === 'number' ? peaks : Math.max(...peaks),
  };
}
