import type { ServiceEvent } from '../service.ts';

/** Counts the replies of a service that does not name them. A service has one for all of its connections. */
export class ReplyNames {
  #count = 0;

  /** `reply-1`, `reply-2` and so forth. */
  next(): string {
    return `reply-${++this.#count}`;
  }
}

/** Names the reply that audio belongs to, where a service does not. A connection has one. */
export class UnnamedReplies {
  readonly #names: ReplyNames;
  #current: string | undefined;

  constructor(names: ReplyNames) {
    this.#names = names;
  }

  /** The reply that is arriving; the first call after an end begins the next one. */
  get item(): string {
    return (this.#current ??= this.#names.next());
  }

  /** The reply that is arriving is complete. @returns its event; none where there is no such reply */
  end(): readonly ServiceEvent[] {
    const item = this.#current;
    this.#current = undefined;
    return item === undefined ? [] : [{ type: 'item-end', item }];
  }
}
