import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withLivePage } from '../bench/live-page.mjs';
import { hasJanus } from '../demo/server/sfu/janus-process.ts';
import { Sfu } from '../demo/server/sfu/sfu.ts';
import { OpusDecoder } from '../src/core/codec/opus-decoder.ts';
import { readRecording } from '../src/node/index.ts';
import { eventually } from './helpers/eventually.ts';
import { readOggPages } from './helpers/ogg-pages.ts';
import { opusLibrary, opusModule } from './helpers/opus.ts';
import { sfuPlugin } from './helpers/sfu-plugin.ts';
import type { SfuRequest } from './helpers/sfu-plugin.ts';
import { tones } from './helpers/tones.ts';

const SAMPLE_RATE = 48_000;
const TONE_HZ = 440;
const AMPLITUDE = 0.3;

/** In the page: something to publish, and to hear what is played. */
const HELP = `
  const { Whip, Whep } = await import('/src/web/index.ts');
  const { loudestHz } = await import('/test/helpers/heard-tone.ts');
  const { token } = await (await fetch('/sfu')).json();
  const context = new AudioContext({ sampleRate: ${SAMPLE_RATE} });
  const tone = new OscillatorNode(context, { frequency: ${TONE_HZ} });
  const source = new GainNode(context, { gain: ${AMPLITUDE} });
  tone.connect(source);
  tone.start();
  const publish = async (room) => {
    const whip = Whip.create('/whip/' + room, source, { token });
    await whip.connect();
    return whip;
  };
  const play = async (room) => {
    const whep = Whep.create('/whep/' + room, { token });
    await whep.connect();
    const analyser = new AnalyserNode(context, { fftSize: 8192 });
    whep.createSource(context).connect(analyser);
    return { whep, analyser };
  };
  const until = async (holds, what) => {
    for (let i = 0; i < 400; i++) {
      if (await holds()) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error('Not in time: ' + what);
  };
  const hears = ({ analyser }) =>
    until(() => Math.abs(loudestHz(analyser) - ${TONE_HZ}) < 10, 'the tone');
  const ufrag = ({ connection }) => /a=ice-ufrag:(\\S+)/.exec(connection.remoteDescription.sdp)[1];
`;

let folder: string;
let sfu: Sfu;
let requests: SfuRequest[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'micwire-sfu-'));
  sfu = new Sfu({ folder, loadOpus: opusModule });
  requests = [];
});
afterEach(async () => {
  await sfu.close();
  rmSync(folder, { recursive: true, force: true });
});

function inPage(
  use: (
    run: (script: string) => Promise<unknown>,
    goto: (url: string) => Promise<void>,
  ) => Promise<void>,
): Promise<void> {
  return withLivePage(
    {
      page: 'test/fixtures/blank.html',
      plugins: [sfuPlugin(sfu, (request) => requests.push(request))],
    },
    (evaluate, browser) => use((script) => evaluate(HELP + script), browser.goto),
  );
}

/** How often it was asked for that: the session may have ended by itself just before a DELETE, when its page let go of it. */
const asked = (what: string): number => requests.filter((each) => each.what === what).length;

