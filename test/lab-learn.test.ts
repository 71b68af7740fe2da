/** The view Learn on the page of `npm start`, in Chromium: each page by its address, pressed, and looked at by axe-core. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type axe from 'axe-core';
import type { Page } from 'playwright-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { readCapture } from '../demo/learn/capture-list.ts';
import { dumpContents } from '../demo/learn/dump-contents.ts';
import { missingPackages, telephoneCure } from '../scripts/sip/telephones.mjs';
import { useLab } from './helpers/lab-page.ts';

const AXE = fileURLToPath(new URL('../node_modules/axe-core/axe.min.js', import.meta.url));
/** The pages in their order: id, title, and whether they need the visitor's audio. */
const PAGES = [
  ['pcm', 'PCM', true],
  ['worklet', 'The AudioWorklet', true],
  ['tracks', 'MediaStream and tracks', true],
  ['rtp', 'RTP', true],
  ['signalling', 'Signalling', true],
  ['nat', 'STUN, NAT and TURN', false],
  ['ice', 'ICE', false],
  ['sdp', 'SDP: offer and answer', true],
  ['channels', 'Data channels', false],
  ['close', 'How a call ends', false],
  ['sip', 'SIP', true],
  ['tools', 'Tools', true],
] as const;
type PageId = (typeof PAGES)[number][0];
/** 1280 and 390 CSS px. */
const SIZES = [
  { width: 1280, height: 900 },
  { width: 390, height: 844 },
] as const;

/** Packages for its telephone. */
const missing = await missingPackages();
// As `npm start -- --phone`.
process.env['MICWIRE_PHONE'] = '1';
const lab = useLab('learn');
const { eventually, faults } = lab;
let page: Page;
/** Where the lab is. */
let address: string;
beforeEach(async () => {
  page = lab.page;
  address ??= new URL('/', page.url()).href;
  await page.setViewportSize(SIZES[0]);
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'no-preference' });
});

/** Goes to a page by its address, as a link from elsewhere does. */
async function visit(id: PageId): Promise<void> {
  await page.goto('about:blank');
  await page.goto(`${address}#learn/${id}`);
  const [, title] = PAGES.find(([one]) => one === id)!;
  await page.getByRole('heading', { level: 2, name: title, exact: true }).waitFor();
  await page.locator(`lab-learn main > .sources`).waitFor();
}

const button = (name: string | RegExp) =>
  page.locator('lab-learn').getByRole('button', { name, exact: typeof name === 'string' });
const text = (selector: string) => page.locator(selector).first().innerText();
const start = () => page.getByRole('button', { name: 'Start', exact: true }).click();

/** As one line. */
const flat = (lines: string) => lines.replace(/\s+/g, ' ');

/** What axe finds wrong with the whole page now: rule and place. */
async function accessibilityFaults(): Promise<string[]> {
  const isThere = await page.evaluate(() => 'axe' in globalThis);
  if (!isThere) await page.addScriptTag({ path: AXE });
  return page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run(document);
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')} ${failureSummary}`),
    );
  });
}

describe('the view Learn', { timeout: 60_000 }, () => {
  it('leads through its pages by links, by the back button and by its addresses', async () => {
    await visit('pcm');
    const links = page.locator('lab-learn nav ol a');
    const addresses = await links.evaluateAll((all) => all.map((a) => a.getAttribute('href')));
    expect(addresses).toEqual(PAGES.map(([id]) => `#learn/${id}`));
    for (const [, title] of PAGES.slice(1)) {
      await page.locator('lab-learn .turn .after').click();
      await page.getByRole('heading', { level: 2, name: title, exact: true }).waitFor();
      // The focus is at the new page's beginning.
      await eventually(() =>
        page.evaluate(() => {
          const learn = document.querySelector('lab-page')!.shadowRoot!.querySelector('lab-learn');
          return learn!.shadowRoot!.activeElement?.textContent;
        }),
      ).toBe(title);
    }
    expect(await page.locator('lab-learn .turn .after').count()).toBe(0);
    await page.goBack();
    await page.getByRole('heading', { level: 2, name: PAGES.at(-2)![1] }).waitFor();
    await visit('nat');
    expect(await text('lab-learn nav a[aria-current=page]')).toContain('STUN, NAT and TURN');
    await page.goto(`${address}#learn`);
    await page.getByRole('heading', { level: 2, name: 'PCM', exact: true }).waitFor();
    expect(faults).toEqual([]);
  });

  it('shows its source files, at addresses of their own', async () => {
    await visit('pcm');
    await page.getByRole('link', { name: 'src/core/format/g711.ts' }).click();
    await eventually(() => text('lab-learn pre')).toContain('export function encodeMulaw');
    expect(page.url()).toContain('#learn/pcm/src/core/format/g711.ts');
    await page.goBack();
    await page.getByRole('heading', { level: 2, name: 'PCM', exact: true }).waitFor();
    expect(faults).toEqual([]);
  });

  it('shows an error if a page cannot be loaded, and loads it on the next request', async () => {
    await page.goto('about:blank');
    await page.goto(`${address}#learn/pcm`);
    await page.getByRole('heading', { level: 2, name: 'PCM', exact: true }).waitFor();
    const pattern = '**/learn-nat.ts*';
    await page.route(pattern, (route) => route.abort());
    await page.getByRole('link', { name: 'STUN, NAT and TURN' }).first().click();
    await eventually(() => page.locator('lab-learn').getByRole('alert').innerText()).toContain(
      'could not be loaded',
    );
    await page.unroute(pattern);
    await button('Try again').click();
    await page.locator('lab-learn-nat section').first().waitFor();
    expect(faults.every((fault) => fault.includes('Failed to load'))).toBe(true);
  });

  it.each(PAGES)(
    'has no fault that axe finds on the page %s, and fits into 1280 and 390 px, light and dark',
    async (id, _, needsVoice) => {
      await visit(id);
      for (const size of SIZES) {
        await page.setViewportSize(size);
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
          expect(await accessibilityFaults()).toEqual([]);
        }
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        expect(width).toBeLessThanOrEqual(size.width);
      }
      if (needsVoice) {
        await start();
        await page.locator('lab-status').getByText('Running.').waitFor();
        await page.waitForTimeout(1500);
        expect(await accessibilityFaults()).toEqual([]);
      }
      expect(faults).toEqual([]);
    },
  );

  it('plays nothing before Start is pressed, and closes its context when the view is left', async () => {
    await visit('pcm');
    const context = () =>
      page.evaluate(() => {
        const learn = document.querySelector('lab-page')!.shadowRoot!.querySelector('lab-learn');
        const { voice } = learn as unknown as { voice: { context: AudioContext | null } };
        (globalThis as { last?: AudioContext | null }).last ??= voice.context;
        return voice.context?.state ?? null;
      });
    expect(await context()).toBeNull();
    await start();
    await eventually(context).toBe('running');
    await page.getByRole('link', { name: 'A session', exact: true }).click();
    await eventually(() =>
      page.evaluate(() => (globalThis as { last?: AudioContext }).last?.state),
    ).toBe('closed');
    expect(faults).toEqual([]);
  });
});

