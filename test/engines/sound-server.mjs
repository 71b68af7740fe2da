import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, start } from './child.mjs';
import { findProgram } from './find-browser.mjs';

/** What the rig of devices needs, and the one command that gets it. */
const PROGRAMS = ['pulseaudio', 'pactl', 'pacat'];

/** A sentence on what is missing to start a sound server with microphones, or undefined. */
export function missingForSoundServer() {
  const missing = PROGRAMS.filter((name) => findProgram(name) === undefined);
  if (missing.length === 0) return undefined;
  return `${missing.join(' and ')} not found: apt-get install -y pulseaudio pulseaudio-utils gets microphones that can be unplugged.`;
}

/** @typedef {Awaited<ReturnType<typeof startSoundServer>>} SoundServer */

/**
 * A private PulseAudio that nobody hears, with one output, and with microphones that come and go. It ends with this process at
 * the latest. Several may run at once.
 *
 * @param {{ readonly sampleRate?: number }} [options]
 */
export async function startSoundServer({ sampleRate = 48_000 } = {}) {
  const program = findProgram('pulseaudio');
  if (program === undefined) throw new Error(missingForSoundServer());
  const folder = mkdtempSync(join(tmpdir(), 'micwire-pulse-'));
  const socket = join(folder, 'native');
  const config = join(folder, 'daemon.conf');
  // What browsers take for the rate of the hardware.
  writeFileSync(config, `default-sample-rate = ${sampleRate}\n`);
  const child = start(
    program,
    [
      // Should this process be killed, it still ends some time after its last client.
      ...['-n', '--daemonize=no', '--exit-idle-time=600', '--use-pid-file=no', '--log-level=error'],
      ...['-L', `module-null-sink sink_name=micwire rate=${sampleRate} channels=2 norewinds=1`],
      ...['-L', `module-native-protocol-unix socket=${socket} auth-anonymous=1`],
    ],
    { env: { XDG_RUNTIME_DIR: folder, HOME: folder, PULSE_CONFIG: config } },
  );
  const env = { PULSE_SERVER: `unix:${socket}` };
  /** They end the programs that were started beside the daemon. @type {Set<() => void>} */
  const stops = new Set();
  const stop = () => {
    for (const end of stops) end();
    child.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    await eventually(() => existsSync(socket), `pulseaudio did not start: ${child.output()}`);
  } catch (error) {
    stop();
    throw error;
  }

  /**
   * Runs pactl, and tells what it printed.
   *
   * @param {string[]} args
   * @returns {Promise<string>}
   */
  const control = (...args) =>
    new Promise((resolve, reject) => {
      const pactl = spawn('pactl', args, { env: { ...process.env, ...env, LC_ALL: 'C' } });
      let text = '';
      let complaint = '';
      pactl.stdout.on('data', (part) => (text += String(part)));
      pactl.stderr.on('data', (part) => (complaint += String(part)));
      pactl.on('error', reject);
      pactl.on('close', (code) => {
        if (code === 0) resolve(text.trim());
        else reject(new Error(`pactl ${args.join(' ')}: ${complaint.trim() || `exit ${code}`}`));
      });
    });

  /**
   * Plays one period of samples into `sink` again and again, until the returned function is called.
   *
   * @param {string} sink
   * @param {Float32Array} period
   */
  const play = (sink, period) => {
    const pacat = spawn(
      'pacat',
      [
        ...['--playback', '--raw', `--device=${sink}`, '--format=float32le', '--channels=1'],
        // Far more than a busy machine keeps the writer waiting for.
        ...[`--rate=${sampleRate}`, '--latency-msec=4000'],
      ],
      { env: { ...process.env, ...env }, stdio: ['pipe', 'ignore', 'ignore'] },
    );
    const bytes = Buffer.from(period.buffer, period.byteOffset, period.byteLength);
    const write = () => {
      while (pacat.stdin.writable && pacat.stdin.write(bytes));
    };
    pacat.stdin.on('drain', write);
    pacat.stdin.on('error', () => {});
    pacat.on('error', () => {});
    write();
    const end = () => {
      stops.delete(end);
      process.off('exit', end);
      pacat.stdin.destroy();
      pacat.kill('SIGTERM');
    };
    process.on('exit', end);
    stops.add(end);
    return end;
  };

  /**
   * A microphone that hears `period` again and again, also while it is unplugged. It is unplugged at first.
   *
   * @param {string} name - letters and digits
   * @param {Float32Array} period - at the server's sample rate
   */
  const addMicrophone = async (name, period) => {
    const room = `${name}-room`;
    await control(
      'load-module',
      'module-null-sink',
      `sink_name=${room}`,
      `rate=${sampleRate}`,
      'channels=1',
      // Else it renders up to 2 s ahead, and jumps when a reader comes that is in a hurry.
      'norewinds=1',
    );
    play(room, period);
    /** Of the module that is the device; undefined while it is unplugged. @type {string | undefined} */
    let module;
    return {
      name,
      get plugged() {
        return module !== undefined;
      },
      plug: async () => {
        module ??= await control(
          'load-module',
          'module-remap-source',
          `source_name=${name}`,
          `master=${room}.monitor`,
          `source_properties=device.description=${name}`,
        );
      },
      unplug: async () => {
        const id = module;
        module = undefined;
        if (id !== undefined) await control('unload-module', id);
      },
      mute: (/** @type {boolean} */ on) => control('set-source-mute', name, on ? '1' : '0'),
      suspend: (/** @type {boolean} */ on) => control('suspend-source', name, on ? '1' : '0'),
      makeDefault: () => control('set-default-source', name),
    };
  };

  return { env, sampleRate, control, addMicrophone, stop };
}
