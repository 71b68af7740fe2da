import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OpusCase } from './subjects.ts';
import { FRAMES } from './subjects.ts';

/** What native libopus did with one case. */
export interface NativeResult {
  readonly version: string;
  readonly encodeNs: readonly number[];
  readonly decodeNs: readonly number[];
  readonly packets: readonly Uint8Array[];
}

/** A libopus of your own, else that of the system. */
const LIBRARY = process.env['MICWIRE_NATIVE_OPUS'] ?? 'libopus.so.0';
const APPLICATIONS = { voip: '2048', audio: '2049' } as const;

/** Native libopus where it and gcc are installed, else undefined. @param rounds each frame's least time of so many counts */
export function nativeOpus(
  kase: OpusCase,
  planar: readonly Float32Array[],
  rounds: number,
): NativeResult | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'micwire-opus-'));
  try {
    const program = join(folder, 'opus-stream');
    const source = join(process.cwd(), 'bench/native/opus-stream.c');
    if (spawnSync('gcc', ['-O2', source, '-o', program, '-ldl']).status !== 0) return undefined;
    const { channels } = kase;
    const pcm = Float32Array.from(
      { length: planar[0]!.length * channels },
      (_, i) => planar[i % channels]![Math.floor(i / channels)]!,
    );
    const [input, packets, output] = ['in', 'packets', 'out'].map((name) => join(folder, name));
    writeFileSync(input!, pcm);
    const settings = [APPLICATIONS[kase.application], `${kase.bitrate}`, `${kase.complexity}`];
    const call = (...args: readonly string[]): string =>
      execFileSync(program, [LIBRARY, ...args], { stdio: ['ignore', 'pipe', 'ignore'] }).toString();
    const encode = ['encode', `${channels}`, ...settings, `${FRAMES}`, input!, packets!];
    const decode = ['decode', `${channels}`, `${FRAMES}`, packets!, output!];
    return {
      version: call(...encode).split('\n', 1)[0]!,
      encodeNs: leastOf(rounds, () => call(...encode)),
      decodeNs: leastOf(rounds, () => call(...decode)),
      packets: split(readFileSync(packets!)),
    };
  } catch {
    return undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function leastOf(rounds: number, run: () => string): number[] {
  const times = Array.from({ length: rounds }, () => run().trim().split('\n').slice(1).map(Number));
  return times[0]!.map((_, frame) => Math.min(...times.map((round) => round[frame]!)));
}

function split(file: Buffer): Uint8Array[] {
  const packets: Uint8Array[] = [];
  for (let at = 0; at < file.length;) {
    const length = file.readUInt32LE(at);
    packets.push(file.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return packets;
}
