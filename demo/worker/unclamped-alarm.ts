import type { Alarm } from '../link/real-clock.ts';

/**
 * Makes alarms of browsers' timers that are on time. A timer that is set by a timer that was set by a timer, five deep, waits 4 ms at
 * least (HTML, "timers", nesting level); set by a message, it is the first.
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