describe('PCM', { timeout: 60_000 }, () => {
  const marked = (label: string) =>
    page.getByRole('group', { name: label }).locator('[aria-pressed=true]').allInnerTexts();
  const noise = async (): Promise<number> => {
    const value = page
      .locator('lab-learn-pcm .figures div', { hasText: /^\s*Noise/ })
      .locator('dd');
    return Number((await value.innerText()).replace('−', '-').replace(' dBFS', ''));
  };

  it('marks a sample’s bytes and characters, and the sample of a byte, by mouse and by key', async () => {
    await visit('pcm');
    const sample = () =>
      page
        .getByRole('group', { name: 'Samples' })
        .locator('[aria-pressed=true]')
        .getAttribute('aria-label');
    await page.getByRole('group', { name: 'Samples' }).getByRole('button').nth(7).click();
    const [, index, value] = /^Sample (\d+): (.+)$/.exec((await sample())!)!;
    const bytes = await marked('Bytes, hexadecimal');
    expect(bytes).toHaveLength(2);
    // Little endian.
    const written = Buffer.from(bytes.join(''), 'hex').readInt16LE();
    expect(String(written).replace('-', '−')).toBe(value);
    const characters = await marked('Base64');
    expect(characters.length).toBeGreaterThanOrEqual(3);
    expect(await text('lab-learn-pcm .reading')).toContain(characters.join(''));
    await page.keyboard.press('ArrowRight');
    await eventually(sample).toContain(`Sample ${Number(index) + 1}:`);
    await page.keyboard.press('ArrowLeft');
    await eventually(sample).toContain(`Sample ${index}:`);
    // A byte leads back to its sample.
    const row = page.getByRole('group', { name: 'Bytes, hexadecimal' });
    await row.getByRole('button', { name: `Byte ${2 * Number(index) + 3}:` }).click();
    await eventually(sample).toContain(`Sample ${Number(index) + 1}:`);
    expect(faults).toEqual([]);
  });

  it('has 6 dB less noise with each bit, in the figures of the voice that is heard', async () => {
    await visit('pcm');
    await start();
    const bits = page.getByRole('slider', { name: /^Bits per sample/ });
    await bits.fill('6');
    await eventually(noise).toBeGreaterThan(-50);
    await page.waitForTimeout(2500);
    const at6 = await noise();
    await bits.fill('12');
    await eventually(noise).toBeLessThan(-70);
    await page.waitForTimeout(2500);
    const at12 = await noise();
    // Six bits: 36 dB.
    expect(at6 - at12).toBeGreaterThan(30);
    expect(at6 - at12).toBeLessThan(42);
    expect(faults).toEqual([]);
  });

  it('dissects the packet of Opus and the file of MediaRecorder', async () => {
    await visit('pcm');
    await start();
    await eventually(() => text('lab-learn-pcm .bits')).toMatch(/SILK.*Mono\./s);
    await eventually(() => text('lab-learn-pcm .elements')).toMatch(/EBML.*Segment.*A_OPUS/s);
    await eventually(() => text('lab-learn-pcm .elements')).toContain('SimpleBlock');
    await page.getByText('48 kHz', { exact: true }).click();
    await eventually(() => text('lab-learn-pcm table')).toContain('1,920');
    await eventually(() => text('lab-learn-pcm .bits')).toContain('CELT');
    expect(faults).toEqual([]);
  });
});

