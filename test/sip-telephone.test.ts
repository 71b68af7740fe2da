/**
 * A page and a telephone of the system: `SipPhone` in Chromium, kamailio, rtpengine between DTLS-SRTP and plain RTP, and baresip, each
 * with a tone of its own; and 100 calls by sipp. Skipped, with what to install in the name, where a program is missing.
 */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { withLivePage } from '../bench/live-page.mjs';
import { freeUdpPort } from '../scripts/local-port.mjs';
import { TELEPHONE_HZ } from '../scripts/sip/telephone.mjs';
import { Telephones, missingPackages, telephoneCure } from '../scripts/sip/telephones.mjs';
import { readWav } from '../src/core/services/shared/wav-audio.ts';
import { eventually } from './helpers/eventually.ts';

const PAGE_HZ = 440;
const TOLERANCE_HZ = 12;
const CALLS = 100;
const SIPP_CALLER = fileURLToPath(new URL('fixtures/sipp-caller.xml', import.meta.url));
const PHONE = fileURLToPath(new URL('../scripts/phone.mjs', import.meta.url));
/** At a time. */
const SIPP_CALLS = 4;
const missing = await missingPackages();
const hasSipp = spawnSync('sipp', ['-v']).error === undefined;
const named = (what: string, lacks: readonly string[]): string =>
  lacks.length > 0 ? `${what} (skipped: ${telephoneCure(lacks)})` : what;

/** In the page, once: a phone that is registered, and what is heard in a call. */
const setUp = (account: object): string => `
  const { SipPhone } = await import('/src/web/sip/index.ts');
  const { loudestHz } = await import('/test/helpers/heard-tone.ts');
  const phone = await SipPhone.open({ ...${JSON.stringify(account)}, maxReconnectSeconds: 1 });
  const context = new AudioContext({ sampleRate: 48000 });
  await context.resume();
  const tone = new OscillatorNode(context, { frequency: ${PAGE_HZ} });
  const microphone = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
  tone.connect(new GainNode(context, { gain: 0.3 })).connect(microphone);
  tone.start();
  const [track] = microphone.stream.getAudioTracks();
  const until = async (holds, what) => {
    for (let i = 0; i < 800; i++) {
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
  const hearsTone = async (call) => {
    const hz = ear(call);
    await until(() => Math.abs(hz() - ${TELEPHONE_HZ}) < ${TOLERANCE_HZ}, 'the telephone’s tone');
  };
  const codec = async (call) => {
    const report = [...(await call.connection.getStats()).values()];
    const { codecId } = report.find(({ type }) => type === 'inbound-rtp');
    return report.find(({ id }) => id === codecId).mimeType;
  };
  // Two seconds: the end of what the telephone records is to be of tone alone.
  const talk = async (call) => {
    const { packetsSent } = await call.stats();
    await until(async () => (await call.stats()).packetsSent > packetsSent + 100, 'packets');
  };
  const labels = () =>
    phone.ladder.entries.map(({ label, from }) => (from === 'page' ? '> ' : '< ') + label);
  const isOver = () => until(() => labels().at(-1).includes('200 OK (BYE)'), 'the end');
  Object.assign(globalThis, { phone, track, until, ear, hearsTone, codec, talk, labels, isOver });
`;

/** Hz of the last second of what the telephone heard, by its zero crossings. */
function heardHz(file: Uint8Array): number {
  const { stream, bytes } = readWav(file);
  const { sampleRate, channels } = stream;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const frames = bytes.length / 2 / channels;
  const first = Math.max(0, frames - sampleRate);
  const sample = (frame: number): number => view.getInt16(2 * channels * frame, true);
  let rising = 0;
  for (let i = first + 1; i < frames; i++) if (sample(i - 1) < 0 && sample(i) >= 0) rising++;
  return (rising * sampleRate) / (frames - first);
}

/** Processes that run one of the programs as children of that process, or of its children: their numbers. */
function descendants(of: number): number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const [, rest = ''] = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ');
        const [, parent] = rest.split(' ');
        return [[Number(name), Number(parent)] as const];
      } catch {
        return [];
      }
    });
  const children = parents.filter(([, parent]) => parent === of).map(([child]) => child);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

