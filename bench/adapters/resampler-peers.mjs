/**
 * The resamplers that others use, in the form of micwire-streams.mjs. Native libsoxr runs in a process of its own, if gcc and
 * libsoxr's headers are there (`apt install gcc libsoxr-dev`).
 *
 * @typedef {import('./micwire-streams.mjs').Adapter} Adapter
 * @typedef {{
 *   name: string,
 *   convert(input: Float32Array, from: number, to: number, block: number): { output: Float32Array, counts: number[] },
 *   seconds(input: Float32Array, from: number, to: number, channels: number, block: number, rounds: number): number,
 * }} NativeAdapter
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** @returns {Promise<Adapter[]>} */
export async function wasmPeers() {
  const { default: loadSpeex } = await import('@echogarden/speex-resampler-wasm/simd');
  const speex = await loadSpeex();
  // Its own package.json says ESM, its file is CommonJS.
  const lsr = createRequire(import.meta.url)('@alexanderolsen/libsamplerate-js');
  return [
    speexAdapter(speex, 10),
    speexAdapter(speex, 5),
    libsamplerateAdapter(lsr, 'best', 0),
    libsamplerateAdapter(lsr, 'fastest', 2),
  ];
}

/**
 * @param {any} module
 * @param {number} quality
 * @returns {Adapter}
 */
function speexAdapter(module, quality) {
  return {
    name: `speex wasm SIMD q${quality}`,
    create(from, to, channels) {
      const counts = module._malloc(16);
      const state = module._speex_resampler_init(channels, from, to, quality, counts);
      let capacity = 0;
      let input = 0;
      let output = 0;
      let room = 0;
      return {
        process(block) {
          if (block.length > capacity) {
            capacity = block.length;
            room = Math.ceil((capacity * to) / from) + 64 * channels;
            input = module._malloc(capacity * 4);
            output = module._malloc(room * 4);
          }
          module.HEAPF32.set(block, input >> 2);
          module.HEAP32[counts >> 2] = block.length / channels;
          module.HEAP32[(counts >> 2) + 1] = room / channels;
          module._speex_resampler_process_interleaved_float(
            state,
            input,
            counts,
            output,
            counts + 4,
          );
          const made = module.HEAP32[(counts >> 2) + 1] * channels;
          return module.HEAPF32.subarray(output >> 2, (output >> 2) + made);
        },
        destroy() {
          module._speex_resampler_destroy(state);
          module._free(input);
          module._free(output);
          module._free(counts);
        },
      };
    },
  };
}

/**
 * @param {any} lsr
 * @param {string} quality
 * @param {number} converterType
 * @returns {Adapter}
 */
function libsamplerateAdapter(lsr, quality, converterType) {
  return {
    name: `libsamplerate-js ${quality}`,
    async create(from, to, channels) {
      const source = await lsr.create(channels, from, to, { converterType });
      const output = new Float32Array(1 << 20);
      const length = { frames: 0 };
      return {
        process(block) {
          source.full(block, output, length);
          return output.subarray(0, length.frames * channels);
        },
        destroy: () => source.destroy(),
      };
    },
  };
}

/**
 * Native libsoxr, or nothing and a word why.
 *
 * @param {string} root the repository's folder
 * @returns {NativeAdapter[]}
 */
export function nativePeers(root) {
  const folder = join(root, 'node_modules/.cache/micwire');
  mkdirSync(folder, { recursive: true });
  const program = join(folder, 'soxr-stream');
  const source = join(root, 'bench/native/soxr-stream.c');
  const gcc = spawnSync('gcc', ['-O3', '-march=native', source, '-o', program, '-lsoxr']);
  if (gcc.status !== 0) {
    console.error('Without native soxr: it needs gcc and libsoxr-dev.');
    return [];
  }
  return [soxrAdapter(program, 'HQ', 4), soxrAdapter(program, 'VHQ', 6)];
}

/**
 * @param {string} program
 * @param {string} name
 * @param {number} recipe
 * @returns {NativeAdapter}
 */
function soxrAdapter(program, name, recipe) {
  /**
   * @template Result
   * @param {Float32Array} input
   * @param {(file: string) => Result} use
   */
  const withFile = (input, use) => {
    const folder = mkdtempSync(join(tmpdir(), 'micwire-soxr-'));
    const file = join(folder, 'signal');
    try {
      writeFileSync(file, Buffer.from(input.buffer, input.byteOffset, input.byteLength));
      return use(file);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
  /** @param {(string | number)[]} parameters */
  const run = (...parameters) =>
    JSON.parse(execFileSync(program, [recipe, ...parameters].map(String), { encoding: 'utf8' }));
  return {
    name: `soxr ${name}, native`,
    convert: (input, from, to, block) =>
      withFile(input, (file) => {
        run(from, to, 1, block, 1, file, `${file}.out`);
        const bytes = readFileSync(`${file}.out`);
        const counts = readFileSync(`${file}.out.counts`);
        return {
          output: new Float32Array(new Uint8Array(bytes).buffer),
          counts: [...new Uint32Array(new Uint8Array(counts).buffer)],
        };
      }),
    seconds: (input, from, to, channels, block, rounds) =>
      withFile(input, (file) => run(from, to, channels, block, rounds, file).minNs / 1e9),
  };
}
