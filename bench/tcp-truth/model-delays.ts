import { VirtualClock } from '../../demo/link/clock.ts';
import type { CongestionControlName } from '../../demo/link/congestion-control.ts';
import { LinkModel } from '../../demo/link/link-model.ts';
import type { LinkSettings } from '../../demo/link/settings.ts';
import type { TcpModelCounts } from '../../demo/link/tcp-model.ts';
import { TcpModel } from '../../demo/link/tcp-model.ts';

/** A stream of messages over one connection. */
export interface MessageStream {
  readonly link: LinkSettings;
  readonly congestion: CongestionControlName;
  /** Bytes of a message in the stream. */
  readonly bytes: number;
  readonly periodMs: number;
  readonly messages: number;
  readonly seed: number;
}

/** What became of them. */
export interface MessageDelays {
  /** Of each message in its turn, in ms. */
  readonly delaysMs: readonly number[];
  readonly counts: TcpModelCounts;
}

/** Runs a stream over our model of TCP, in simulated time. */
export function modelDelays(stream: MessageStream): MessageDelays {
  const { link, congestion, bytes, periodMs, messages, seed } = stream;
  const clock = new VirtualClock();
  const delaysMs: number[] = [];
  const model = new TcpModel<number>({
    clock,
    congestion,
    forward: new LinkModel(link, 2 * seed),
    back: new LinkModel(link, 2 * seed + 1),
    deliver: (sentMs) => delaysMs.push(clock.nowMs - sentMs),
  });
  for (let message = 0; message < messages; message++) {
    clock.runUntil(message * periodMs);
    model.send(clock.nowMs, bytes);
  }
  // What is left comes within the longest back-off.
  clock.runUntil(messages * periodMs + 300_000);
  return { delaysMs, counts: model.counts };
}
