import type { ServiceEvent } from '../service.ts';

/** Names the replies of a service that does not name them itself. A service has one for all of its connections. */
export class ReplyNames {
  #count = 0;

  /** Returns the next name: `reply-1`, `reply-2` and so on. */
  next(): string {
    return `reply-${++this.#count}`;
  }
}

/** Names the reply that audio belongs to, for a service that does not. A connection has one. */
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

  /** Ends the reply that is arriving. @returns its event; no event if no reply is arriving */
  end(): readonly ServiceEvent[] {
    const item = this.#current;
    this.#current = undefined;
    return item === undefined ? [] : [{ type: 'item-end', item }];
  }
}
