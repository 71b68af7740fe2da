import { checkObject, checkOptions } from './option-names.ts';
import type { OptionNames } from './option-names.ts';
import type { MessageEncoder } from './framing/framing.ts';
import type { LazyPacket } from './framing/packet.ts';

/** The part of an `AbortSignal` that pipes use. */
export interface PipeSignal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** Options of a pipe. */
export interface PipeOptions {
  /** An `AbortController`'s `signal`. When it is aborted, the pipe ends, but not its source or target. */
  readonly signal?: PipeSignal | undefined;
}
const NAMES = { signal: 1 } satisfies OptionNames<PipeOptions>;

/** Target of a pipe's messages: the part of a `Transport` that pipes use. */
export interface PipeTarget {
  /** `'open'`: messages can be sent; `'closed'`: closed permanently; any other state: wait. */
  readonly state: string;
  /** Sends a message. @returns whether the message was sent */
  send(message: string | Uint8Array): boolean;
  addEventListener(type: 'statechange', listener: () => void): void;
  removeEventListener(type: 'statechange', listener: () => void): void;
}

/** Source of a pipe's messages: the part of a `Transport` that pipes use. */
export interface PipeSource {
  /** `'closed'`: no more messages arrive. */
  readonly state: string;
  addEventListener(type: 'statechange', listener: () => void): void;
  removeEventListener(type: 'statechange', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: PipeMessage) => void): void;
  removeEventListener(type: 'message', listener: (event: PipeMessage) => void): void;
}

/** A message as delivered by a transport's `'message'` event. */
export interface PipeMessage {
  readonly data: string | Uint8Array;
}

/** Result of `capture.pipeTo`. Frames that the capture itself dropped are in its `stats`. */
export interface CapturePipeResult {
  /** What ended first: the capture, after everything was sent; the transport, when it was closed permanently; or the signal. */
  readonly endedBy: 'capture' | 'transport' | 'signal';
  /** Number of sent chunks, one message each. */
  readonly sentChunks: number;
  /**
   * Number of frames in the sent chunks. Together with `droppedFrames`, this is what the capture delivered to the pipe.
   */
  readonly sentFrames: number;
  /** Number of frames in chunks that were taken from the capture but could not be sent. */
  readonly droppedFrames: number;
}

/** Result of `receiver.pipeFrom` and `playout.pipeFrom`. */
export interface ReceivePipeResult {
  /** What ended first: the transport, when it was closed permanently; the receiver or the playout; or the signal. */
  readonly endedBy: 'transport' | 'receiver' | 'signal';
  /** Number of messages that arrived. */
  readonly messages: number;
  /** Number of these messages that the framing could not read, or that belonged to another stream. */
  readonly badMessages: number;
}

/**
 * Sends chunks over a transport until either of them ends. While the transport is not open or is congested, chunks stay in
 * their queue, which is bounded and counts what it drops.
 * @param chunks `return()` frees the source for another reader
 * @throws TypeError for an invalid argument, and whatever the encoder throws
 */
export async function pipeChunks(
  chunks: AsyncIterableIterator<LazyPacket>,
  encoder: MessageEncoder,
  target: PipeTarget,
  signal: PipeSignal | undefined,
): Promise<CapturePipeResult> {
  let endedBy: CapturePipeResult['endedBy'] | undefined;
  let wake = (): void => {};
  const end = (by: CapturePipeResult['endedBy']): void => {
    endedBy ??= by;
    void chunks.return?.();
    wake();
  };
  const onState = (): void => (target.state === 'closed' ? end('transport') : wake());
  const onAbort = (): void => end('signal');
  const open = async (): Promise<void> => {
    while (endedBy === undefined && target.state !== 'open') {
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  let sentChunks = 0;
  let sentFrames = 0;
  let droppedFrames = 0;
  target.addEventListener('statechange', onState);
  signal?.addEventListener('abort', onAbort);
  if (signal?.aborted === true) onAbort();
  onState();
  try {
    for (;;) {
      await open();
      if (endedBy !== undefined) break;
      // A source that failed has reported it in an event of its own.
      const next = await chunks.next().catch(() => undefined);
      if (next === undefined || next.done === true) {
        endedBy ??= 'capture';
        break;
      }
      const { frames } = next.value;
      const message = encoder.encode(next.value);
      let sent = target.state === 'open' && target.send(message);
      // An open transport refuses a message that is longer than the network takes, for example.
      while (!sent && target.state !== 'open' && endedBy === undefined) {
        await open();
        if (endedBy === undefined) sent = target.send(message);
      }
      if (sent) {
        sentChunks++;
        sentFrames += frames;
      } else droppedFrames += frames;
    }
  } finally {
    target.removeEventListener('statechange', onState);
    signal?.removeEventListener('abort', onAbort);
    await chunks.return?.();
  }
  return { endedBy, sentChunks, sentFrames, droppedFrames };
}

/** The pipes that bring messages from transports to one receiver; all end with it. */
export class ReceivePipes {
  readonly #ends = new Set<(by: ReceivePipeResult['endedBy']) => void>();

  /** @param take takes a message, and returns whether it could be read */
  pipe(
    source: PipeSource,
    signal: PipeSignal | undefined,
    take: (message: string | Uint8Array) => boolean,
  ): Promise<ReceivePipeResult> {
    let messages = 0;
    let badMessages = 0;
    return new Promise((resolve) => {
      const end = (endedBy: ReceivePipeResult['endedBy']): void => {
        this.#ends.delete(end);
        source.removeEventListener('message', onMessage);
        source.removeEventListener('statechange', onState);
        signal?.removeEventListener('abort', onAbort);
        resolve({ endedBy, messages, badMessages });
      };
      const onMessage = ({ data }: PipeMessage): void => {
        messages++;
        if (!take(data)) badMessages++;
      };
      const onState = (): void => {
        if (source.state === 'closed') end('transport');
      };
      const onAbort = (): void => end('signal');
      this.#ends.add(end);
      source.addEventListener('message', onMessage);
      source.addEventListener('statechange', onState);
      signal?.addEventListener('abort', onAbort);
      if (signal?.aborted === true) end('signal');
      else onState();
    });
  }

  /** Ends all pipes: the receiver is closed. */
  close(): void {
    for (const end of this.#ends) end('receiver');
  }
}

/** @throws TypeError for a wrong transport, framing or option */
export function checkPipe(
  method: string,
  transport: object,
  framing: object,
  maker: 'createEncoder' | 'createDecoder',
  options: PipeOptions,
): void {
  checkObject(`${method}: transport must be a Transport`, transport, 'addEventListener');
  checkObject(`${method}: framing must be a Framing`, framing, maker);
  checkOptions(method, options, NAMES);
}
