import type { InputDevice, MicrophonePermission } from '../../core/microphone/life-messages.ts';

/** What {@link PermissionWatch} tells. */
export interface PermissionListener {
  permission(permission: MicrophonePermission): void;
  devices(devices: readonly InputDevice[]): void;
}

/** The audio inputs that the system has. Labels are empty until permission is granted. */
export async function inputDevices(): Promise<readonly InputDevice[]> {
  const devices = (await mediaDevices()?.enumerateDevices()) ?? [];
  return devices
    .filter(({ kind }) => kind === 'audioinput')
    .map(({ deviceId, groupId, label }) => ({ deviceId, groupId, label }));
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
    await this.#list((devices) => !isEqualList(devices, this.#devices));
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
      const devices = await inputDevices();
      // An answer that was overtaken tells nothing new.
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

function isEqualList(one: readonly InputDevice[], other: readonly InputDevice[]): boolean {
  return (
    one.length === other.length &&
    one.every(({ deviceId, groupId, label }, i) => {
      const same = other[i]!;
      return deviceId === same.deviceId && groupId === same.groupId && label === same.label;
    })
  );
}

/** Undefined where the page is no secure context (Media Capture §9.1). */
function mediaDevices(): MediaDevices | undefined {
  return (navigator as { readonly mediaDevices?: MediaDevices }).mediaDevices;
}
