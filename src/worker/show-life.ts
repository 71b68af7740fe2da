import type { ReaderAccount } from '../core/capture/chunk-queue.ts';
import type { MessagePortLike, WatchCommand, WatchEvent } from '../core/messages.ts';

/** What the page may ask a Worker that uses one of its streams. */
export interface Watched {
  /** Returns the account of what it has read. */
  read(): ReaderAccount;
  /** Called when the stream has ended. @param captured total frames of the capture; null if not known */
  end(captured: number | null): void | Promise<void>;
}

/**
 * Informs the page that this Worker has received what it was sent, and lets it notice when the Worker is gone.
 * @returns a function that informs the page that this Worker no longer needs the stream
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
