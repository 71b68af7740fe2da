interface Task {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** A clock with tasks. Those of the same time run in the order in which they were given. */
export class VirtualTime {
  now = 0;
  #order = 0;
  /** A binary heap. */
  readonly #tasks: Task[] = [];

  after(ms: number, run: () => void): void {
    this.at(this.now + ms, run);
  }

  at(at: number, run: () => void): void {
    const tasks = this.#tasks;
    const task = { at: Math.max(at, this.now), order: this.#order++, run };
    let i = tasks.length;
    tasks.push(task);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (isBefore(tasks[parent]!, task)) break;
      tasks[i] = tasks[parent]!;
      i = parent;
    }
    tasks[i] = task;
  }

  /** Runs what is due until then. */
  runUntil(ms: number): void {
    while (this.runNext(ms));
    this.now = Math.max(this.now, ms);
  }

  /** Runs the next task if it is due until then. @returns whether there was one */
  runNext(ms: number): boolean {
    const task = this.#tasks[0];
    if (task === undefined || task.at > ms) return false;
    this.#removeFirst();
    this.now = task.at;
    task.run();
    return true;
  }

  #removeFirst(): void {
    const tasks = this.#tasks;
    const last = tasks.pop()!;
    if (tasks.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= tasks.length) break;
      if (child + 1 < tasks.length && isBefore(tasks[child + 1]!, tasks[child]!)) child++;
      if (isBefore(last, tasks[child]!)) break;
      tasks[i] = tasks[child]!;
      i = child;
    }
    tasks[i] = last;
  }
}

function isBefore(a: Task, b: Task): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
