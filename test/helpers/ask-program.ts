import { encodeBase64 } from 'micwire/codec';
import * as browser from 'vitest/browser';

/** What a program of this machine said. */
interface ProgramAnswer {
  readonly stdout: string;
  readonly stderr: string;
  readonly outputBytes: number;
}

// The types of `vitest/browser` come with the vendor providers, which this project does without.
const { commands } = browser as unknown as {
  readonly commands: {
    askProgram(
      base64: string,
      program: string,
      args: readonly string[],
    ): Promise<ProgramAnswer | null>;
  };
};

/** Runs a program on a file; `FILE` in `args` stands for it. @returns null where the program is not installed */
async function askProgram(
  file: Blob | Uint8Array,
  program: string,
  args: readonly string[],
): Promise<ProgramAnswer | null> {
  const bytes = file instanceof Blob ? new Uint8Array(await file.arrayBuffer()) : file;
  return commands.askProgram(encodeBase64(bytes), program, args);
}

/** The protocols of each packet of a capture file, such as `raw:ip:udp:stun`. @returns null where tshark is not installed */
export async function tsharkProtocols(file: Uint8Array): Promise<readonly string[] | null> {
  // RTP has no mark of its own: tshark guesses only when it is told to.
  const args = [
    '-r',
    'FILE',
    '--enable-heuristic',
    'rtp_udp',
    '-T',
    'fields',
    '-e',
    'frame.protocols',
  ];
  const answer = await askProgram(file, 'tshark', args);
  return answer === null ? null : answer.stdout.trim().split('\n');
}

/** Fails where opusinfo is installed and has a complaint. @returns seconds, or undefined where it is not installed */
export async function opusinfoSeconds(file: Blob | Uint8Array): Promise<number | undefined> {
  const answer = await askProgram(file, 'opusinfo', ['FILE']);
  if (answer === null) return undefined;
  const text = answer.stdout + answer.stderr;
  if (/warning|error|negative|illegal|corrupt|hole|missing/i.test(text)) throw new Error(text);
  const [, minutes, seconds] = /Playback length: (\d+)m:([\d.]+)s/.exec(text) ?? [];
  return Number(minutes) * 60 + Number(seconds);
}

/** Frames that opusdec decodes without a complaint; undefined where it is not installed. */
export async function opusdecFrames(
  file: Blob | Uint8Array,
  channels: number,
): Promise<number | undefined> {
  const args = ['--quiet', '--float', '--rate', '48000', 'FILE', '-'];
  const answer = await askProgram(file, 'opusdec', args);
  if (answer === null) return undefined;
  if (answer.stderr !== '') throw new Error(answer.stderr);
  return answer.outputBytes / 4 / channels;
}

/** Frames at 48 kHz that ffmpeg decodes without a complaint; undefined where it is not installed. */
export async function ffmpegFrames(
  file: Blob | Uint8Array,
  channels: number,
): Promise<number | undefined> {
  const args = ['-v', 'warning', '-i', 'FILE', '-f', 'f32le', '-ar', '48000', '-'];
  const answer = await askProgram(file, 'ffmpeg', args);
  if (answer === null) return undefined;
  // That it takes two channels for left and right is no complaint.
  const complaint = answer.stderr.replace(/.*Guessed Channel Layout.*\n/g, '');
  if (complaint !== '') throw new Error(complaint);
  return answer.outputBytes / 4 / channels;
}
