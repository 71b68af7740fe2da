/** What the page about SIP of the lab's view Learn is made from. */
import { describe, expect, it } from 'vitest';
import { EXAMPLE_SIP_CALL, sipCallLadder, sipPartsOf } from '../demo/learn/sip-call.ts';
import { SipLadder } from '../src/core/sip/sip-ladder.ts';
import { explainSipMessage } from '../src/core/sip/sip-explained.ts';
import { CallTimeline } from '../src/core/webrtc/call-timeline.ts';
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

  it('carries the descriptions of a call of WebRTC, as far as it has come', () => {
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
