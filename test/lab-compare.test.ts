import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Comparison } from '../demo/lanes/comparison.ts';
import { installed, runProgram } from './helpers/programs.ts';
import { namelessControls, placesIn, useLab } from './helpers/lab-page.ts';

/*
 * All lanes side by side, on the page of `npm start`, in Chromium, driven as a user does. What the lanes do to the sound is proven
 * elsewhere; here it is whether the page shows it. Three lanes stand for all of them.
 */

const LANES = '?lanes=pcm-json-ws,opus-rtp-dc,webrtc';

const lab = useLab('compare');
const { faults, level, reopen, start, status } = lab;
/** Figures are made of the last 5 s, and connections take their time on a busy machine. */
const eventually = <T>(value: () => T) => expect.poll(value, { timeout: 30_000, interval: 150 });
let page: Page;
beforeEach(() => {
  page = lab.page;
});

const row = (lane: string): Locator => page.locator(`lab-lanes tr[data-lane="${lane}"]`);
/** Everything that an element says, elements within it left out. */
const words = (element: string): Promise<string> =>
  page.locator(element).evaluate((host) => host.shadowRoot!.textContent ?? '');
/** The first figure of a column: 0 is the latency, 1 the bitrate. */
const figure = async (lane: string, column: number): Promise<number> => {
  const text = await row(lane).locator('td.figure').nth(column).locator('.value').textContent();
  return text === '–' ? -1 : Number(text?.replaceAll(',', ''));
};
const gainOf = (heard: string): Promise<unknown> =>
  page.locator('lab-compare').evaluate((element, name) => {
    const { session } = element as unknown as { session: Comparison };
    return session.heard === name;
  }, heard);

/** What the page is told of the machine, whose load is not what is tested. */
const pretendQuiet = (): Promise<void> =>
  page.locator('lab-compare').evaluate((element) => {
    const { session } = element as unknown as { session: Comparison };
    const told = (value: number) => ({ configurable: true, get: () => value, set: () => {} });
    Object.defineProperties(session, { latenessMs: told(1), droppedMs: told(0) });
  });

/** What the page is told of its lanes, with figures of a clean network: no machine is too busy for that. */
const pretend = (readiness: object): Promise<void> =>
  page.locator('lab-compare').evaluate((element, told) => {
    const { session } = element as unknown as { session: Comparison };
    Object.defineProperty(session, 'readiness', { configurable: true, get: () => told });
    const figures: Readonly<Record<string, readonly [number, number, number]>> = {
      'pcm-binary-ws': [48, 840, 0.01],
      'opus-binary-ws': [70, 56, 0],
    };
    for (const slot of session.lanes) {
      const [latency, bitrate, concealed] = figures[slot.id] ?? [0, 0, 0];
      slot.figures = {
        ...slot.figures,
        latency_p50_ms: latency,
        latency_p95_ms: latency,
        bitrate_kbps: bitrate,
        match_ratio: 1,
        loss_ratio: 0,
        concealed_ratio: concealed,
      };
    }
    (element as unknown as { requestUpdate(): void }).requestUpdate();
  }, readiness);

