/** What the page about SIP of the lab's view Learn is made from. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { nextCall } from '../demo/learn/next-call.ts';
import { EXAMPLE_SIP_CALL, sipCallLadder, sipPartsOf } from '../demo/learn/sip-call.ts';
import { rtpFraming } from '../src/core/framing/rtp.ts';
import { PcapngWriter } from '../src/core/rtp/pcapng.ts';
import { SipLadder } from '../src/core/sip/sip-ladder.ts';
import { explainSipMessage } from '../src/core/sip/sip-explained.ts';
import { CallTimeline } from '../src/core/webrtc/call-timeline.ts';
import { installed, runProgram } from './helpers/programs.ts';
import { CHROMIUM_OFFER } from './helpers/sdp-samples.ts';

describe('the ladder of a call', () => {
  it('is INVITE, 100, 180, 200, ACK, BYE and its 200: two transactions of one dialog that has ended', () => {
    const entries = sipCallLadder(EXAMPLE_SIP_CALL);
    expect(entries.map(({ label, from }) => `${from}: ${label}`)).toEqual([
      'page: INVITE +SDP',
      'proxy: 100 Trying (INVITE)',
      'proxy: 180 Ringing (INVITE)',
      'proxy: 200 OK (INVITE) +SDP',
      'page: ACK',
      'page: BYE',
      'proxy: 200 OK (BYE)',
    ]);
    const again = new SipLadder();
    for (const { atMs, from, to, message } of entries) {
      again.add({ atMs, from, to, data: message.text });
    }
    expect(again.transactions.map(({ method, state }) => `${method} ${state}`)).toEqual([
      'INVITE confirmed',
      'BYE completed',
    ]);
    expect(again.dialogs.map(({ state, reason }) => `${state}: ${reason}`)).toEqual([
      'terminated: BYE from page',
    ]);
  });

  it('has complete messages: nothing is odd about any line, and every header is explained', () => {
    for (const { message, label } of sipCallLadder(EXAMPLE_SIP_CALL)) {
      const { headers } = explainSipMessage(message);
      for (const { fault, clause, name } of headers) {
        expect(fault, `${label}: ${name}`).toBe('');
        expect(clause, `${label}: ${name}`).not.toBe('');
      }
      const body = message.text.slice(message.text.indexOf('\r\n\r\n') + 4);
      const length = headers.find(({ name }) => name === 'Content-Length')!.value;
      expect(Number(length)).toBe(Buffer.byteLength(body));
    }
  });

  it('carries the descriptions of a WebRTC call, as far as it has got', () => {
    const timeline = new CallTimeline();
    expect(sipPartsOf(null, null, timeline.steps)).toBeNull();
    const ringing = sipCallLadder(sipPartsOf(CHROMIUM_OFFER, null, timeline.steps)!);
    expect(ringing.map(({ label }) => label).at(-1)).toBe('180 Ringing (INVITE)');
    expect(ringing[0]!.message.text).toContain(CHROMIUM_OFFER);
    expect(ringing[0]!.message.sdp!.media[0]!.codecs.length).toBeGreaterThan(0);
    const up = sipCallLadder(sipPartsOf(CHROMIUM_OFFER, CHROMIUM_OFFER, timeline.steps)!);
    expect(up.at(-1)!.label).toBe('ACK');
    timeline.begin('close', 5000);
    const over = sipCallLadder(sipPartsOf(CHROMIUM_OFFER, CHROMIUM_OFFER, timeline.steps)!);
    expect(over.at(-1)!.label).toBe('200 OK (BYE)');
  });
});

describe('the wait for a call', () => {
  /** Events of a phone, and how many listen to them. */
  class FakePhone extends EventTarget {
    listeners = 0;

    override addEventListener(...args: Parameters<EventTarget['addEventListener']>): void {
      this.listeners++;
      super.addEventListener(...args);
    }
    override removeEventListener(...args: Parameters<EventTarget['addEventListener']>): void {
      this.listeners--;
      super.removeEventListener(...args);
    }
  }

  function wait() {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const [phone, stop] = [new FakePhone(), new AbortController()];
    const call = nextCall(phone as unknown as Parameters<typeof nextCall>[0], stop.signal);
    return { phone, stop, call };
  }

  it('returns the call', async () => {
    const { phone, call } = wait();
    phone.dispatchEvent(new CustomEvent('call', { detail: 'a call' }));
    expect(await call).toBe('a call');
    expect([phone.listeners, vi.getTimerCount()]).toEqual([0, 0]);
  });

  it('ends with an error if no call arrives within 10 s', async () => {
    const { phone, call } = wait();
    const seen = vi.fn();
    call.catch(seen);
    await vi.advanceTimersByTimeAsync(9999);
    expect(seen).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    await expect(call).rejects.toThrow('No call has arrived within 10 s.');
    expect(phone.listeners).toBe(0);
  });

  it('ends when it is given up', async () => {
    const { phone, stop, call } = wait();
    stop.abort();
    await expect(call).rejects.toThrow('The wait for the call was ended.');
    expect([phone.listeners, vi.getTimerCount()]).toEqual([0, 0]);
  });
});

