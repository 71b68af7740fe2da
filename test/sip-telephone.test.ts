/**
 * A page and a telephone of the system: `SipPhone` in Chromium, kamailio, rtpengine between DTLS-SRTP and plain RTP, and baresip, each
 * with a tone of its own. Skipped, with what to install in the name, where a program is missing.
 */
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withLivePage } from '../bench/live-page.mjs';
import { TELEPHONE_HZ } from '../scripts/sip/telephone.mjs';
import { Telephones, missingPackages, telephoneCure } from '../scripts/sip/telephones.mjs';
import { readWav } from '../src/core/services/shared/wav-audio.ts';

const PAGE_HZ = 440;
const TOLERANCE_HZ = 12;
const missing = missingPackages();

/** In the page: a phone, and what is heard in a call. */
const HELP = `
  const { SipPhone, sipLadderText } = await import('/src/web/sip/index.ts');
  const { loudestHz } = await import('/test/helpers/heard-tone.ts');
  const context = new AudioContext({ sampleRate: 48000 });
  await context.resume();
  const tone = new OscillatorNode(context, { frequency: ${PAGE_HZ} });
  const microphone = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
  tone.connect(new GainNode(context, { gain: 0.3 })).connect(microphone);
  tone.start();
  const [track] = microphone.stream.getAudioTracks();
  const until = async (holds, what) => {
    for (let i = 0; i < 600; i++) {
      if (await holds()) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error('Not in time: ' + what);
  };
  const ear = (call) => {
    const analyser = new AnalyserNode(context, { fftSize: 8192 });
    call.createSource(context).connect(analyser);
    return () => loudestHz(analyser);
  };
  const hears = async (ear) =>
    until(() => Math.abs(ear() - ${TELEPHONE_HZ}) < ${TOLERANCE_HZ}, 'the tone of the telephone');
  const codec = async (call) => {
    const report = [...(await call.connection.getStats()).values()];
    const { codecId } = report.find(({ type }) => type === 'inbound-rtp');
    return report.find(({ id }) => id === codecId).mimeType;
  };
  // So much is sent that the telephone has a second of it.
  const talk = async (call, packets = 100) => {
    const { packetsSent } = await call.stats();
    await until(async () => (await call.stats()).packetsSent > packetsSent + packets, 'packets');
  };
  const labels = (phone) =>
    phone.ladder.entries
      .filter(({ message }) => !/REGISTER/.test(message.text))
      .map(({ label, from }) => (from === 'page' ? '> ' : '< ') + label);
`;

/** Hz of what the telephone heard in its last call, by the zero crossings of the last second. */
function heardHz(file: Uint8Array): number {
  const { samples, sampleRate } = readWav(file);
  const end = samples.slice(-sampleRate);
  let rising = 0;
  for (let i = 1; i < end.length; i++) if (end[i - 1]! < 0 && end[i]! >= 0) rising++;
  return (rising * sampleRate) / end.length;
}

describe.skipIf(missing.length > 0)(
  missing.length > 0
    ? `a page and a telephone (skipped: ${telephoneCure(missing)})`
    : 'a page and a telephone',
  { timeout: 60_000 },
  () => {
    let telephones: Telephones;
    beforeAll(async () => {
      telephones = await Telephones.open();
    }, 30_000);
    afterAll(() => telephones?.close());

    const inPage = (use: (run: (script: string) => Promise<unknown>) => Promise<void>) =>
      withLivePage(
        {
          page: 'test/fixtures/blank.html',
          plugins: [
            { name: 'jssip', config: () => ({ optimizeDeps: { include: ['jssip'] } }) },
          ],
        },
        (evaluate) =>
          use((script) =>
            evaluate(
              `${HELP}
              const phone = await SipPhone.open(${JSON.stringify(telephones.accountOf())});
              try { ${script} } catch (e) { throw new Error(e.message + phone.ladder.entries.map((x) => x.message.text).filter((x) => x.includes("m=audio")).join("====\\n")); } finally { await phone.close(); await context.close(); }`,
            ),
          ),
      );

    it.each([
      ['phone', 'audio/opus'],
      ['desk', 'audio/PCMU'],
    ])('hear each other when the page calls %s: %s', async (line, mimeType) => {
      const before = telephones.telephone.heard.length;
      await inPage(async (run) => {
        const told = await run(`
          const call = phone.call('sip:${line}@sip.test', { track });
          await call.connect();
          await hears(ear(call));
          await talk(call);
          const used = await codec(call);
          const { packetsLost } = await call.stats();
          await call.close();
          await until(() => labels(phone).at(-1) === '< 200 OK (BYE)', 'the end');
          return { used, packetsLost, labels: labels(phone), unread: phone.unreadMessages };
        `);
        console.log(told);
      });
      const { heard } = telephones.telephone;
      expect(heard.length).toBe(before + 1);
      expect(Math.abs(heardHz(heard.at(-1)!) - PAGE_HZ)).toBeLessThan(TOLERANCE_HZ);
    });
  },
);
