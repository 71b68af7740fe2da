import { describe, expect, it, onTestFinished } from 'vitest';
import { messageBytes } from '../../src/web/transport/transport.ts';
import type {
  Transport,
  TransportMessage,
  TransportOptions,
} from '../../src/web/transport/transport.ts';

/**
 * What every transport keeps.
 * @param create makes a transport whose messages come back to it
 * @param inOrder whether they come in order, whatever they are
 */
export function describeTransport(
  name: string,
  create: (options?: TransportOptions) => Promise<Transport>,
  inOrder = true,
): void {
  /** As text, in the order that is promised. */
  const comparable = (messages: readonly TransportMessage[]): string[] => {
    const texts = messages.map((message) =>
      typeof message === 'string' ? `'${message}'` : `[${message.join()}]`,
    );
    return inOrder ? texts : texts.sort();
  };

  describe(`transport ${name}`, () => {
    async function open(options?: TransportOptions): Promise<Transport> {
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
      expect(comparable(received)).toEqual(comparable(sent));
      expect(received.filter((message) => message instanceof Uint8Array)).toHaveLength(2);
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

    it('tells by a promise when it can send, and for good that it never will again', async () => {
      const transport = await create();
      onTestFinished(() => transport.close());
      const { opened } = transport;
      await opened;
      expect(transport.state).toBe('open');
      expect(transport.send('now')).toBe(true);
      await transport.opened;
      await transport.close();
      await expect(transport.opened).rejects.toMatchObject({
        name: 'MicwireError',
        code: 'closed',
      });
      // What was promised before, and came true, stays so.
      await opened;
    });

    it('rejects that promise when it is closed before it has opened', async () => {
      const transport = await create();
      const { opened } = transport;
      void transport.close();
      await expect(opened).rejects.toMatchObject({ name: 'MicwireError', code: 'closed' });
    });

    it('waits while it is congested', async () => {
      const transport = await open({ highWaterBytes: 2 ** 20, lowWaterBytes: 2 ** 16 });
      const message = new Uint8Array(2 ** 18);
      while (transport.send(message));
      expect(transport.state).toBe('congested');
      await transport.opened;
      expect(transport.state).toBe('open');
    });

    it('sends what it was given before it opened first, in order, if it may hold it', async () => {
      const transport = await create({ holdMs: 10_000 });
      onTestFinished(() => transport.close());
      const received: TransportMessage[] = [];
      transport.addEventListener('message', ({ data }) => received.push(data));
      transport.addEventListener('statechange', () => transport.send('third'));
      const buffer = Uint8Array.of(1, 2);
      expect(transport.send('first')).toBe(true);
      expect(transport.send(buffer)).toBe(true);
      buffer.fill(0);
      expect(transport.bufferedBytes).toBe(7);
      await expect
        .poll(() => comparable(received))
        .toEqual(comparable(['first', Uint8Array.of(1, 2), 'third']));
      expect(transport.stats).toMatchObject({
        sentMessages: 3,
        sentBytes: 12,
        droppedMessages: 0,
      });
      expect(transport.bufferedBytes).toBe(0);
    });

    it('drops and counts what it cannot hold, and what it held when it is closed', async () => {
      const transport = await create({ holdMs: 10_000, highWaterBytes: 1000 });
      // With 128 bytes for each message, there is room for three.
      const taken = Array.from({ length: 5 }, () => transport.send(new Uint8Array(200)));
      expect(taken).toEqual([true, true, true, false, false]);
      expect(transport.bufferedBytes).toBe(600);
      expect(transport.stats).toMatchObject({ droppedMessages: 2, droppedBytes: 400 });
      void transport.close();
      expect(transport.stats).toMatchObject({ droppedMessages: 5, droppedBytes: 1000 });
      expect(transport.send('late')).toBe(false);
      expect(transport.bufferedBytes).toBe(0);
    });

    it('is closed by a signal that is aborted before it opens', async () => {
      const controller = new AbortController();
      const transport = await create({ signal: controller.signal, holdMs: 1000 });
      const states: string[] = [];
      transport.addEventListener('statechange', () => states.push(transport.state));
      transport.send('held');
      const reason = new Error('the user left');
      controller.abort(reason);
      expect(transport.state).toBe('closed');
      expect(states).toEqual(['closed']);
      expect(transport.stats.droppedMessages).toBe(1);
      await expect(transport.opened).rejects.toBe(reason);
    });

    it('takes no notice of a signal that is aborted after it has opened', async () => {
      const controller = new AbortController();
      const transport = await open({ signal: controller.signal });
      controller.abort();
      expect(transport.state).toBe('open');
      expect(transport.send('still here')).toBe(true);
    });

    it('is not made where the signal is aborted already', async () => {
      const reason = new Error('too late');
      await expect(create({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      await expect(create({ signal: {} as AbortSignal })).rejects.toThrow(
        /signal must be an AbortSignal/,
      );
    });

    it('refuses water marks that are out of range', async () => {
      await expect(create({ highWaterBytes: 0 })).rejects.toThrow(RangeError);
      await expect(create({ highWaterBytes: 10, lowWaterBytes: 11 })).rejects.toThrow(RangeError);
      await expect(create({ holdMs: -1 })).rejects.toThrow(RangeError);
    });
  });
}