describe('all lanes in the lab', { timeout: 120_000 }, () => {
  it('start silent in each view, without a fault, every control with a name', async () => {
    for (const [view, said] of [
      ['A call', ['lab-room', /A call between two tabs/]],
      ['One lane', ['lab-settings', /The lane/]],
      ['All lanes', ['lab-run', /A measured run/]],
    ] as const) {
      await page.getByRole('link', { name: view, exact: true }).click();
      await eventually(() => words(said[0])).toMatch(said[1]);
      expect(await namelessControls(page)).toEqual([]);
    }
    expect(await status().textContent()).toMatch(/Ready/);
    expect(await page.locator('lab-lanes tr[data-lane]').count()).toBe(4);
    expect(await page.locator('lab-lanes .others li').count()).toBe(6);
    expect(await words('lab-answer')).toMatch(/Choose what you need most, then press Start/);
    expect(faults).toEqual([]);
  });

  it('start with one click, each with its level, its figures and its place in the verdict', async () => {
    await reopen(LANES);
    await pretendQuiet();
    await start();
    // Levels are drawn while they can be seen.
    await row('pcm-json-ws').scrollIntoViewIfNeeded();
    await eventually(() => level('PCM, Base64 JSON, level')).toBeGreaterThan(-45);
    await eventually(() => status().textContent()).toMatch(/3 lanes; you hear PCM, Base64 JSON/);
    for (const lane of ['pcm-json-ws', 'opus-rtp-dc', 'webrtc']) {
      await eventually(() => figure(lane, 0)).toBeGreaterThan(0);
      await eventually(() => figure(lane, 1)).toBeGreaterThan(5);
    }
    expect(await row('webrtc-red').count()).toBe(0);
    await eventually(() => words('lab-answer')).toMatch(
      /\d ms.*Price: \d.* kbit\/s.*Over “Clean”/s,
    );

    await page.keyboard.press('5');
    await eventually(() => gainOf('opus-rtp-dc')).toBe(true);
    expect(await row('opus-rtp-dc').locator('.key').getAttribute('aria-pressed')).toBe('true');
    expect(await row('pcm-json-ws').locator('.key').getAttribute('aria-pressed')).toBe('false');
    await page.getByLabel('Single-key shortcuts').uncheck();
    await page.keyboard.press('1');
    expect(await gainOf('opus-rtp-dc')).toBe(true);
    await page.getByLabel('Single-key shortcuts').check();
    // It needs both lanes' figures.
    await eventually(() => page.getByRole('button', { name: 'X', exact: true }).isEnabled()).toBe(
      true,
    );
    await page.keyboard.press('x');
    await eventually(() => page.locator('lab-lanes .key[aria-pressed=true]').count()).toBe(0);
    await page.getByRole('button', { name: 'X is A' }).click();
    await eventually(() => words('lab-abx')).toMatch(/of 1 right/);
    await page.keyboard.press('0');
    await eventually(() => gainOf('source')).toBe(true);

    await row('opus-rtp-dc')
      .getByRole('button', { name: /Details/ })
      .click();
    const details = page.locator('lab-lane-details');
    await eventually(() => words('lab-wire')).toMatch(/B of Opus/);
    const saved = page.waitForEvent('download');
    await details.getByRole('button', { name: /Wireshark/ }).click();
    const capture = await readFile(await (await saved).path());
    expect(capture.readUInt32LE(0)).toBe(0x0a0d0d0a);

    // A lane that does not run takes no room, and is one press away.
    await page.getByLabel('Run WebRTC', { exact: true }).uncheck();
    await eventually(() => row('webrtc').count()).toBe(0);
    await page.getByText('8 more lanes').click();
    await page.getByLabel('Run WebRTC', { exact: true }).check();
    await eventually(() => figure('webrtc', 0)).toBeGreaterThan(0);
    expect(faults).toEqual([]);
  });

  it('answer by need, in rows that are ranked, sorted and compared with one of them', async () => {
    await reopen('?lanes=pcm-binary-ws,opus-binary-ws&complexity=2');
    await page.locator('lab-lanes #baseline').selectOption('opus-binary-ws');
    const shown = () => page.locator('lab-answer [data-test=answer]').textContent();
    const differences = () => row('pcm-binary-ws').locator('.difference').allTextContents();
    expect(await differences()).toEqual(['', '', '', '']);
    const ids = ['pcm-binary-ws', 'opus-binary-ws'];
    await pretend({
      state: 'settling',
      count: 2,
      ready: [ids[0]],
      waiting: [ids[1]],
      secondsLeft: 3,
    });
    await eventually(shown).toMatch(/Settling: 1 of 2 lanes ready/);
    expect(await differences()).toEqual(['', '', '', '']);
    const ready = { state: 'ready', ready: ids, silent: [], down: [] };
    await pretend(ready);
    await eventually(shown).toMatch(/Binary PCM over WebSocket.*48 ms/s);
    expect(await words('lab-answer')).toMatch(
      /Price: 840\.0 kbit\/s, 15 times Opus over WebSocket/,
    );
    expect(await differences()).toEqual(['−22', '× 15', '± 0', '+1.00']);
    const rows = () =>
      page
        .locator('lab-lanes tr[data-lane]')
        .evaluateAll((all) => all.map((each) => (each as HTMLElement).dataset['lane']));
    expect(await rows()).toEqual(['pcm-binary-ws', 'opus-binary-ws']);

    // By keyboard: the first need is checked, the arrow chooses the next.
    await page.getByRole('radio', { name: 'Least delay' }).focus();
    await page.keyboard.press('ArrowRight');
    await eventually(shown).toMatch(/Opus over WebSocket.*56\.0 kbit\/s/s);
    await eventually(rows).toEqual(['opus-binary-ws', 'pcm-binary-ws']);
    expect(await row('opus-binary-ws').locator('td.figure').nth(1).locator('.best').count()).toBe(
      1,
    );
    expect(await row('pcm-binary-ws').locator('td.figure').nth(1).locator('.best').count()).toBe(0);

    const sort = page.getByRole('button', { name: 'Sort by Bitrate' });
    const heading = page.locator('lab-lanes th.figure').nth(1);
    await sort.click();
    expect(await heading.getAttribute('aria-sort')).toBe('ascending');
    await sort.click();
    expect(await heading.getAttribute('aria-sort')).toBe('descending');
    await eventually(rows).toEqual(['pcm-binary-ws', 'opus-binary-ws']);
    await sort.click();
    expect(await heading.getAttribute('aria-sort')).toBe('none');

    // On a busy machine the warning takes the place of the answer, and nothing is said about lanes.
    await pretend({ state: 'void', latenessMs: 12.3, droppedMs: 0 });
    await eventually(() => words('lab-answer')).toMatch(/too busy to measure.*12\.3 ms late/s);
    expect(await words('lab-answer')).not.toMatch(/kbit\/s|loses/);
    expect(await page.locator('lab-lanes tbody .best').count()).toBe(0);
    await pretend(ready);
    await eventually(shown).toMatch(/kbit\/s/);

    await row('opus-binary-ws')
      .getByRole('button', { name: /Details/ })
      .click();
    const details = page.locator('lab-lane-details');
    expect(await details.locator('pre').textContent()).toMatch(/complexity: 2/);
    expect(await details.getByRole('link', { name: /alone/ }).getAttribute('href')).toMatch(
      /\?lanes=opus-binary-ws&complexity=2$/,
    );
    expect(faults).toEqual([]);
  });

  it('continue while the microphone’s device is switched, muted and lost', async () => {
    await reopen(LANES);
    await page.getByLabel('Microphone', { exact: true }).check();
    await start();
    // Levels are drawn while they can be seen.
    await row('pcm-json-ws').scrollIntoViewIfNeeded();
    await eventually(() => level('PCM, Base64 JSON, level')).toBeGreaterThan(-50);
    await eventually(() => status().textContent()).toMatch(/Running.*Fake Default.*3 lanes/s);
    const running = await page.locator('lab-compare').evaluateHandle((element) => {
      const { session } = element as unknown as { session: Comparison };
      return session.lanes.map(({ lane }) => lane);
    });
    const device = page.getByLabel('Device', { exact: true });
    await device.selectOption('Fake Audio Input 1');
    await eventually(() => status().textContent()).toMatch(/Running.*Fake Audio Input 1.*3 lanes/s);
    await page.getByRole('radio', { name: 'Mute, light off' }).check();
    await eventually(() => status().textContent()).toMatch(/have muted/);
    await row('pcm-json-ws').scrollIntoViewIfNeeded();
    await eventually(() => level('PCM, Base64 JSON, level')).toBe(-60);
    await page.getByRole('radio', { name: 'On', exact: true }).check();
    await eventually(() => status().textContent()).toMatch(/Running.*3 lanes/s);
    // As if the plug had been pulled while it was muted.
    await page.locator('lab-compare').evaluate((element) => {
      const { session } = element as unknown as { session: Comparison };
      const media = navigator.mediaDevices;
      media.getUserMedia = () => Promise.reject(new DOMException('', 'NotFoundError'));
      return session.desk.mute('light').then(() => session.desk.mute(null));
    });
    await eventually(() => status().textContent()).toMatch(/No microphone was found/);
    await page.evaluate(() => {
      delete (navigator.mediaDevices as { getUserMedia?: unknown }).getUserMedia;
      navigator.mediaDevices.dispatchEvent(new Event('devicechange'));
    });
    await eventually(() => status().textContent()).toMatch(/Running.*3 lanes/s);
    await row('pcm-json-ws').scrollIntoViewIfNeeded();
    await eventually(() => level('PCM, Base64 JSON, level')).toBeGreaterThan(-50);
    const same = await page.locator('lab-compare').evaluate((element, before) => {
      const { session } = element as unknown as { session: Comparison };
      return session.lanes.map(({ lane }, i) => lane === before[i]);
    }, running);
    expect(same).toEqual(same.map(() => true));
    expect(faults).toEqual([]);
  });

  it('share one simulated network, which changes while they run', async () => {
    await reopen('?lanes=opus-rtp-dc');
    await start();
    await eventually(() => figure('opus-rtp-dc', 0)).toBeGreaterThan(0);
    await page.getByLabel('Satellite', { exact: true }).first().check();
    await eventually(() => figure('opus-rtp-dc', 0)).toBeGreaterThan(300);
    await page.getByLabel('Delay, one way').fill('0');
    await eventually(() => words('lab-answer')).toMatch(
      /Settling: 0 of 1 lane ready.*the network as set/s,
    );
    await page.getByText('Bursts, order, stalls, trace').click();
    await page.getByLabel('Replay a recorded network').setInputFiles({
      name: 'trace.txt',
      mimeType: 'text/plain',
      buffer: Buffer.from('0 10\n500 lost\n600 20\n'),
    });
    await eventually(() => page.locator('lab-link .trace').textContent()).toMatch(
      /3 points, 0\.7 s/,
    );
    await page.locator('lab-link').getByRole('button', { name: 'Lateness' }).click();
    expect(await page.locator('lab-link [popover]').isVisible()).toBe(true);
    await page.keyboard.press('Escape');
    expect(faults).toEqual([]);
  });

  it('save the packets of a call on the network, for Wireshark', async () => {
    await reopen('?lanes=opus-rtp-dc,webrtc');
    await pretendQuiet();
    await start();
    await eventually(() => figure('webrtc', 1)).toBeGreaterThan(5);
    await page.getByText('The WebRTC path, step by step').click();
    const calls = page.locator('lab-lane-calls');
    const folder = await mkdtemp(join(tmpdir(), 'micwire-lab-capture-'));
    try {
      for (const lane of ['webrtc', 'opus-rtp-dc']) {
        await calls.locator('#lane').selectOption(lane);
        const saving = page.waitForEvent('download');
        await calls.getByRole('button', { name: 'Save the call for Wireshark' }).click();
        const saved = await saving;
        expect(saved.suggestedFilename()).toMatch(new RegExp(`^micwire-${lane}-.*\\.pcapng$`));
        const file = join(folder, `${lane}.pcapng`);
        await saved.saveAs(file);
        expect((await readFile(file)).readUInt32LE(0)).toBe(0x0a0d0d0a);
        if (!installed('tshark')) continue;
        const fields = ['-T', 'fields', '-e', 'frame.protocols'];
        const args = ['-r', file, '--enable-heuristic', 'rtp_udp', ...fields];
        const packets = runProgram('tshark', args).stdout.toString().trim().split('\n');
        const count = (protocol: string) =>
          packets.filter((each) => each.includes(protocol)).length;
        expect(count(':stun'), lane).toBeGreaterThan(3);
        expect(count(':dtls'), lane).toBeGreaterThan(0);
        // tshark takes what DTLS 1.3 encrypts for data.
        expect(count(lane === 'webrtc' ? ':rtp' : ':data'), lane).toBeGreaterThan(30);
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    // A lane that has made no call has nothing to save.
    await calls.locator('#lane').selectOption('webrtc-red');
    expect(await calls.getByRole('button', { name: /Wireshark/ }).count()).toBe(0);
    expect(faults).toEqual([]);
  });

  it('are measured in runs: progress, tables and files, and a link with all settings', async () => {
    await reopen('?lanes=pcm-json-ws,opus-binary-ws&link=loss-5&runs=1&seconds=1&settle=0');
    expect(await page.getByLabel('5 % loss', { exact: true }).first().isChecked()).toBe(true);
    expect(await page.getByLabel('Repetitions').inputValue()).toBe('1');
    await page.getByRole('button', { name: 'Measure' }).click();
    await eventually(() => words('lab-run')).toMatch(/1 of 1: 5 % loss/);
    const results = page.locator('lab-results');
    await expect
      .poll(() => results.locator('table').count(), { timeout: 40_000, interval: 200 })
      .toBe(1);
    expect(await results.locator('tbody tr').count()).toBe(2);
    const saved = page.waitForEvent('download');
    await results.getByRole('button', { name: 'Save CSV' }).click();
    const csv = await readFile(await (await saved).path(), 'utf8');
    expect(csv).toMatch(/^link,repetition,.*\r\nloss-5,0,/);
    const savedToo = page.waitForEvent('download');
    await results.getByRole('button', { name: 'Save Markdown' }).click();
    const file = await savedToo;
    expect(file.suggestedFilename()).toMatch(/\.md$/);
    expect(await readFile(await file.path(), 'utf8')).toMatch(/^## loss-5\n[^]*\| pcm-json-ws \|/);
    await page.getByLabel('Café Wi-Fi', { exact: true }).last().check();
    await page.getByRole('button', { name: /Copy a link/ }).click();
    await eventually(() => page.url()).toMatch(
      /\?lanes=pcm-json-ws,opus-binary-ws&link=loss-5,cafe-wifi&seconds=1&settle=0&runs=1/,
    );
    expect(faults).toEqual([]);
  });

  it('fit a phone of 360 px, and nothing moves while the figures change', async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await reopen('?lanes=pcm-binary-ws');
    await start();
    await eventually(() => figure('pcm-binary-ws', 0)).toBeGreaterThan(0);
    for (const width of [360, 1280]) {
      await page.setViewportSize({ width, height: 740 });
      const scrollWidth = () => page.evaluate(() => document.documentElement.scrollWidth);
      await eventually(scrollWidth).toBe(width);
      const before = await placesIn(page, 'lab-compare');
      const shown = await figure('pcm-binary-ws', 1);
      await eventually(() => figure('pcm-binary-ws', 1)).not.toBe(shown);
      expect(await placesIn(page, 'lab-compare')).toEqual(before);
    }
    expect(faults).toEqual([]);
  });
});
