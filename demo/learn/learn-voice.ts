import { problemOf } from '../audio/problem.ts';
import type { OpenStage } from '../controllers/session.ts';
import { Session } from '../controllers/session.ts';

/** What a page does with the visitor's audio. */
export interface LearnPart {
  /** Builds what the page needs. Throws what its parts throw. */
  open(stage: OpenStage): Promise<void>;
  /** Closes it. Safe when there is nothing. */
  shut(): void;
}

/** The audio of the view Learn: one source for all pages, and the part of one page at a time. */
export class LearnVoice extends Session {
  protected readonly contextOptions: AudioContextOptions = {};
  #part: LearnPart | null = null;
  /** null while nothing runs. */
  #stage: OpenStage | null = null;
  /** Counts how often a part was opened: what comes back from an await after another time is out of date. */
  #openings = 0;

  /** Whether the source runs, or is about to. */
  get active(): boolean {
    return this.phase === 'running' || this.phase === 'starting';
  }

  /** Takes another page's part, or null; the source continues. */
  use(part: LearnPart | null): void {
    if (part === this.#part) return;
    this.#part?.shut();
    this.#part = part;
    void this.reopen();
  }

  /** Lets a page's part go, unless another page's has taken its place. */
  drop(part: LearnPart): void {
    if (this.#part === part) this.use(null);
  }

  /** Closes the page's part and opens it again, with other settings. Without effect while nothing runs. */
  async reopen(): Promise<void> {
    const stage = this.#stage;
    if (stage === null) return;
    this.#part?.shut();
    try {
      await this.#openPart(stage);
    } catch (error) {
      if (stage === this.#stage) this.fail(problemOf(error));
    }
    this.host.requestUpdate();
  }

  protected async open(stage: OpenStage): Promise<void> {
    this.#stage = stage;
    await this.#openPart(stage);
  }

  protected shut(): void {
    this.#stage = null;
    this.#part?.shut();
  }

  async #openPart(stage: OpenStage): Promise<void> {
    const opening = ++this.#openings;
    const outdated = (): boolean => stage.outdated() || opening !== this.#openings;
    try {
      await this.#part?.open({ ...stage, outdated });
    } catch (error) {
      // A part that was shut meanwhile fails because of that.
      if (!outdated()) throw error;
    }
  }
}
