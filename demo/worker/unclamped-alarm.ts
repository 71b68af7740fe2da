import type { Alarm } from '../link/real-clock.ts';

/**
 * Makes alarms that are on time from browsers' timers. A timer nested five deep in other timers waits at least 4 ms (HTML, "timers",
 * nesting level); one that a message sets is not nested.
 */
export function unclampedAlarm(): Alarm {
  const { port1, port2 } = new MessageChannel();
  const wanted: (() => void)[] = [];
  port1.onmessage = () => wanted.shift()?.();
  return (ms, ring) => {
    const dueMs = performance.now() + ms;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOff = false;
    wanted.push(() => {
      if (!isOff) timer = setTimeout(ring, dueMs - performance.now());
    });
    port2.postMessage(null);
    return () => {
      isOff = true;
      clearTimeout(timer);
    };
  };
}
