import { messageBytes } from './message-bytes.ts';
import type { TransportMessage, TransportStats } from './transport.ts';

/** The running totals of one transport. */
export class TransportCounters {
  private sentMessages = 0;
  private sentBytes = 0;
  private receivedMessages = 0;
  private receivedBytes = 0;
  private droppedMessages = 0;
  private droppedBytes = 0;
  private connections = 0;

  connected(): void {
    this.connections++;
  }

  sent(message: TransportMessage): void {
    this.sentMessages++;
    this.sentBytes += messageBytes(message);
  }

  received(message: TransportMessage): void {
    this.receivedMessages++;
    this.receivedBytes += messageBytes(message);
  }

  dropped(message: TransportMessage): void {
    this.droppedMessages++;
    this.droppedBytes += messageBytes(message);
  }

  snapshot(): TransportStats {
    return {
      sentMessages: this.sentMessages,
      sentBytes: this.sentBytes,
      receivedMessages: this.receivedMessages,
      receivedBytes: this.receivedBytes,
      droppedMessages: this.droppedMessages,
      droppedBytes: this.droppedBytes,
      connections: this.connections,
    };
  }
}
