import { joinBytes } from '../../bytes.ts';
import { bytesPerFrame } from '../../format/stream-format.ts';
import type { StreamFormat } from '../../format/stream-format.ts';
import type { ServiceEvent } from '../service.ts';
import { UnnamedReplies } from './replies.ts';
import type { ReplyNames } from './replies.ts';

/**
 * Audio of replies that arrives as bare binary messages: they do not say which reply they belong to, and a message may end in the
 * middle of a frame. A connection has one.
 */
export class ReplyBytes {
  readonly #frameBytes: number;
  readonly #replies: UnnamedReplies;
  /** The beginning of a frame whose end has not arrived yet. */
  #rest: Uint8Array = new Uint8Array(0);

  constructor(stream: StreamFormat, names: ReplyNames) {
    this.#frameBytes = Math.max(1, bytesPerFrame(stream));
    this.#replies = new UnnamedReplies(names);
  }

  /** Adds a binary message. @returns the audio of the frames that are complete */
  add(bytes: Uint8Array): readonly ServiceEvent[] {
    const all = this.#rest.length === 0 ? bytes : joinBytes([this.#rest, bytes]);
    const whole = all.length - (all.length % this.#frameBytes);
    this.#rest = all.slice(whole);
    if (whole === 0) return [];
    return [{ type: 'audio', item: this.#replies.item, bytes: all.subarray(0, whole) }];
  }

  /** Ends the reply: it is complete, or was interrupted. @returns the event of its end; no event if there is no reply */
  end(): readonly ServiceEvent[] {
    this.#rest = new Uint8Array(0);
    return this.#replies.end();
  }
}
