import { sameList } from '../../core/microphone/device-choice.ts';
import type { InputDevice, MicrophonePermission } from '../../core/microphone/life-messages.ts';
import { listDevices, mediaDevices } from '../media-devices.ts';

/** What {@link PermissionWatch} tells. */
export interface PermissionListener {
  permission(permission: MicrophonePermission): void;
  devices(devices: readonly InputDevice[]): void;
}

/** Follows the permission for microphones and the list of devices. */
export class PermissionWatch {
  readonly #listener: PermissionListener;
  #status: PermissionStatus | null = null;
  /** Numbers of the last question, and of the one whose answer was told last. */
  #asked = 0;
  #answered = 0;
  /** As told last. */
  #devices: readonly InputDevice[] = [];
  #isLooking = false;
  #closed = false;

  constructor(listener: PermissionListener) {
    this.#listener = listener;
  }

  /** Tells both as they are, and from then on. */
  async start(): Promise<void> {
    const devices = mediaDevices();
    if (devices === undefined) {
      this.#listener.permission('unavailable');
      return;
    }
    devices.addEventListener('devicechange', this.#onDevices);
    await Promise.all([this.#watchPermission(), this.enumerate()]);
  }

  /** Tells the devices. */
  async enumerate(): Promise<void> {
    await this.#list(() => true);
  }

  /** Tells the devices if they have changed. Waits for the look before: a system may take long, or never answer. */
  async look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    await this.#list((devices) => !sameList(devices, this.#devices));
    this.#isLooking = false;
  }

  close(): void {
    this.#closed = true;
    mediaDevices()?.removeEventListener('devicechange', this.#onDevices);
    this.#status?.removeEventListener('change', this.#onPermission);
  }

  async #watchPermission(): Promise<void> {
    try {
      const name = 'microphone' as PermissionName;
      const status = await navigator.permissions.query({ name });
      if (this.#closed) return;
      this.#status = status;
      status.addEventListener('change', this.#onPermission);
      this.#onPermission();
    } catch {
      // Firefox before 131 and WebKitGTK cannot be asked: `getUserMedia` will tell.
    }
  }

  async #list(tells: (devices: readonly InputDevice[]) => boolean): Promise<void> {
    try {
      const asked = ++this.#asked;
      const devices = await listDevices('audioinput');
      // An answer that was overtaken says nothing new.
      if (this.#closed || asked < this.#answered || !tells(devices)) return;
      this.#answered = asked;
      this.#devices = devices;
      this.#listener.devices(devices);
    } catch {
      // The page is going away; there is no list.
    }
  }

  readonly #onPermission = (): void => {
    if (this.#status !== null) this.#listener.permission(this.#status.state);
  };

  readonly #onDevices = (): void => void this.enumerate();
}
