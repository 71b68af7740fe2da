/** The lab as `npm start -- --phone` starts it: the page about SIP calls the telephone of this machine, and is called. */
import { describe, expect, it } from 'vitest';
import { missingPackages, telephoneCure } from '../scripts/sip/telephones.mjs';
import { useLab } from './helpers/lab-page.ts';

const missing = missingPackages();
const skipped = missing.length > 0 ? ` (skipped: ${telephoneCure(missing)})` : '';
process.env['MICWIRE_PHONE'] = '1';

describe.skipIf(missing.length > 0)(
  `the lab with a telephone${skipped}`,
  { timeout: 60_000 },
  () => {
    const lab = useLab('learn');
    const { eventually, faults } = lab;
    const button = (name: string) =>
      lab.page.locator('lab-learn-sip').getByRole('button', { name });
    const status = () => lab.page.locator('lab-learn-sip').getByRole('status').innerText();
    const labels = async () => {
      const all = await lab.page.locator('lab-learn-sip .ladder button').allInnerTexts();
      return all.map((text) => text.trim());
    };

    it('calls and is called, and shows the messages', async () => {
      const address = new URL('/', lab.page.url()).href;
      await lab.page.goto('about:blank');
      await lab.page.goto(`${address}#learn/sip`);
      await button('Call the telephone').waitFor();
      await lab.start();
      await lab.page.getByRole('radio', { name: 'G.711 only' }).check();
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
      const before = (await labels()).length;
      await button('Have it call this page').click();
      await eventually(status).toContain('Connected');
      expect((await labels())[before]).toBe('INVITE +SDP');
      await button('INVITE +SDP, to the page').click();
      const lines = () => lab.page.locator('lab-learn-sip .message').innerText();
      // What the media gateway has made of a telephone's plain RTP.
      expect(await lines()).toMatch(/m=audio \d+ UDP\/TLS\/RTP\/SAVPF.*a=fingerprint:sha-256/s);
      await lab.page.getByRole('button', { name: 'Stop', exact: true }).click();
      await eventually(async () => (await labels()).at(-1)).toBe('200 OK (REGISTER)');
      expect(faults).toEqual([]);
    });
  },
);