describe('the AudioWorklet', { timeout: 60_000 }, () => {
  it('fills chunks quantum by quantum, and splits a quantum between two', async () => {
    await visit('worklet');
    await button('Next quantum').click();
    const reading = () => text('lab-learn-worklet .reading');
    for (let i = 0; i < 20 && !(await reading()).includes('is full and leaves'); i++) {
      await button('Next quantum').click();
    }
    expect(await reading()).toMatch(
      /Quantum 8, frames 896 to 1,023: 64 frames to chunk 1, which is full and leaves and 64 frames to chunk 2/,
    );
    expect(await button('Play').isVisible()).toBe(true);
    expect(faults).toEqual([]);
  });

  it('measures the load of its processor, which grows with the work', async () => {
    await visit('worklet');
    await start();
    const used = async () => {
      const value = await text('lab-learn-worklet .axis b');
      return value === '–' ? null : Number(value.split(' ')[0]);
    };
    await eventually(used).not.toBeNull();
    const idle = (await used())!;
    expect(idle).toBeLessThan(0.3);
    await page.getByRole('slider', { name: /^Extra work/ }).fill('30');
    await eventually(used).toBeNull();
    await eventually(used).toBeGreaterThan(idle + 0.1);
    expect(await text('lab-learn-worklet table')).toMatch(/128, as the processor gets them/);
    expect(faults).toEqual([]);
  });
});

describe('MediaStream and tracks', { timeout: 60_000 }, () => {
  const consumer = (id: string) => page.locator(`lab-learn-tracks .consumers > li.${id}`);
  const facts = (id: string) => consumer(id).locator('.facts').innerText();
  /** null: not measured. */
  const level = async (id: string): Promise<number | null> => {
    const words = await consumer(id).getByRole('meter').getAttribute('aria-valuetext');
    if (words === '–') return null;
    return words === '−∞ dBFS' ? -Infinity : Number.parseFloat(words!.replace('−', '-'));
  };
  const hears = async (id: string) => ((await level(id)) ?? -Infinity) > -60;
  const everyone = ['element', 'node', 'connection', 'recorder'];
  const switchOn = async () => {
    for (const name of ['An <audio> element', 'An RTCPeerConnection', 'A MediaRecorder']) {
      await button(`${name}: off`).click();
    }
    for (const id of everyone) await eventually(() => hears(id)).toBe(true);
  };

  it('delivers audio to every consumer, and silence while it is disabled, without an end', async () => {
    await visit('tracks');
    await start();
    await switchOn();
    await button('track.enabled = false').click();
    for (const id of everyone) await eventually(() => level(id)).toBe(-Infinity);
    expect(await facts('element')).toMatch(/paused: false\s+ended: false/);
    expect(await accessibilityFaults()).toEqual([]);
    expect(await facts('recorder')).toContain('state: recording');
    // Silence is sent, too.
    await eventually(() => facts('connection')).toMatch(/packets a second: (4|5)\d/);
    await button('track.enabled = true').click();
    for (const id of everyone) await eventually(() => hears(id)).toBe(true);
    expect(faults).toEqual([]);
  });

  it('separates consumers of the stream from consumers of the track when the track leaves the stream', async () => {
    await visit('tracks');
    await start();
    await switchOn();
    await button('stream.removeTrack(track)').click();
    await eventually(() => facts('recorder')).toMatch(/state: inactive.*InvalidModificationError/s);
    expect(await level('recorder')).toBeNull();
    for (const id of ['node', 'connection']) await eventually(() => hears(id)).toBe(true);
    expect(await text('lab-learn-tracks .condition')).toContain('no longer in the stream');
    expect(faults).toEqual([]);
  });

  it('mutes the remote track of a call when its sender removes the track, but not the local track', async () => {
    await visit('tracks');
    await start();
    await button('An RTCPeerConnection: off').click();
    await eventually(() => hears('connection')).toBe(true);
    await button('removeTrack(sender)').click();
    await eventually(() => facts('connection')).toContain('remote track, muted: true');
    await eventually(() => facts('connection')).toContain('packets a second: 0');
    expect(await hears('node')).toBe(true);
    await button('sender.replaceTrack(track)').click();
    await eventually(() => facts('connection')).toContain('remote track, muted: false');
    await eventually(() => hears('connection')).toBe(true);
    expect(faults).toEqual([]);
  });

  it('ends a track that is stopped, and not its clone', async () => {
    await visit('tracks');
    await page.getByText('Microphone', { exact: true }).first().click();
    await start();
    await eventually(() => hears('node')).toBe(true);
    // The device's own words, not those of the example.
    const table = page.locator('lab-learn-tracks table');
    await eventually(() => table.innerText()).toMatch(/echoCancellation\s+false/);
    await button('track.clone()').click();
    await eventually(() => hears('clone')).toBe(true);
    await button('track.stop()').click();
    await eventually(() => level('node')).toBe(-Infinity);
    expect(await hears('clone')).toBe(true);
    expect(await text('lab-learn-tracks .figures')).toContain('ended');
    await button('clone.stop()').click();
    await eventually(() => level('clone')).toBe(-Infinity);
    await button('Start again').click();
    await eventually(() => hears('node')).toBe(true);
    expect(faults).toEqual([]);
  });
});

