import { describe, expect, it, onTestFinished } from 'vitest';
import { messageBytes } from '../../src/web/transport/transport.ts';
import type {
  Transport,
  TransportMessage,
  WaterMarkOptions,
} from '../../src/web/transport/transport.ts';

/**
 * What every transport keeps.
 * @param create makes a transport whose messages come back to it
 */
export function describeTransport(
  name: string,
  create: (options?: WaterMarkOptions) => Promise<Transport>,
): void {
  describe(`transport ${name}`, () => {
    async function open(options?: WaterMarkOptions): Promise<Transport> {
      const transport = await create(options);
      onTestFinished(() => transport.close());
      await expect.poll(() => transport.status.state).toBe('open');
      return transport;
    }

    it('opens by itself and says so once, after its owner could listen', async () => {
      const transport = await create();
      onTestFinished(() => transport.close());
      expect(transport.status.state).toBe('connecting');
      const states: string[] = [];
      transport.addEventListener('statechange', () => states.push(transport.state));
      await expect.poll(() => states).toEqual(['open']);
      expect(transport.stats.connections).toBe(1);
    });

    it('drops and counts what is sent before it is open', async () => {
      const transport = await create();
      onTestFinished(() => transport.close());
      expect(transport.send('early')).toBe(false);
      expect(transport.stats).toMatchObject({
        sentMessages: 0,
        droppedMessages: 1,
        droppedBytes: 5,
      });
    });

    it('brings text and bytes back in order, each as it was, and counts both', async () => {
      const transport = await open();
      const received: TransportMessage[] = [];
      transport.addEventListener('message', ({ data }) => received.push(data));
      const larger = Uint8Array.of(9, 1, 2, 3, 9);
      const sent = ['a', larger.subarray(1, 4), 'größer 🎤', new Uint8Array(0), ''];
      for (const message of sent) expect(transport.send(message)).toBe(true);
      await expect.poll(() => received.length).toBe(sent.length);
      expect(
        received.map((message) => (typeof message === 'string' ? message : [...message])),
      ).toEqual(['a', [1, 2, 3], 'größer 🎤', [], '']);
      expect(received[1]).toBeInstanceOf(Uint8Array);
      const bytes = sent.reduce((sum, message) => sum + messageBytes(message), 0);
      expect(transport.stats).toEqual({
        sentMessages: 5,
        sentBytes: bytes,
        receivedMessages: 5,
        receivedBytes: bytes,
        droppedMessages: 0,
        droppedBytes: 0,
        connections: 1,
      });
    });

    it('has copied a message when send returns', async () => {
      const transport = await open();
      const received: TransportMessage[] = [];
      transport.addEventListener('message', ({ data }) => received.push(data));
      const buffer = Uint8Array.of(1, 2, 3);
      transport.send(buffer);
      buffer.fill(0);
      await expect.poll(() => received).toEqual([Uint8Array.of(1, 2, 3)]);
    });

    it('drops above the high water mark, says congested, and continues once drained', async () => {
      const transport = await open({ highWaterBytes: 2 ** 20, lowWaterBytes: 2 ** 16 });
      const states: string[] = [];
      let received = 0;
      transport.addEventListener('statechange', () => states.push(transport.state));
      transport.addEventListener('message', () => received++);
      const message = new Uint8Array(2 ** 18);
      let sent = 0;
      // Nothing can drain within one task.
      for (let i = 0; i < 200; i++) if (transport.send(message)) sent++;
      expect(sent).toBeGreaterThan(3);
      expect(sent).toBeLessThan(200);
      expect(states).toEqual(['congested']);
      expect(transport.bufferedBytes).toBeLessThanOrEqual(2 ** 20 + message.length + 100);
      expect(transport.stats.droppedMessages).toBe(200 - sent);
      await expect.poll(() => received).toBe(sent);
      expect(transport.bufferedBytes).toBe(0);
      expect(transport.send('again')).toBe(true);
      expect(states).toEqual(['congested', 'open']);
    });

    it('closes for good: says so once, then delivers and sends nothing', async () => {
      const transport = await open();
      const states: string[] = [];
      let received = 0;
      transport.addEventListener('statechange', () => states.push(transport.state));
      transport.addEventListener('message', () => received++);
      transport.send('on its way');
      void transport.close();
      void transport.close();
      expect(transport.send('late')).toBe(false);
      expect(states).toEqual(['closed']);
      expect(transport.bufferedBytes).toBe(0);
      // Another one's message, sent later the same way, has come: so would this have.
      const other = await open();
      let barrier = 0;
      other.addEventListener('message', () => barrier++);
      other.send('later');
      await expect.poll(() => barrier).toBe(1);
      expect(received).toBe(0);
    });

    it('refuses water marks that are out of range', async () => {
      await expect(create({ highWaterBytes: 0 })).rejects.toThrow(RangeError);
      await expect(create({ highWaterBytes: 10, lowWaterBytes: 11 })).rejects.toThrow(RangeError);
    });
  });
}
