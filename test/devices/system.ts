import type { World } from './schedule.ts';

/** A device as it is: what pages are told of it is the browser's affair. */
export class SystemDevice {
  readonly index: number;
  readonly group: string;
  readonly label: string;
  id: string;
  /** Changes when the plug is pulled: a track outlives no plug. */
  generation = 0;
  /** Each counts what holds it at present. */
  absent = 0;
  busy = 0;
  hardwareMutes = 0;
  systemMutes = 0;

  constructor(index: number, label: string) {
    this.index = index;
    this.group = `group-${index}`;
    this.id = `device-${index}`;
    this.label = label;
  }

  get isPresent(): boolean {
    return this.absent === 0;
  }
}

/** What the output plays, as an input. */
export const MONITOR = 'Monitor of output';

/** The devices of a machine, and which of them is the default: the one that was made it last, of those that are there. */
export class SystemDevices {
  readonly all: readonly SystemDevice[];
  /** Is no microphone, and never goes. */
  readonly monitor = new SystemDevice(99, MONITOR);
  #preference: SystemDevice[];

  constructor({ devices, twins }: World) {
    this.all = Array.from({ length: devices }, (_, i) => {
      const isTwin = twins && i >= devices - 2;
      return new SystemDevice(i, isTwin ? 'Twin microphone' : `Microphone ${i}`);
    });
    this.#preference = [...this.all];
  }

  /** Wraps round, so that a schedule with fewer devices is still one. */
  at(index: number): SystemDevice {
    return this.all[index % this.all.length]!;
  }

  get present(): readonly SystemDevice[] {
    return this.all.filter((device) => device.isPresent);
  }

  get default(): SystemDevice | null {
    return this.#preference.find((device) => device.isPresent) ?? null;
  }

  prefer(device: SystemDevice): void {
    this.#preference = [device, ...this.#preference.filter((other) => other !== device)];
  }
}