describe.skipIf(!hasJanus())(
  'Whip and Whep at Janus (skipped where Janus is not installed)',
  () => {
    it('publish a tone that is heard by WHEP, metered and recorded, also after ICE restarts', async () => {
      let level: { peakDbfs: number; loudnessLufs: number } | null = null;
      await inPage(async (run) => {
        const told = await run(`
          const whip = await publish('room');
          const ear = await play('room');
          await hears(ear);
          const before = ufrag(whip);
          await whip.restartIce();
          const after = ufrag(whip);
          const { packetsReceived } = await ear.whep.stats();
          await until(
            async () => (await ear.whep.stats()).packetsReceived > packetsReceived + 100,
            'packets after the restart',
          );
          await hears(ear);
          const refusal = await ear.whep.restartIce().catch(({ code }) => code);
          const { packetsLost } = await ear.whep.stats();
          const { publishers } = await (await fetch('/sfu')).json();
          const states = [whip.state, ear.whep.state];
          await Promise.all([whip.close(), ear.whep.close()]);
          return { isNew: before !== after, packetsLost, publishers, refusal, states };
        `);
        expect(told).toMatchObject({
          isNew: true,
          packetsLost: 0,
          refusal: 'unsupported',
          states: ['connected', 'connected'],
          publishers: [{ room: 'room' }],
        });
        level = (told as { publishers: [{ level: typeof level }] }).publishers[0].level;
      });
      expect(requests.filter(({ what }) => what.startsWith('POST'))).toEqual([
        { what: 'POST /whip/room', type: 'application/sdp', status: 201 },
        // Janus makes the offer to those who listen.
        { what: 'POST /whep/room', type: 'application/sdp', status: 406 },
      ]);
      expect([asked('DELETE /whip/room/…'), asked('DELETE /whep/room/…')]).toEqual([1, 1]);
      // 20·log10 of the amplitude, and of a sine's power (BS.1770: 3.01 dB below, −0.691 + K-weighting ≈ 0 at 440 Hz).
      expect(level!.peakDbfs).toBeCloseTo(20 * Math.log10(AMPLITUDE), 0);
      expect(level!.loudnessLufs).toBeGreaterThan(-18);
      expect(level!.loudnessLufs).toBeLessThan(-12);
      await sfu.close();
      const [name, ...others] = readdirSync(folder).filter((each) => each.endsWith('.ogg'));
      expect(others).toEqual([]);
      const path = join(folder, name!);
      const { frames, gaps } = (await readRecording(path))!;
      expect(gaps).toEqual([]);
      expect(frames).toBeGreaterThan(2 * SAMPLE_RATE);
      await expectTone(path);
    }, 90_000);

    it('bring everyone’s mix to a standard WHEP player, also after ICE restarts', async () => {
      await inPage(async (run) => {
        const told = await run(`
          const whip = await publish('mix');
          const ear = await play('mix');
          await hears(ear);
          const before = [ufrag(whip), ufrag(ear.whep)];
          await Promise.all([whip.restartIce(), ear.whep.restartIce()]);
          const after = [ufrag(whip), ufrag(ear.whep)];
          const { packetsReceived } = await ear.whep.stats();
          await until(
            async () => (await ear.whep.stats()).packetsReceived > packetsReceived + 100,
            'packets after the restart',
          );
          await hears(ear);
          await Promise.all([whip.close(), ear.whep.close()]);
          return before.map((each, i) => each !== after[i]);
        `);
        expect(told).toEqual([true, true]);
      });
      const [publication, player] = requests.filter(({ what }) => what.startsWith('POST'));
      expect([publication!.status, player!.status]).toEqual([201, 201]);
    }, 90_000);

    it('end at Janus when the page is left', async () => {
      await inPage(async (run, goto) => {
        await run(`
          globalThis.sessions = [await publish('room'), await play('room'), await play('mix')];
        `);
        expect(sfu.sessions).toBe(3);
        await goto('about:blank');
        await eventually(() => {
          expect(asked('DELETE /whip/room/…')).toBe(1);
          expect(asked('DELETE /whep/room/…')).toBe(1);
          expect(asked('DELETE /whep/mix/…')).toBe(1);
          expect(sfu.sessions).toBe(0);
        });
      });
    }, 90_000);

    it('report that Janus has crashed, and then find another one', async () => {
      await inPage(async (run) => {
        await run(`globalThis.first = await play('mix');`);
        const { pid, ended } = await sfu.process();
        process.kill(pid, 'SIGKILL');
        await ended;
        const told = await run(`
          const ear = await play('mix');
          const whip = await publish('mix');
          await hears(ear);
          const { status } = await fetch('/whep/room', {
            method: 'POST',
            headers: { authorization: 'Bearer ' + token },
          });
          return status;
        `);
        // Nobody publishes there.
        expect(told).toBe(409);
        expect((await sfu.process()).pid).not.toBe(pid);
      });
    }, 90_000);
  },
);

/** The tone throughout, but for the first second and the last half. */
async function expectTone(path: string): Promise<void> {
  const packets = readOggPages(readFileSync(path)).flatMap((page) => page.packets);
  const audio = packets.slice(2);
  const decoder = new OpusDecoder(await opusLibrary(), { sampleRate: SAMPLE_RATE, channels: 1 });
  const samples = new Float32Array(audio.length * 5760);
  let at = 0;
  for (const packet of audio) at += decoder.decode(packet, 0, packet.length, [samples], at);
  decoder.close();
  const found = tones(samples.subarray(SAMPLE_RATE, at - SAMPLE_RATE / 2), TONE_HZ / SAMPLE_RATE);
  expect(found.length).toBeGreaterThan(5);
  for (const { amplitude, ratio } of found) {
    expect(Math.abs(ratio - 1)).toBeLessThan(0.002);
    expect(Math.abs(amplitude / AMPLITUDE - 1)).toBeLessThan(0.1);
  }
}
