import type { ReaderAccount } from '../core/capture/chunk-queue.ts';
import type { MessagePortLike, WatchCommand, WatchEvent } from '../core/messages.ts';

/** What the page may ask a Worker that has something of it. */
export interface Watched {
  /** What it has read. */
  read(): ReaderAccount;
  /** It is over. @param captured frames of a capture in all, null where they are not known */
  end(captured: number | null): void | Promise<void>;
}

/**
 * Tells the page that this Worker has what it was sent, and lets it notice when the Worker is gone.
 * @returns tells the page that this Worker needs it no more
 */
export function showLife(control: MessagePortLike, lock: string, watched: Watched): () => void {
  const tell = (event: WatchEvent): void => control.postMessage(event, []);
  let release = (): void => {};
  const ended = new Promise<void>((resolve) => (release = resolve));
  control.addEventListener('message', ({ data }) => {
    const command = data as WatchCommand;
    if (command.type === 'ask') return tell({ type: 'read', account: watched.read() });
    release();
    control.close();
    void watched.end(command.captured);
  });
  control.start();
  const { locks } = globalThis.navigator ?? {};
  const hold = (): Promise<void> => {
    tell({ type: 'taken', locked: true });
    return ended;
  };
  // Refused in a page without an origin.
  if (locks === undefined) tell({ type: 'taken', locked: false });
  else locks.request(lock, hold).catch(() => tell({ type: 'taken', locked: false }));
  return () => tell({ type: 'released' });
}
