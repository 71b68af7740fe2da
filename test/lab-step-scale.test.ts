/** The scale of a call's steps in the lab, and what became of its servers. */
import { describe, expect, it } from 'vitest';
import { addError, serversAsked } from '../demo/page/ice-errors.ts';
import { StepScale } from '../demo/page/step-scale.ts';
import { CallTimeline } from '../src/core/webrtc/call-timeline.ts';

/** A call whose other side comes after a wait, and that is up 100 ms later. */
function steps(waitMs: number | null) {
  const timeline = new CallTimeline();
  timeline.begin('create', 0);
  timeline.end('create', 4);
  timeline.begin('signal', 4);
  if (waitMs === null) return timeline.steps;
  const met = 4 + waitMs;
  timeline.met('signal', met);
  timeline.begin('ice', met + 20);
  timeline.end('signal', met + 40);
  timeline.end('ice', met + 60);
  timeline.begin('media', met + 60);
  timeline.end('media', met + 100);
  timeline.begin('close', met + 60_000);
  return timeline.steps;
}

describe('the scale of the six steps', () => {
  it('begins when both sides are connected, and shows the wait as a broken bar', () => {
    const all = steps(12_000);
    const scale = new StepScale(all);
    const [create, signal, ice, media, data, close] = all.map((step) => scale.place(step));
    expect(scale.waitedMs).toBe(12_000);
    expect(scale.since(12_064)).toBe(60);
    expect(signal!.wait!.from).toBe(create!.bar!.to);
    expect(signal!.wait!.to).toBe(signal!.bar!.from);
    const begin = signal!.bar!.from;
    const share = (value: number): number => (value - begin) / (1 - begin);
    expect(share(signal!.bar!.to)).toBeCloseTo(0.4, 9);
    expect(share(ice!.bar!.from)).toBeCloseTo(0.2, 9);
    expect(share(ice!.bar!.to)).toBeCloseTo(0.6, 9);
    expect(media!.bar!.to).toBe(1);
    expect([data, close]).toEqual([
      { wait: null, bar: null },
      { wait: null, bar: null },
    ]);
  });

  it('shows only the wait until it is over', () => {
    const all = steps(null);
    const scale = new StepScale(all);
    expect(scale.waitedMs).toBeNull();
    const signal = scale.place(all[1]!);
    expect(signal.wait!.to).toBe(1);
    expect(signal.bar).toBeNull();
  });

  it('is that of the whole call if neither side waited', () => {
    const all = steps(16);
    const scale = new StepScale(all);
    expect([scale.waitedMs, scale.originMs]).toEqual([0, 0]);
    const signal = scale.place(all[1]!);
    expect(signal.wait).toBeNull();
    expect(signal.bar!.from).toBeCloseTo(4 / 120, 9);
    expect(signal.bar!.to).toBeCloseTo(60 / 120, 9);
  });

  it('ends with a call that failed while waiting', () => {
    const timeline = new CallTimeline();
    timeline.begin('signal', 2);
    timeline.end('signal', 5000, 'failed');
    const scale = new StepScale(timeline.steps);
    expect(scale.waitedMs).toBe(0);
    expect(scale.place(timeline.step('signal')).bar!.to).toBe(1);
  });
});

describe('servers that were asked', () => {
  it('have their candidates and their errors, however the browser writes their addresses', () => {
    const error = { code: 701, text: 'unreachable', url: 'stun:stun.invalid:3478' };
    const candidates = [
      { type: 'srflx', url: 'stun:127.0.0.1:3478' },
      { type: 'relay', url: 'turn:127.0.0.1:3478?transport=udp' },
      { type: 'relay', url: 'turns:example.org:5349?transport=tcp' },
      { type: 'host', url: '' },
    ] as const;
    const errors = [error, error].reduce(addError, []);
    const urls = [
      'stun:127.0.0.1',
      'turn:127.0.0.1:3478',
      'turns:example.org',
      'stun:stun.invalid',
      'turn:127.0.0.1?transport=tcp',
    ];
    expect(serversAsked(urls, candidates, errors)).toEqual([
      { url: urls[0], candidates: 1, errors: [] },
      { url: urls[1], candidates: 1, errors: [] },
      { url: urls[2], candidates: 1, errors: [] },
      { url: urls[3], candidates: 0, errors: [{ ...error, times: 2 }] },
      { url: urls[4], candidates: 0, errors: [] },
    ]);
    // Firefox does not say which server a candidate is from.
    const untold = candidates.map(({ type }) => ({ type, url: '' }));
    expect(serversAsked(urls, untold, errors)[0]!.candidates).toBeNull();
    expect(serversAsked(urls, [], errors)[0]!.candidates).toBe(0);
  });
});