describe('RTP', { timeout: 60_000 }, () => {
  it('dissects a packet that was just sent, and holds it while a field is open', async () => {
    await visit('rtp');
    await start();
    await page.getByRole('heading', { name: 'The header of a packet just sent' }).waitFor();
    const field = (name: RegExp) =>
      page.getByRole('group', { name: 'Fields of the RTP header' }).getByRole('button', { name });
    await field(/Payload type/).click();
    expect(await text('lab-learn-rtp .detail')).toMatch(/Payload type\s+1101111 = 111\s.*opus/s);
    expect(await button('Held').isVisible()).toBe(true);
    const sequence = () => field(/Sequence number/).innerText();
    const held = await sequence();
    await page.waitForTimeout(1500);
    expect(await sequence()).toBe(held);
    await button('Held').click();
    await eventually(sequence).not.toBe(held);
    expect(faults).toEqual([]);
  });

  it('lets packets flow, loses as many as the slider says, and stops with reduced motion', async () => {
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await visit('rtp');
    const figure = async (label: string) => {
      const row = page.locator('lab-learn-flow .figures div', { hasText: label });
      return Number((await row.locator('dd').innerText()).replace(/[^\d.]/g, ''));
    };
    await page.waitForTimeout(1200);
    expect(await figure('Time')).toBe(0);
    await page.getByRole('slider', { name: /^Loss/ }).fill('30');
    await button('Restart').click();
    for (let i = 0; i < 40; i++) await button('Next 20 ms').click();
    expect(await figure('Sent')).toBe(41);
    const lost = await figure('Lost');
    expect(lost).toBeGreaterThan(4);
    expect(await figure('Concealed')).toBeGreaterThan(5);
    // The same seed loses the same.
    await button('Restart').click();
    for (let i = 0; i < 40; i++) await button('Next 20 ms').click();
    expect(await figure('Lost')).toBe(lost);
    await page.emulateMedia({ reducedMotion: 'no-preference' });
    await visit('rtp');
    await page.locator('lab-learn-flow svg').first().scrollIntoViewIfNeeded();
    await eventually(() => figure('Sent')).toBeGreaterThan(3);
    expect(faults).toEqual([]);
  });

  it('plays the voice through the same network', async () => {
    await visit('rtp');
    await page.getByRole('slider', { name: /^Loss/ }).fill('20');
    await start();
    const stats = page.locator('lab-learn-rtp section', { hasText: 'The same network' });
    const figure = async (label: string) =>
      Number.parseFloat(await stats.locator('div', { hasText: label }).locator('dd').innerText());
    await eventually(() => figure('Received')).toBeGreaterThan(100);
    expect(await figure('Lost')).toBeGreaterThan(5);
    expect(await figure('Concealed')).toBeGreaterThan(3);
    expect(faults).toEqual([]);
  });
});

describe('STUN, NAT and TURN', { timeout: 60_000 }, () => {
  it('dissects the messages, with another transaction for each request', async () => {
    await visit('nat');
    const response = page.getByRole('group', { name: 'Fields of the Binding success response' });
    const transaction = () => response.getByRole('button', { name: /^Transaction ID/ }).innerText();
    const first = await transaction();
    await button('Ask again').click();
    await eventually(transaction).not.toBe(first);
    await response.getByRole('button', { name: /^Magic cookie/ }).click();
    expect(await text('lab-learn-nat .detail')).toMatch(/Magic cookie\s+0x2112a442/);
    expect(await page.locator('lab-learn-nat mark').innerText()).toBe('21 12 a4 42');
    await page.getByText('Symmetric', { exact: true }).first().click();
    const seen = await page.locator('lab-learn-nat .figures dd').allInnerTexts();
    expect(seen[1]).not.toBe(seen[2]);
    expect(faults).toEqual([]);
  });

  it('runs every pair of NATs, and explains the fate of each packet', async () => {
    await visit('nat');
    expect(
      await page
        .locator('lab-learn-nat')
        .getByText(/canConnect\(\)/)
        .innerText(),
    ).toContain('predicts 16 of these 16 outcomes');
    const cell = (a: string, b: string) => button(new RegExp(`^${a} and ${b}: `));
    expect(await cell('Symmetric', 'Symmetric').getAttribute('aria-label')).toContain('only TURN');
    await cell('Full cone', 'Symmetric').click();
    await page.getByRole('heading', { name: /Full cone and symmetric: direct/ }).waitFor();
    expect(await text('lab-learn-nat ol')).toContain('peer reflexive');
    await cell('Port-restricted', 'Symmetric').click();
    await eventually(() => text('lab-learn-nat ol')).toContain('Allocate');
    expect(faults).toEqual([]);
  });
});