// tshark's is the parser of someone else; where it is not installed nothing can be asked of it.
describe.skipIf(!installed('tshark'))('in the eyes of tshark (Debian package tshark)', () => {
  it('a ladder in a capture file is a call with audio of both sides', () => {
    const startMs = Date.UTC(2026, 0, 2);
    const stream = { format: 'mulaw', sampleRate: 8000, channels: 1 } as const;
    const writer = new PcapngWriter({
      local: { address: '192.0.2.101', port: 49_172 },
      remote: { address: '198.51.100.22', port: 3456 },
    });
    const entries = sipCallLadder(EXAMPLE_SIP_CALL);
    const signals = entries.map(({ from, message, atMs }) =>
      writer.sip(message.text, from === 'page' ? 'sent' : 'received', startMs + 1000 * atMs),
    );
    const up = entries.findIndex(({ label }) => label === 'ACK') + 1;
    const audio = (['sent', 'received'] as const).flatMap((direction, ssrc) => {
      const encoder = rtpFraming.createEncoder({ ...stream, ssrc });
      return Array.from({ length: 20 }, (_, sequence) => {
        const payload = new Uint8Array(160).fill(0xff);
        const frame = sequence * 160;
        const packet = { ...stream, sequence, frame, frames: 160, payload };
        const message = encoder.encode({ ...packet, timestamp: sequence * 20_000, dropped: 0 });
        return writer.rtp(message, direction, startMs + 1000 * (up - 1) + 20 * sequence);
      });
    });
    const file = [writer.header(), ...signals.slice(0, up), ...audio, ...signals.slice(up)];
    const folder = mkdtempSync(join(tmpdir(), 'micwire-ladder-'));
    try {
      const path = join(folder, 'call.pcapng');
      writeFileSync(path, Buffer.concat(file));
      const ask = (...args: string[]): string =>
        runProgram('tshark', ['-r', path, ...args]).stdout.toString();
      const fields = [
        'sip.Method',
        'sip.Status-Code',
        'ip.src',
        'rtp.setup-frame',
        '_ws.malformed',
      ];
      const rows = ask('-T', 'fields', ...fields.flatMap((field) => ['-e', field]))
        .split('\n')
        .slice(0, -1)
        .map((line) => line.split('\t'));
      const words = rows.map(([method, status]) => method! + status!).filter((word) => word !== '');
      expect(words).toEqual(['INVITE', '100', '180', '200', 'ACK', 'BYE', '200']);
      const audioRows = rows.filter(([, , , setup]) => setup !== '').map((row) => row.join(' '));
      // Of this call, by its INVITE.
      expect([...new Set(audioRows)]).toEqual(['  192.0.2.101 1 ', '  198.51.100.22 1 ']);
      expect(rows.every(([, , , , malformed]) => malformed === '')).toBe(true);
      const statistics = ask('-q', '-z', 'sip,stat', '-z', 'rtp,streams');
      expect(statistics).toMatch(/SIP messages: 7\b/);
      expect(statistics.match(/g711U +20 +0 \(0\.0%\)/g)).toHaveLength(2);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
