import type { DataChannelLike } from '../../src/web/transport/data-channel.ts';
import { messageBytes } from '../../src/web/transport/transport.ts';

/** As Chromium's. */
const MAX_MESSAGE_BYTES = 2 ** 18;

/** A data channel in Node whose other end sends everything back, each message in a task of its own. */
export class FakeDataChannel implements DataChannelLike {
  binaryType = 'blob';
  bufferedAmount = 0;
  readyState: RTCDataChannelState = 'connecting';
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;

  constructor() {
    setImmediate(() => {
      if (this.readyState !== 'connecting') return;
      this.readyState = 'open';
      this.onopen?.(undefined as never);
    });
  }

  send(data: string | Uint8Array<ArrayBuffer>): void {
    if (this.readyState !== 'open') throw new Error('InvalidStateError');
    const bytes = messageBytes(data);
    if (bytes > MAX_MESSAGE_BYTES) throw new TypeError('Message too large');
    const copy = typeof data === 'string' ? data : data.slice().buffer;
    this.bufferedAmount += bytes;
    setImmediate(() => {
      this.bufferedAmount -= bytes;
      if (this.readyState === 'open') this.onmessage?.({ data: copy } as never);
    });
  }

  close(): void {
    if (this.readyState === 'closed') return;
    this.readyState = 'closed';
    setImmediate(() => this.onclose?.(undefined as never));
  }
}