describe('ICE', { timeout: 60_000 }, () => {
  it('asks each server, and explains its candidates and errors', async () => {
    await visit('ice');
    await button('Gather').click();
    await button('Gather again').waitFor();
    const server = (name: string) =>
      page.locator('lab-learn-ice .servers > li', { hasText: name }).innerText();
    expect(await server('Without a server')).toContain('host udp');
    expect(await server('wrong password')).toMatch(/401 The user name or the password is wrong/);
    expect(await server('does not exist')).toMatch(/701 The browser could not reach the server/);
    expect(await server('TURN behind a simulated NAT')).toMatch(/srflx udp.*relay udp/s);
    await page
      .locator('lab-learn-ice .found')
      .getByRole('button', { name: /^srflx/ })
      .first()
      .click();
    expect(await text('lab-learn-ice .line')).toMatch(/typ srflx/);
    expect(await text('lab-learn-ice .sum')).toMatch(/2²⁴ × 100\s.*2⁸ × \d+.*\(256 − 1\)/s);
    const parts = page.getByRole('group', { name: 'Parts of the candidate' });
    await parts.getByRole('button', { name: /^Type/ }).click();
    expect(await text('lab-learn-ice .detail')).toContain('Server reflexive');
    expect(faults).toEqual([]);
  });

  it('follows the checks of a call behind two NATs to a relay, and its restart to another pair', async () => {
    await visit('ice');
    const status = () => text('lab-learn-checks [role=status]');
    await button('Start a call').click();
    await eventually(status).toMatch(/^Connected, by .*relay/);
    const selected = () =>
      page.locator('lab-learn-checks .pairs button', { hasText: 'in use' }).innerText();
    const before = await selected();
    expect(await accessibilityFaults()).toEqual([]);
    expect(await text('lab-learn-checks .history')).toContain('carries the call');
    await button('Restart ICE').click();
    const row = (label: string) =>
      page.locator('lab-learn-checks tr', { hasText: label }).locator('td').allInnerTexts();
    await eventually(async () => (await row('Pair'))[1]).toMatch(/→/);
    for (const side of ['This side', 'Other side']) {
      const [old, now] = await row(side);
      expect(old).toMatch(/^\S{4,}$/);
      expect(now).toMatch(/^\S{4,}$/);
      expect(now).not.toBe(old);
    }
    expect(await selected()).not.toBe(before);
    await button('End the call').click();
    await eventually(status).toContain('ended');
    expect(faults).toEqual([]);
  });

  it('connects directly where nothing is in between', async () => {
    await visit('ice');
    await page.getByText('Nothing', { exact: true }).click();
    await button('Start a call').click();
    await eventually(() => text('lab-learn-checks [role=status]')).toMatch(/by host .* and host/);
    expect(faults).toEqual([]);
  });
});

describe('signalling', { timeout: 60_000 }, () => {
  const labels = () =>
    page
      .locator('lab-learn-signalling .ladder button')
      .evaluateAll((all) => all.map((each) => each.textContent!.trim().replace(/^\S+ ms\s+/, '')));

  it('shows the messages of a call by the lab’s server, from join to bye', async () => {
    await visit('signalling');
    await eventually(labels).toContain('offer, from the server to the callee');
    await start();
    await page.getByRole('heading', { name: 'The messages of the call', exact: true }).waitFor();
    await eventually(labels).toContain('answer, from the server to the caller');
    const all = await labels();
    expect(all.slice(0, 2)).toEqual([
      'join, from the callee to the server',
      'joined, from the server to the callee',
    ]);
    const places = ['offer, from the caller to the server', 'offer, from the server to the callee'];
    expect(all.indexOf(places[0]!)).toBeGreaterThan(
      all.indexOf('ready: caller, from the server to the caller'),
    );
    expect(all.indexOf(places[1]!)).toBeGreaterThan(all.indexOf(places[0]!));
    await button(/offer ?, from the caller to the server/).click();
    const message = () => text('lab-learn-signalling .message');
    expect(await message()).toMatch(/"type": "describe".*"sdp": v=0.*a=fingerprint:sha-256/s);
    expect(all.some((label) => label.startsWith('candidate, host'))).toBe(true);
    await button('Show candidates').click();
    await eventually(async () =>
      (await labels()).some((each) => each.startsWith('candidate')),
    ).toBe(false);
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await eventually(labels).toContain('bye, from the server to the callee');
    expect(faults).toEqual([]);
  });

  it('refuses a third peer, and is no longer needed once the call is up', async () => {
    await visit('signalling');
    await start();
    await button('Join as a third').click();
    await eventually(() => text('lab-learn-signalling .told')).toContain('already');
    await button('Cut the server off').click();
    await button('The server is cut off').waitFor();
    const packets = async () => {
      const row = page.locator('lab-learn-signalling .figures div', {
        hasText: 'Packets of audio',
      });
      return Number((await row.locator('dd').innerText()).replace(/\D/g, ''));
    };
    const before = await packets();
    await eventually(packets).toBeGreaterThan(before + 50);
    expect(await accessibilityFaults()).toEqual([]);
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await page.locator('lab-status').getByText('Ready.').waitFor();
    // Nobody could tell the other end.
    expect((await labels()).some((label) => label.startsWith('bye'))).toBe(false);
    expect(faults).toEqual([]);
  });
});

