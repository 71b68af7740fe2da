import type { HeardItem } from '../../core/services/service.ts';
import type { HeardPlace, ReplySink } from '../../core/session/replies.ts';
import type { Playout } from '../playout.ts';

/** Events of the playout that plays a session's replies. */
export interface PlayoutListener {
  marked(mark: HeardPlace & { readonly name: string }): void;
  ended(place: HeardPlace): void;
  /** Called when the playout has closed. */
  lost(): void;
}

/** Adapts a playout of the page to play replies. */
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
