import { vi } from 'vitest';

/** What a page holds that garbage collection does not free at once. */
export let openResources = { workers: 0, ports: 0, timers: 0, memories: 0, tracks: 0 };

/** Counts from now on what the page opens and closes; `vi.unstubAllGlobals` and `vi.restoreAllMocks` end it. */
export function countResources(): void {
  // What a test before has opened may close only now: it counts there.
  const mine = { workers: 0, ports: 0, timers: 0, memories: 0, tracks: 0 };
  openResources = mine;
  const [NativeWorker, NativeNode] = [Worker, AudioWorkletNode];
  vi.stubGlobal(
    'Worker',
    class extends NativeWorker {
      constructor(...options: ConstructorParameters<typeof Worker>) {
        super(...options);
        mine.workers++;
      }
      #terminated = false;
      override terminate(): void {
        if (!this.#terminated) mine.workers--;
        this.#terminated = true;
        super.terminate();
      }
    },
  );
  vi.stubGlobal(
    'AudioWorkletNode',
    class extends NativeNode {
      constructor(...options: ConstructorParameters<typeof AudioWorkletNode>) {
        super(...options);
        mine.ports++;
        const { port } = this;
        const close = port.close.bind(port);
        let closed = false;
        port.close = (): void => {
          if (!closed) mine.ports--;
          closed = true;
          close();
        };
      }
    },
  );
  const [set, clear] = [setInterval, clearInterval];
  const running = new Set<unknown>();
  vi.stubGlobal('setInterval', (...options: Parameters<typeof setInterval>) => {
    const timer = set(...options);
    running.add(timer);
    mine.timers = running.size;
    return timer;
  });
  vi.stubGlobal('clearInterval', (timer: never) => {
    running.delete(timer);
    mine.timers = running.size;
    clear(timer);
  });
  const { mediaDevices } = navigator as { readonly mediaDevices?: MediaDevices };
  if (mediaDevices !== undefined) {
    const give = mediaDevices.getUserMedia.bind(mediaDevices);
    vi.spyOn(mediaDevices, 'getUserMedia').mockImplementation(async (constraints) => {
      const stream = await give(constraints);
      for (const track of stream.getTracks()) {
        mine.tracks++;
        const stop = track.stop.bind(track);
        track.stop = (): void => {
          if (track.readyState === 'live') mine.tracks--;
          stop();
        };
      }
      return stream;
    });
  }
  const { Memory } = WebAssembly;
  vi.spyOn(WebAssembly, 'Memory').mockImplementation(function (size: WebAssembly.MemoryDescriptor) {
    mine.memories++;
    return new Memory(size);
  } as never);
}