describe('data channels', { timeout: 60_000 }, () => {
  const figure = async (channel: string, label: string) => {
    const row = page.locator(`lab-learn-channels ${channel} .figures div`, { hasText: label });
    return Number((await row.locator('dd').innerText()).replace(/[^\d.]/g, ''));
  };

  it('ping over both: a lost ping arrives later on one, and never on the other', async () => {
    await visit('channels');
    await page.getByRole('slider', { name: /^Loss/ }).fill('20');
    await button('Start a call').click();
    await page
      .locator('lab-learn-channels')
      .getByText(/simulated network of 8 Mbit/)
      .waitFor();
    await eventually(() => figure('#unreliable', 'Missing')).toBeGreaterThan(3);
    // Both ways 20 %: without sending again a third would be missing.
    const sent = await figure('#reliable', 'Sent');
    await page.getByRole('slider', { name: /^Loss/ }).fill('0');
    await eventually(() => figure('#reliable', 'Back')).toBeGreaterThan(sent);
    await eventually(() => figure('#reliable', 'Missing')).toBe(0);
    expect(await figure('#unreliable', 'Missing')).toBeGreaterThan(3);
    expect(await figure('#reliable', 'Worst')).toBeGreaterThan(await figure('#reliable', 'Median'));
    expect(await accessibilityFaults()).toEqual([]);
    await button('End the call').click();
    await button('Start a call').waitFor();
    expect(faults).toEqual([]);
  });

  it('keep a burst in their buffer, less if it is sent as the buffer empties', async () => {
    await visit('channels');
    await page.getByRole('slider', { name: /^Loss/ }).fill('0');
    await button('Start a call').click();
    const burst = page.locator('lab-learn-channels section', {
      hasText: 'A burst, and the buffer',
    });
    const value = (label: string) =>
      burst.locator('.figures div', { hasText: label }).locator('dd').innerText();
    const peakOf = async (mode: string) => {
      await button(mode).click();
      await eventually(() => value('Arrived after')).toMatch(/ms/);
      return Number.parseFloat(await value('Most buffered'));
    };
    expect(await peakOf('Send all at once')).toBe(524);
    expect(await peakOf('Send as the buffer empties')).toBeLessThan(200);
    expect(Number(await value('Low events'))).toBeGreaterThan(0);
    expect(faults).toEqual([]);
  });

  it('send their options to the other side, as the bytes show', async () => {
    await visit('channels');
    const type = () =>
      page.getByRole('group', { name: 'Fields of DATA_CHANNEL_OPEN' }).getByRole('button', {
        name: /^Channel type/,
      });
    expect(await type().innerText()).toContain('0x81');
    await page.getByText('For some time', { exact: true }).click();
    await page.getByRole('slider', { name: /maxPacketLifeTime/ }).fill('250');
    await page.getByLabel('ordered', { exact: true }).check();
    await page.getByLabel("protocol: 'opus'").check();
    expect(await type().innerText()).toContain('0x02');
    await button('Start a call').click();
    await button('Open it in the call').click();
    await eventually(() => text('lab-learn-open .told')).toMatch(
      /told of “voice”: stream \d+, ordered true, maxPacketLifeTime 250, protocol opus\./,
    );
    expect(faults).toEqual([]);
  });
});

describe('how a call ends', { timeout: 60_000 }, () => {
  const events = () => page.locator('lab-learn-close .line li').allInnerTexts();
  const row = (way: string) =>
    page.locator('lab-learn-close tbody tr', { hasText: way }).locator('td').allInnerTexts();
  const over = () => expect.poll(() => text('lab-learn-close .status'), { timeout: 40_000 });

  it('by a bye: the other side is informed at once, by the signalling', async () => {
    await visit('close');
    await button(/^Say bye/).click();
    await over().toContain('Over.');
    expect((await events()).some((each) => /Other side: A bye arrives/.test(flat(each)))).toBe(
      true,
    );
    const [, , closed] = await row('Say bye');
    expect(closed).toMatch(/\d m?s$/);
    expect(faults).toEqual([]);
  });

  it('without one: DTLS and the data channel end, and the call ends when consent has expired', async () => {
    await visit('close');
    await button(/^Close without a bye/).click();
    await over().toContain('Over.');
    const all = (await events()).map(flat);
    const place = (what: string) => all.findIndex((each) => each.includes(`Other side: ${what}`));
    expect(place('DTLS is closed')).toBeGreaterThan(0);
    expect(place('The data channel closes')).toBeGreaterThan(0);
    expect(place('disconnected')).toBeGreaterThan(place('DTLS is closed'));
    expect(place('failed')).toBeGreaterThan(place('disconnected'));
    expect(place('The call has ended')).toBeGreaterThan(place('failed'));
    const [first, known, closed] = await row('Close without a bye');
    expect(first).toMatch(/: (the data channel|dtls)/);
    expect(known).toMatch(/: (the data channel closes|dtls is closed)$/);
    expect(closed).toMatch(/\d s$/);
    expect(await accessibilityFaults()).toEqual([]);
    expect(faults).toEqual([]);
  });

  it('by a network that loses everything: nothing shows it before disconnected', async () => {
    await visit('close');
    await button(/^Vanish/).click();
    await over().toContain('Over.');
    const [first, known, closed] = await row('Vanish');
    expect(first).toMatch(/ s: disconnected$/);
    expect(known).toMatch(/ s: failed$/);
    expect(closed).toMatch(/ s$/);
    expect(faults).toEqual([]);
  });

  it('or its track ends, which only another offer reveals', async () => {
    await visit('close');
    await button(/^Stop the track/).click();
    await over().toContain('Over.');
    expect((await row('Stop the track'))[0]).toBe('never');
    const stopped = (await events()).map(flat);
    expect(stopped.some((each) => each.includes('Other side: The last packet of audio'))).toBe(
      true,
    );
    await button(/^Remove the track/).click();
    await over().toContain('Over.');
    expect((await row('Remove the track'))[1]).toMatch(/the track is muted$/);
    expect((await row('Remove the track'))[2]).toBe('no');
  });
});

