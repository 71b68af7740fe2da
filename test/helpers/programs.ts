import { spawnSync } from 'node:child_process';

/** True where a program is installed: opus-tools, ffmpeg and sox are extra witnesses, not needed to work on the library. */
export function installed(program: string): boolean {
  return spawnSync('which', [program]).status === 0;
}

/**
 * Runs a program with `input` on its standard input.
 * @throws Error with what it said, when it fails
 */
export function runProgram(
  program: string,
  args: readonly string[],
  input?: Uint8Array,
): { readonly stdout: Buffer; readonly stderr: string } {
  const result = spawnSync(program, args, { input, maxBuffer: 2 ** 28 });
  const stderr = result.stderr.toString();
  if (result.status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
  return { stdout: result.stdout, stderr };
}

/** Bytes of little-endian binary32 samples, interleaved, as one array a channel. */
export function planarFloats(bytes: Buffer, channels: number): Float32Array[] {
  const frames = Math.floor(bytes.length / 4 / channels);
  return Array.from({ length: channels }, (_, c) =>
    Float32Array.from({ length: frames }, (_, i) => bytes.readFloatLE((i * channels + c) * 4)),
  );
}
