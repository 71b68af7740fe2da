/** Longer than any test may take. */
export const SILENCE_MINUTES = 6;

/** Finds out that the engines have stopped. They run one after the other, so the watch is over all of them at once. */
export class SilenceWatch {
  /** How many files each project has still to run. @type {Map<string, number>} */
  #files = new Map();
  #lastMs;

  /** @param {number} nowMs */
  constructor(nowMs) {
    this.#lastMs = nowMs;
  }

  /** @param {readonly string[]} projects - the project of each file that is to run in an engine */
  plan(projects) {
    for (const project of projects) {
      this.#files.set(project, (this.#files.get(project) ?? 0) + 1);
    }
  }

  /**
   * A test of a project has begun or ended.
   *
   * @param {string} project
   * @param {number} nowMs
   */
  hear(project, nowMs) {
    if (this.#files.has(project)) this.#lastMs = nowMs;
  }

  /**
   * A file of a project has ended.
   *
   * @param {string} project
   * @param {number} nowMs
   */
  end(project, nowMs) {
    this.hear(project, nowMs);
    const left = (this.#files.get(project) ?? 0) - 1;
    if (left > 0) this.#files.set(project, left);
    else this.#files.delete(project);
  }

  /** The projects that are to be ended, each once. @param {number} nowMs @returns {string[]} */
  take(nowMs) {
    if (nowMs - this.#lastMs < SILENCE_MINUTES * 60_000) return [];
    const silent = [...this.#files.keys()];
    this.#files.clear();
    return silent;
  }
}
