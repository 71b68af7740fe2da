/** What all classes of `micwire` have in common: see docs/architecture.md, "Entry points". */
import { describe, expect, it } from 'vitest';
import * as page from '../src/web/index.ts';
import { FakeDataChannel } from './helpers/fake-data-channel.ts';
import { PlayoutPage } from './helpers/playout-page.ts';

/** Values, errors, and the base of all: they do not open anything. */
const OTHERS = new Set(['Chunk', 'MicwireError', 'PacketError', 'TypedEventTarget']);
type Class = { readonly prototype: object; readonly create?: unknown; readonly open?: unknown };
const classes = Object.entries(page).filter(
  ([name, value]) =>
    typeof value === 'function' && value.toString().startsWith('class') && !OTHERS.has(name),
) as unknown as [string, Class][];

describe('every class of micwire', () => {
  it('is in this list', () => {
    expect(classes.map(([name]) => name).sort()).toEqual([
      'Call',
      'Capture',
      'DataChannelTransport',
      'LoopbackTransport',
      'MediaChunks',
      'Meter',
      'Microphone',
      'Playout',
      'Receiver',
      'Recorder',
      'Session',
      'SourceMixer',
      'Speaker',
      'WebSocketSignalling',
      'WebSocketTransport',
      'WebTransportTransport',
      'Whep',
      'Whip',
    ]);
  });

  it.each(classes)(
    '%s is made by create(), or open() for a device or a session, closed by close(), and an EventTarget',
    (name, one) => {
      const isOpened = ['Microphone', 'Session', 'Speaker'].includes(name);
      expect(isOpened ? one.open : one.create).toBeTypeOf('function');
      expect((one.prototype as { close?: unknown }).close).toBeTypeOf('function');
      expect(one.prototype).toBeInstanceOf(EventTarget);
    },
  );
});

describe('a second close()', () => {
  const makers: [string, () => { close(): Promise<void> }][] = [
    ['LoopbackTransport', () => page.LoopbackTransport.create()],
    ['DataChannelTransport', () => page.DataChannelTransport.create(new FakeDataChannel())],
    ['memorySignalling', () => page.memorySignalling()[0]],
  ];
  it.each(makers)('of %s returns the same promise', async (_, make) => {
    const one = make();
    const closing = one.close();
    expect(one.close()).toBe(closing);
    await closing;
  });

  it('of Playout returns the same promise, which resolves when the processor has ended', async () => {
    const rig = await PlayoutPage.open({ sampleRate: 48_000 });
    const closing = rig.playout.close();
    expect(rig.playout.close()).toBe(closing);
    rig.render(128);
    await closing;
    expect(rig.node.alive).toBe(false);
    rig.close();
  });
});