describe('SDP: offer and answer', { timeout: 60_000 }, () => {
  const changed = async (side: 'offer' | 'answer') => {
    const lines = page.locator(`lab-learn-sdp .lines.${side}`).locator('.new, .gone');
    return (await lines.allInnerTexts()).map((line) => line.replace(/\s+/g, ' ').trim());
  };
  const agreed = () => text('lab-learn-sdp .agreed');
  const measured = (label: string) =>
    page.locator('lab-learn-sdp .figures div', { hasText: label }).locator('dd').innerText();

  it('explains the line that is pressed, and marks the lines that belong to it', async () => {
    await visit('sdp');
    expect(await agreed()).toContain('opus, 48 kHz, 2 channels: payload type 111');
    const offer = page.locator('lab-learn-sdp .lines.offer');
    const fingerprint = offer.getByRole('button', { name: /^a=fingerprint/ }).first();
    await fingerprint.click();
    expect(await fingerprint.getAttribute('aria-expanded')).toBe('true');
    expect(await offer.locator('p').innerText()).toMatch(/certificate/);
    // In both descriptions, with who begins.
    const marked = page.locator('lab-learn-sdp .lines .topic');
    const lines = (await marked.allInnerTexts()).map((line) => line.trim());
    expect(lines.filter((line) => line.startsWith('a=setup:active'))).toHaveLength(2);
    expect(lines.filter((line) => line.startsWith('a=setup:actpass'))).toHaveLength(2);
    const pressed = page.locator('lab-learn-sdp .agreed [aria-pressed=true]');
    expect(await pressed.innerText()).toMatch(/^DTLS/);
    await button(/^Direction/).click();
    await eventually(() => marked.allInnerTexts()).toHaveLength(2);
    expect(faults).toEqual([]);
  });

  it('negotiates the call again with other wishes, and marks the lines that differ', async () => {
    await visit('sdp');
    await start();
    await eventually(() => measured('Codec of what arrives')).toBe('opus (111)');
    await button('DTX').click();
    await eventually(() => changed('answer')).toContainEqual(
      expect.stringMatching(/^\+ new: a=fmtp:111 .*usedtx=1/),
    );
    await eventually(agreed).toContain('with FEC, with DTX');
    expect(await accessibilityFaults()).toEqual([]);
    await button('Hold').click();
    await eventually(() => changed('offer')).toContain('+ new: a=inactive');
    await eventually(agreed).toContain('Nobody sends');
    await eventually(() => measured('Packets a second')).toBe('0');
    await page.getByRole('checkbox', { name: 'Only what has changed' }).check();
    const shown = page.locator('lab-learn-sdp .lines.answer li');
    expect(await shown.allInnerTexts()).toHaveLength((await changed('answer')).length);
    await button('Hold').click();
    await eventually(() => measured('Packets a second')).not.toBe('0');
    expect(faults).toEqual([]);
  });

  it('sends the codec that both sides prefer', async () => {
    await visit('sdp');
    await start();
    await eventually(() => measured('Codec of what arrives')).toBe('opus (111)');
    await page.getByText('PCMU', { exact: true }).first().click();
    await eventually(agreed).toContain('PCMU, 8 kHz, one channel: payload type 0');
    await eventually(() => measured('Codec of what arrives')).toBe('PCMU (0)');
    // 8000 bytes a second.
    await eventually(async () => Number(await measured('kbit/s'))).toBeGreaterThan(55);
    expect(faults).toEqual([]);
  });
});

describe('SIP', { timeout: 60_000 }, () => {
  it('shows complete, readable messages, and then those of a call with audio', async () => {
    await visit('sip');
    await button('200 OK (INVITE) +SDP, to the page').click();
    const lines = () => text('lab-learn-sip .message');
    expect(await lines()).toMatch(/SIP\/2\.0 200 OK.*Call-ID.*RFC 3261 §20\.8.*m=audio 3456/s);
    expect(await page.locator('lab-learn-sip .ladder li').count()).toBe(7);
    expect(await text('lab-learn-sip .names')).toMatch(/^Page \(Alice\)\s*Proxy \(to Bob\)$/);
    await start();
    // The offer is Chromium's own now.
    await button('INVITE +SDP, from the page').click();
    await eventually(lines).toMatch(/a=fingerprint:sha-256/);
    await eventually(() => page.locator('lab-learn-sip .ladder li').count()).toBe(5);
    await eventually(() => text('lab-call-steps ol')).toMatch(/Data.*ms/s);
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await button('BYE, from the page').waitFor();
    expect(faults).toEqual([]);
  });
});

