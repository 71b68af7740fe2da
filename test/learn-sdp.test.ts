/** What the page about SDP of the lab's view Learn is made from. */
import { describe, expect, it } from 'vitest';
import { agreementOf, topicOf } from '../demo/learn/sdp-agreement.ts';
import type { SdpTopic } from '../demo/learn/sdp-agreement.ts';
import { changedLines } from '../demo/learn/sdp-changes.ts';
import { EXAMPLE_NEGOTIATED } from '../demo/learn/sdp-example.ts';
import { EXAMPLE_SIP_CALL } from '../demo/learn/sip-call.ts';
import { explainSdp } from '../src/core/webrtc/sdp-explained.ts';
import { parseSdp } from '../src/core/webrtc/sdp.ts';
import { CHROMIUM_OFFER } from './helpers/sdp-samples.ts';

const { offer, answer } = EXAMPLE_NEGOTIATED;

/** What is agreed on a topic. */
function agreed(topic: SdpTopic, offered: string, answered: string): string {
  const rows = agreementOf(parseSdp(offered), parseSdp(answered));
  return rows.find((row) => row.topic === topic)!.agreed;
}

describe('the agreement of offer and answer', () => {
  it('is the codec that the answer prefers, the direction, the addresses and the keys', () => {
    const rows = agreementOf(parseSdp(offer), parseSdp(answer));
    expect(rows.map(({ name, agreed: words }) => `${name}: ${words}`)).toEqual([
      'Codec and payload type: opus, 48 kHz, 2 channels: payload type 111.',
      'Parameters of the codec: The callee asks the caller for Opus with FEC, without DTX, one channel.',
      'Direction: The caller sends, the callee receives.',
      'ICE: Checks of the caller carry the name k0Rq:EsAw.',
      'DTLS: The callee begins the handshake. Each accepts only the certificate with this fingerprint.',
      'BUNDLE: One connection for 2 sections: 0 and 1.',
      'RTCP: On the same port as RTP.',
    ]);
    expect(rows[3]!.offer).toBe('ufrag EsAw, 1 candidate');
    expect(rows[4]!.answer).toBe('sha-256 4A:AD:B9:B1… active');
  });

  it('follows the order of the answer, not of the offer', () => {
    const reordered = answer.replace('SAVPF 111 9 0 8', 'SAVPF 0 111 9 8');
    expect(agreed('codec', offer, reordered)).toBe('PCMU, 8 kHz, one channel: payload type 0.');
    expect(agreed('parameters', offer, reordered)).toBe('PCMU has none.');
  });

  it('skips RED, which is not a codec but copies of one', () => {
    expect(agreed('codec', CHROMIUM_OFFER, CHROMIUM_OFFER)).toContain('opus');
  });

  it('includes the wishes of the answer', () => {
    const asking = answer.replace('useinbandfec=1', 'useinbandfec=0;usedtx=1;stereo=1');
    expect(agreed('parameters', offer, asking)).toBe(
      'The callee asks the caller for Opus without FEC, with DTX, two channels at most.',
    );
  });

  it.each([
    ['sendrecv', 'sendrecv', 'Both send.'],
    ['sendonly', 'recvonly', 'The caller sends, the callee receives.'],
    ['recvonly', 'sendonly', 'The callee sends, the caller receives.'],
    ['sendrecv', 'sendonly', 'The callee sends, the caller receives.'],
    ['sendonly', 'inactive', 'Nobody sends: the call is on hold.'],
    ['inactive', 'inactive', 'Nobody sends: the call is on hold.'],
  ])('of %s and %s is: %s', (one, other, words) => {
    const offered = offer.replace('a=sendrecv', `a=${one}`);
    const answered = answer.replace('a=recvonly', `a=${other}`);
    expect(agreed('direction', offered, answered)).toBe(words);
  });

  it('lists the features that two telephones do without', () => {
    const rows = agreementOf(parseSdp(EXAMPLE_SIP_CALL.offer), parseSdp(EXAMPLE_SIP_CALL.answer!));
    const words = Object.fromEntries(rows.map(({ topic, agreed: text }) => [topic, text]));
    expect(words).toMatchObject({
      codec: 'PCMU, 8 kHz, one channel: payload type 0.',
      direction: 'Both send.',
      ice: 'No ICE: audio goes where c= and m= say.',
      dtls: 'No DTLS: the audio is not encrypted by it.',
      bundle: 'A connection for each section.',
      rtcp: 'A port of its own.',
    });
  });

  it('refers to its lines: every topic has some in the descriptions', () => {
    const { lines } = parseSdp(offer);
    const topics = new Set(lines.map(topicOf));
    for (const { topic } of agreementOf(parseSdp(offer), parseSdp(answer))) {
      expect(topics).toContain(topic);
    }
    expect(topicOf(lines.find(({ text }) => text.startsWith('v='))!)).toBeNull();
  });
});

describe('the lines that have changed', () => {
  const linesOf = (text: string) => explainSdp(text).lines;
  const marks = (before: string, now: string) =>
    changedLines(linesOf(before), linesOf(now))
      .filter(({ change }) => change !== 'same')
      .map(({ change, line }) => `${change} ${line.text}`);

  it('do not exist without a previous description, nor between two equal ones', () => {
    const all = changedLines(null, linesOf(offer));
    expect(all.map(({ line }) => line.text).join('\r\n')).toBe(offer.trimEnd());
    expect(all.every(({ change }) => change === 'same')).toBe(true);
    expect(marks(offer, offer)).toEqual([]);
  });

  it('are marked at their place, as gone in the old form and new in the other', () => {
    const now = offer
      .replace('useinbandfec=1', 'useinbandfec=1;usedtx=1')
      .replace('a=rtpmap:8 PCMA/8000\r\n', '')
      .replace('a=mid:1', 'a=mid:1\r\na=extra');
    expect(marks(offer, now)).toEqual([
      'gone a=fmtp:111 minptime=10;useinbandfec=1',
      'new a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1',
      'gone a=rtpmap:8 PCMA/8000',
      'new a=extra',
    ]);
  });

  it('restore both descriptions: without the new lines the old one, without the removed lines the new one', () => {
    const [before, now] = [linesOf(offer), linesOf(CHROMIUM_OFFER)];
    const lines = changedLines(before, now);
    const without = (change: string) =>
      lines.filter((one) => one.change !== change).map(({ line }) => line.text);
    expect(without('new')).toEqual(before.map(({ text }) => text));
    expect(without('gone')).toEqual(now.map(({ text }) => text));
    // As many are the same as can be: both begin alike.
    expect(lines.filter(({ change }) => change === 'same').length).toBeGreaterThan(10);
  });
});