/** Whether a process runs. One that has ended and is waited for by nobody does not. */
function runs(pid: number): boolean {
  try {
    return !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

describe.skipIf(missing.length > 0)(
  named('a page and a telephone', missing),
  { timeout: 60_000 },
  () => {
    let telephones: Telephones;
    let run: (script: string) => Promise<unknown>;
    let closePage = (): void => {};
    let page: Promise<void> | undefined;

    beforeAll(async () => {
      telephones = await Telephones.open('127.0.0.1', { records: true });
      await new Promise<void>((resolve, reject) => {
        const plugins = [
          { name: 'jssip', config: () => ({ optimizeDeps: { include: ['jssip'] } }) },
        ];
        page = withLivePage({ page: 'test/fixtures/blank.html', plugins }, async (evaluate) => {
          await evaluate(setUp(telephones.accountOf()));
          run = evaluate;
          resolve();
          return new Promise<void>((close) => (closePage = close));
        });
        page.catch(reject);
      });
    }, 60_000);
    afterAll(async () => {
      closePage();
      await page;
      await telephones?.close();
    });
    beforeEach(() => run('phone.ladder.clear();'));

    /** Waits until the telephone's last record, after so many others, ends with the page's tone. It is complete when the call is over. */
    const heardTone = (before: number): Promise<void> =>
      eventually(() => {
        const { heard } = telephones.telephone;
        expect(heard.length).toBeGreaterThan(before);
        expect(Math.abs(heardHz(heard.at(-1)!) - PAGE_HZ)).toBeLessThan(TOLERANCE_HZ);
      });
    const LINES = [
      ['phone', 'audio/opus'],
      ['desk', 'audio/PCMU'],
    ] as const;

    it.each(LINES)('hear each other when the page calls %s, by %s', async (line, mimeType) => {
      const before = telephones.telephone.heard.length;
      const told = await run(`
        const call = phone.call('sip:${line}@sip.test', { track });
        await call.connect();
        await hearsTone(call);
        await talk(call);
        const used = await codec(call);
        await call.close();
        await isOver();
        return { used, labels: labels(), unread: phone.unreadMessages };
      `);
      expect(told).toEqual({
        used: mimeType,
        unread: 0,
        labels: [
          '> INVITE +SDP',
          '< 407 Proxy Authentication Required (INVITE)',
          '> ACK',
          '> INVITE +auth +SDP',
          expect.stringContaining('< 100 trying'),
          '< 180 Ringing (INVITE)',
          '< 200 Answering (INVITE) +SDP',
          '> ACK',
          '> BYE',
          '< 200 OK (BYE)',
        ],
      });
      await heardTone(before);
    });

    it.each(LINES)('hear each other when %s calls the page, by %s', async (line, mimeType) => {
      const { telephone } = telephones;
      const before = telephone.heard.length;
      const printed = telephone.printed.length;
      await run(`
        globalThis.talking = new Promise((resolve, reject) =>
          phone.addEventListener('call', ({ detail: call }) => {
            const answer = async () => {
              await call.accept({ track });
              await hearsTone(call);
              await talk(call);
              await call.sendDtmf('1');
              return { used: await codec(call), call };
            };
            answer().then(resolve, reject);
          }, { once: true }),
        );`);
      await telephone.dial(line, 'page');
      const used = await run('return (await talking).used');
      expect(used).toBe(mimeType);
      await eventually(() => expect(telephone.printed.slice(printed)).toContain("event: '1'"));
      await telephone.hangUp();
      const told = await run(`
        const { call } = await talking;
        await until(() => call.state === 'closed', 'the telephone hangs up');
        await isOver();
        return { remote: call.remote, error: call.error, labels: labels() };
      `);
      expect(told).toEqual({
        remote: `sip:${line}@sip.test`,
        error: null,
        labels: [
          '< INVITE +SDP',
          '> 100 Trying (INVITE)',
          '> 180 Ringing (INVITE)',
          '> 200 OK (INVITE) +SDP',
          // The telephone repeats its credentials.
          '< ACK +auth',
          '< BYE +auth',
          '> 200 OK (BYE)',
        ],
      });
      await heardTone(before);
    });

    it('hold and resume, through the media gateway', async () => {
      // baresip 1.0 plays nothing more after a re-INVITE: what it hears is not looked at here.
      const told = await run(`
        const call = phone.call('sip:desk@sip.test', { track });
        await call.connect();
        await hearsTone(call);
        await call.putOnHold();
        const held = call.hold;
        const received = async () => (await call.stats()).packetsReceived;
        let last = -1;
        await until(async () => {
          const before = last;
          last = await received();
          // Longer than the browser gives the same figures.
          await new Promise((resolve) => setTimeout(resolve, 300));
          return last === before;
        }, 'the telephone stops');
        await call.resume();
        await hearsTone(call);
        await talk(call);
        const more = (await received()) - last;
        const { hold } = call;
        await call.close();
        await isOver();
        const changes = labels().filter((label) => label.includes('re-INVITE'));
        return { held, hold, continues: more > 20, changes };
      `);
      expect(told).toEqual({
        held: { here: true, there: false },
        hold: { here: false, there: false },
        continues: true,
        changes: ['> re-INVITE +SDP sendonly', '> re-INVITE +SDP'],
      });
    });

    it('survive a server that is killed in mid-call', async () => {
      const { server, telephone } = telephones;
      const before = telephone.heard.length;
      await run(`
        globalThis.call = phone.call('sip:phone@sip.test', { track });
        await call.connect();
        await hearsTone(call);`);
      await server.kill();
      await telephones.ended;
      await run(`
        await until(() => phone.state === 'offline', 'the loss of the server');
        await talk(call);
        await hearsTone(call);`);
      await server.start();
      const state = await run(`
        await until(() => phone.state === 'registered', 'the server');
        const { state } = call;
        await call.close();
        await isOver();
        return state;`);
      expect(state).toBe('connected');
      await heardTone(before);
    });

    it.skipIf(!hasSipp)(
      named(`the page answers ${CALLS} calls of sipp`, hasSipp ? [] : ['sip-tester']),
      async () => {
        await run(`
          globalThis.count = { answered: 0, failed: [] };
          phone.addEventListener('call', ({ detail: call }) =>
            call.accept({ track }).then(
              () => {
                count.answered++;
                return call.close();
              },
              (error) => count.failed.push(error.message),
            ));`);
        const folder = mkdtempSync(join(tmpdir(), 'micwire-sipp-'));
        try {
          const args = [
            ...[`127.0.0.1:${telephones.server.port}`, '-sf', SIPP_CALLER, '-s', 'page'],
            ...['-i', '127.0.0.1', '-p', String(await freeUdpPort()), '-nostdin'],
            ...['-au', 'sipp', '-ap', telephones.accountOf('sipp').password],
            ...['-m', String(CALLS), '-l', String(SIPP_CALLS), '-r', '20', '-timeout', '50'],
          ];
          // Its status is 0 where each call went as its scenario says.
          const { stdout } = await promisify(execFile)('sipp', args, { cwd: folder });
          expect(stdout).toMatch(new RegExp(`Successful call.*\\b${CALLS}\\s*$`, 'm'));
        } finally {
          rmSync(folder, { recursive: true });
        }
        const told = await run(`
          await until(() => phone.calls.length === 0, 'the end of the last call');
          const { state, unreadMessages, ladder } = phone;
          const open = ladder.dialogs.filter((dialog) => dialog.state !== 'terminated').length;
          return { ...count, state, unreadMessages, open };`);
        const end = { state: 'registered', unreadMessages: 0, open: 0 };
        expect(told).toEqual({ answered: CALLS, failed: [], ...end });
      },
    );
  },
);

describe.skipIf(missing.length > 0)(named('npm run phone', missing), { timeout: 60_000 }, () => {
  it.each(['SIGINT', 'SIGKILL'] as const)('leaves no process behind after %s', async (signal) => {
    const child = spawn(process.execPath, [PHONE], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    let printed = '';
    child.stdout.on('data', (part) => (printed += String(part)));
    await eventually(() => expect(printed).toContain('Ctrl+C ends everything.'));
    expect(printed).toMatch(/url: 'ws:\/\/127\.0\.0\.1:\d+'/);
    const started = descendants(child.pid!);
    // Three programs, each with the shell that watches over it.
    expect(started.length).toBeGreaterThanOrEqual(6);
    child.kill(signal);
    await ended;
    await eventually(() => expect(started.filter(runs)).toEqual([]));
  });

  it('says which packages to install if a program is missing', () => {
    const { status, stderr } = spawnSync(process.execPath, [PHONE], {
      env: { PATH: '/nowhere' },
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /apt-get install --no-install-recommends .*rtpengine-daemon baresip-core/,
    );
  });
});