describe('SIP with a telephone', { timeout: 60_000 }, () => {
  const inPage = () => page.locator('lab-learn-sip');
  const status = () => inPage().getByRole('status').innerText();
  const labels = async () => {
    const all = await inPage().locator('.ladder button').allInnerTexts();
    return all.map((label) => label.trim());
  };

  it.skipIf(missing.length === 0)('says which package to install', async () => {
    await visit('sip');
    expect(await button('Call the telephone').isDisabled()).toBe(true);
    await start();
    await button('Call the telephone').click();
    await eventually(() => inPage().getByRole('alert').innerText()).toBe(telephoneCure(missing));
    expect(faults).toEqual([]);
  });

  it.skipIf(missing.length > 0)(
    missing.length > 0
      ? `calls and is called (skipped: ${telephoneCure(missing)})`
      : 'calls and is called, and shows the messages',
    async () => {
      await visit('sip');
      await start();
      await page.getByRole('radio', { name: 'G.711 only' }).check();
      await button('Call the telephone').click();
      await eventually(status).toContain('Connected');
      await button('Hang up').click();
      await eventually(status).toContain('over');
      await eventually(async () => (await labels()).at(-1)).toBe('200 OK (BYE)');
      expect((await labels()).slice(0, 5)).toEqual([
        'REGISTER',
        '401 Unauthorized (REGISTER)',
        'REGISTER +auth',
        '200 OK (REGISTER)',
        'INVITE +SDP',
      ]);
      expect(await text('lab-learn-sip .names')).toMatch(/^This page\s*The lab’s SIP server$/);
      const before = (await labels()).length;
      // The call is over, and the next one cannot come before the server has been asked.
      let goOn = (): void => {};
      const held = new Promise<void>((resolve) => (goOn = resolve));
      await page.route('**/telephone/dial/**', async (route) => {
        await held;
        await route.continue();
      });
      await button('Have it call this page').click();
      await eventually(status).toBe('The call is being prepared …');
      goOn();
      await eventually(status).toContain('Connected');
      expect((await labels())[before]).toBe('INVITE +SDP');
      await button('INVITE +SDP, to the page').click();
      // What the media gateway has made of a telephone's plain RTP.
      expect(await text('lab-learn-sip .message')).toMatch(
        /m=audio \d+ UDP\/TLS\/RTP\/SAVPF.*a=fingerprint:sha-256/s,
      );
      await page.getByRole('button', { name: 'Stop', exact: true }).click();
      await eventually(async () => (await labels()).at(-1)).toBe('200 OK (REGISTER)');
      expect(faults).toEqual([]);
    },
  );
});

describe('Tools', { timeout: 60_000 }, () => {
  /** What the browser saves when the button is pressed. */
  async function saved(name: RegExp): Promise<{ readonly name: string; readonly bytes: Buffer }> {
    const [download] = await Promise.all([page.waitForEvent('download'), button(name).click()]);
    return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
  }

  it('captures the voice, lists its packets, and saves the file that they are in', async () => {
    await visit('tools');
    expect(await button('Record 5 s').isDisabled()).toBe(true);
    await start();
    await button('Record 5 s').click();
    const list = page.locator('lab-learn-tools .packets li');
    await page.locator('lab-learn-tools .figures').waitFor();
    const file = await saved(/^Save the capture/);
    expect(file.name).toMatch(/\.pcapng$/);
    const inFile = readCapture(new Uint8Array(file.bytes));
    expect(inFile.filter(({ protocol }) => protocol === 'OPUS').length).toBeGreaterThan(200);
    const status = page.locator('lab-learn-tools .packets + p');
    expect(await status.innerText()).toBe(`The first 60 of ${inFile.length} packets.`);
    // It is a voice: packets of Opus differ in length.
    expect(new Set(inFile.map(({ length }) => length)).size).toBeGreaterThan(20);
    await page.getByText('stun', { exact: true }).last().click();
    await eventually(() => list.count()).toBe(4);
    await list.nth(1).getByRole('button').click();
    expect(await accessibilityFaults()).toEqual([]);
    expect(await list.nth(1).locator('.details').innerText()).toMatch(
      /XOR-MAPPED-ADDRESS\s+192\.0\.2\.1:5005/,
    );
    expect(await text('lab-learn-tools .figures')).toMatch(/SSRC\s+0x[\dA-F]{8}\s+Packets\s+2\d\d/);
    expect(faults).toEqual([]);
  });

  it('saves a dump of its call that shows both ends, also after the call', async () => {
    await visit('tools');
    expect(await button(/^Save a webrtc-internals dump/).isDisabled()).toBe(true);
    await start();
    const ends = page.locator('lab-learn-tools .ends');
    await eventually(() => ends.innerText()).toMatch(
      /caller-\d+.*createOfferOnSuccess.*callee-\d+/s,
    );
    // Its figures are there from the second second on.
    await eventually(() => ends.innerText()).toMatch(
      /[1-9]\d\d figures over time.*[1-9]\d\d figures over time/s,
    );
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    const file = await saved(/^Save a webrtc-internals dump/);
    const contents = dumpContents(file.bytes.toString());
    expect(contents.map(({ events }) => events.includes('close'))).toEqual([true, true]);
    expect(contents.every(({ series }) => series > 20)).toBe(true);
    expect(faults).toEqual([]);
  });
});
