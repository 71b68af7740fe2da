import { memorySignalling } from 'micwire';
import type { Signalling } from 'micwire';
import { DEFAULT_RUN } from '../runs/address.ts';
import type { LinkChoice } from '../runs/run.ts';
import type { CallEnds, LinkAccess } from './link-access.ts';

/** How the link has done since it was asked last. */
export interface LinkReport {
  /** By how much packets were later than the model said, the 99th percentile, ms; null while none went over it. */
  readonly latenessP99Ms: number | null;
}

/** The page's side of the link that all lanes share. */
export class LinkClient implements LinkAccess {
  readonly socketUrl: string = new URL('/echo', location.href).href;
  /** What it is now. */
  choice: LinkChoice = DEFAULT_RUN.links[0]!;

  async openSignalling(): Promise<CallEnds<Signalling>> {
    const [sender, receiver] = memorySignalling();
    return { sender, receiver };
  }

  /** Makes the link another one, for everything that is under way too. */
  async set(choice: LinkChoice): Promise<void> {
    this.choice = choice;
  }

  /** Begins a report anew. */
  async reset(): Promise<void> {}

  async report(): Promise<LinkReport> {
    return { latenessP99Ms: null };
  }

  close(): void {}
}
