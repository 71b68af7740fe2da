import { sameList } from '../../core/microphone/device-choice.ts';
import type { InputDevice, MicrophonePermission } from '../../core/microphone/life-messages.ts';
import { listDevices, mediaDevices } from '../media-devices.ts';

/** Events of a {@link PermissionWatch}. */
export interface PermissionListener {
  permission(permission: MicrophonePermission): void;
  devices(devices: readonly InputDevice[]): void;
}

/** Follows the permission for microphones and the list of devices. */
export class PermissionWatch {
  readonly #listener: PermissionListener;
  #status: PermissionStatus | null = null;
  /** Numbers of the last query, and of the query whose answer was reported last. */
  #asked = 0;
  #answered = 0;
  /** The devices as last reported. */
  #devices: readonly InputDevice[] = [];
  #isLooking = false;
  #closed = false;

  constructor(listener: PermissionListener) {
    this.#listener = listener;
  }

  /** Reports the permission and the devices, and every change from then on. */
  async start(): Promise<void> {
    const devices = mediaDevices();
    if (devices === undefined) {
      this.#listener.permission('unavailable');
      return;
    }
    devices.addEventListener('devicechange', this.#onDevices);
    await Promise.all([this.#watchPermission(), this.enumerate()]);
  }

  /** Reports the devices. */
  async enumerate(): Promise<void> {
    await this.#list(() => true);
  }

  /** Reports the devices if they have changed. Waits for the previous check: a system may take long, or never answer. */
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
      // Firefox before 131 and WebKitGTK cannot be queried: `getUserMedia` will show the permission.
    }
  }

  async #list(tells: (devices: readonly InputDevice[]) => boolean): Promise<void> {
    try {
      const asked = ++this.#asked;
      const devices = await listDevices('audioinput');
      // A later answer has arrived first: this one is outdated.
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
