import type { HeardItem } from '../../core/services/service.ts';
import type { HeardPlace, ReplySink } from '../../core/session/replies.ts';
import type { Playout } from '../playout.ts';

/** What a playout tells the replies that it plays. */
export interface PlayoutListener {
  marked(mark: HeardPlace & { readonly name: string }): void;
  ended(place: HeardPlace): void;
  /** It has closed. */
  lost(): void;
}

/** A playout of the page as what plays replies. */
export function playoutSink(playout: Playout, listener: PlayoutListener): ReplySink {
  playout.addEventListener('mark', ({ detail }) => listener.marked(detail));
  playout.addEventListener('ended', ({ detail }) => listener.ended(detail));
  let closing = false;
  playout.addEventListener('statechange', () => {
    if (playout.state === 'closed' && !closing) listener.lost();
  });
  return {
    write: (bytes, options) => {
      if (playout.state !== 'closed') playout.write(bytes, options);
    },
    end: (item) => {
      if (playout.state !== 'closed') playout.end(item);
    },
    mark: (name, place) => {
      if (playout.state !== 'closed') playout.mark(name, place);
    },
    interrupt: async (): Promise<HeardItem> => {
      const { item, frames, ms, unheard } = await playout.interrupt();
      return { item, frames, ms, unheard };
    },
    close: () => {
      closing = true;
      return playout.close();
    },
  };
}
