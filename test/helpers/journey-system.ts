import { vi } from 'vitest';
import type { Dice } from './journey-dice.ts';
import { PageTrack } from './microphone-page.ts';
import type { MicrophonePage, PageDevice } from './microphone-page.ts';

/** What the system does when it is asked for a track. */
type Answering = 'quickly' | 'slowly' | 'late' | 'never';
type Listing = 'well' | 'slowly' | 'throws' | 'never' | 'without labels' | 'twice';

const REFUSALS = ['NotAllowedError', 'NotFoundError', 'NotReadableError', 'AbortError', 'Odd'];

/** Listeners of a target that were not removed. */
function countListeners(target: EventTarget): () => string[] {
  const listening = new Map<unknown, string>();
  const add = target.addEventListener.bind(target);
  const remove = target.removeEventListener.bind(target);
  target.addEventListener = (type: string, listener: never, options?: never): void => {
    listening.set(listener, type);
    add(type, listener, options);
  };
  target.removeEventListener = (type: string, listener: never, options?: never): void => {
    listening.delete(listener);
    remove(type, listener, options);
  };
  return () => [...listening.values()];
}

/** The system of a journey's page: devices, permission, screen and session, all of which may fail. */
export class JourneySystem {
  /** Every device, plugged in or not. */
  all: PageDevice[];
  /** Tracks that were opened. */
  opened = 0;
  /** Wake locks that are held. */
  locks = 0;
  readonly session = { type: 'auto' };
  /** Types of the listeners that are left, by target. */
  readonly listening: Record<string, () => string[]>;
  readonly #page: MicrophonePage;
  readonly #dice: Dice;
  readonly #status = Object.assign(new EventTarget(), { state: 'granted' as PermissionState });
  #answering: Answering = 'quickly';
  #listing: Listing = 'well';
  #refusal: string | null = null;

  constructor(page: MicrophonePage, all: readonly PageDevice[], dice: Dice) {
    this.#page = page;
    this.#dice = dice;
    this.all = [...all];
    this.listening = {
      media: countListeners(page.media),
      document: countListeners(page.document),
      window: countListeners(page.window),
      context: countListeners(page.context),
      permission: countListeners(this.#status),
    };
    this.#install();
  }

  #install(): void {
    const page = this.#page;
    Object.assign(page.media, {
      getUserMedia: ({ audio }: { audio: MediaTrackConstraints }) => this.#give(audio),
      enumerateDevices: () => this.#list(),
    });
    const permissions = this.#dice.pick([
      { query: () => Promise.resolve(this.#status) },
      { query: () => Promise.resolve(this.#status) },
      { query: () => Promise.reject(new TypeError('no such permission')) },
      {
        query: () => {
          throw new TypeError('no such permission');
        },
      },
      { query: () => new Promise(() => {}) },
      undefined,
    ]);
    const wakeLock = {
      request: () => {
        this.locks++;
        const lock = Object.assign(new EventTarget(), {
          released: false,
          release: () => {
            if (!lock.released) this.locks--;
            lock.released = true;
            return Promise.resolve();
          },
        });
        return Promise.resolve(lock);
      },
    };
    vi.stubGlobal('navigator', {
      mediaDevices: page.media,
      permissions,
      userAgent: 'Chromium',
      wakeLock,
      audioSession: this.session,
    });
  }

  #give({ deviceId }: MediaTrackConstraints): Promise<MediaStream> {
    const exact = (deviceId as { exact?: string } | undefined)?.exact;
    const ms = { quickly: 5, slowly: 300, late: 24_000, never: Infinity }[this.#answering];
    return new Promise((resolve, reject) => {
      if (ms === Infinity) return;
      setTimeout(() => {
        const devices = this.#page.devices;
        const device =
          exact === undefined || exact === 'default'
            ? devices[0]
            : devices.find((each) => each.deviceId === exact);
        const refusal = this.#refusal ?? (device === undefined ? 'OverconstrainedError' : null);
        if (refusal !== null) {
          reject(new DOMException('', refusal));
          return;
        }
        const track = new PageTrack(device!);
        this.listening[`track ${this.#page.tracks.length}`] = countListeners(track);
        this.#page.tracks.push(track);
        this.opened++;
        resolve(new MediaStream(track as never));
      }, ms);
    });
  }

  #list(): Promise<MediaDeviceInfo[]> {
    const list = this.#page.devices.map((device) => ({ ...device, kind: 'audioinput' }));
    const answer = list as unknown as MediaDeviceInfo[];
    switch (this.#listing) {
      case 'throws':
        return Promise.reject(new DOMException('', 'InvalidStateError'));
      case 'never':
        return new Promise(() => {});
      case 'slowly':
        return new Promise((resolve) => void setTimeout(() => resolve(answer), 2500));
      case 'without labels':
        return Promise.resolve(
          list
            .slice(0, 1)
            .map((info) => ({ ...info, deviceId: '', groupId: '', label: '' })) as never,
        );
      case 'twice':
        return Promise.resolve([...answer, ...answer]);
      default:
        return Promise.resolve(answer);
    }
  }

  /** Something goes wrong, or right again. */
  disturb(): void {
    const page = this.#page;
    const { context } = page;
    const device = this.#dice.pick(this.all);
    const plugged = page.devices.includes(device);
    const track = page.open.at(-1);
    const what = this.#dice.pick([
      'unplug',
      'unplug',
      'unplug',
      'plug',
      'plug',
      'unplug silently',
      'default',
      'new id',
      'mute track',
      'mute track',
      'unmute track',
      'unmute track',
      'end track',
      'silence',
      'sound',
      'answer',
      'answer',
      'list',
      'list',
      'refuse',
      'allow',
      'allow',
      'permission',
      'hide',
      'show',
      'freeze',
      'resume',
      'sleep',
      'block',
      'suspend',
      'interrupt',
      'run',
      'run',
      'clock back',
    ] as const);
    this.#dice.note(what);
    switch (what) {
      case 'unplug':
        if (plugged) page.unplug(device.number);
        break;
      case 'unplug silently':
        page.devices = page.devices.filter((each) => each !== device);
        break;
      case 'plug':
        if (!plugged) page.plugIn(device);
        break;
      case 'default':
        page.devices = [...page.devices].reverse();
        page.media.dispatchEvent(new Event('devicechange'));
        break;
      case 'new id': {
        // As after the permission was reset.
        const renamed = { ...device, deviceId: `${device.deviceId}'` };
        this.all = this.all.map((each) => (each === device ? renamed : each));
        page.devices = page.devices.map((each) => (each === device ? renamed : each));
        for (const each of page.tracks)
          if (each.device === device) Object.assign(each, { device: renamed });
        page.media.dispatchEvent(new Event('devicechange'));
        break;
      }
      case 'mute track':
        track?.setMuted(true);
        break;
      case 'unmute track':
        track?.setMuted(false);
        break;
      case 'end track':
        track?.end();
        break;
      case 'silence':
        page.silent.add(device.number);
        break;
      case 'sound':
        page.silent.clear();
        break;
      case 'answer':
        this.#answering = this.#dice.pick([
          'quickly',
          'quickly',
          'slowly',
          'slowly',
          'late',
          'never',
        ]);
        this.#dice.note(this.#answering);
        break;
      case 'list':
        this.#listing = this.#dice.pick([
          'well',
          'well',
          'slowly',
          'throws',
          'never',
          'without labels',
          'twice',
        ]);
        this.#dice.note(this.#listing);
        break;
      case 'refuse':
        this.#refusal = this.#dice.pick(REFUSALS);
        this.#dice.note(this.#refusal);
        break;
      case 'allow':
        this.#refusal = null;
        break;
      case 'permission':
        this.#status.state = this.#dice.pick(['granted', 'prompt', 'denied']);
        this.#status.dispatchEvent(new Event('change'));
        this.#dice.note(this.#status.state);
        break;
      case 'hide':
      case 'show':
        this.#see(what === 'show');
        break;
      case 'freeze':
      case 'resume':
        page.document.dispatchEvent(new Event(what));
        break;
      case 'sleep':
        vi.setSystemTime(Date.now() + this.#dice.between(1000, 3_600_000));
        break;
      case 'clock back':
        vi.setSystemTime(Date.now() - this.#dice.between(1000, 3_600_000));
        break;
      case 'block':
        page.renderBlocked(this.#dice.between(1, 400));
        break;
      case 'suspend':
        context.enter('suspended');
        break;
      case 'interrupt':
        context.enter('interrupted');
        break;
      case 'run':
        context.enter('running');
        break;
    }
  }

  #see(visible: boolean): void {
    this.#page.document.visibilityState = visible ? 'visible' : 'hidden';
    this.#page.document.dispatchEvent(new Event('visibilitychange'));
  }

  /** Everything is as it should be. */
  calm(): void {
    this.#answering = 'quickly';
    this.#listing = 'well';
    this.#refusal = null;
    this.#page.silent.clear();
    this.#page.devices = [...this.all];
    this.#status.state = 'granted';
    this.#status.dispatchEvent(new Event('change'));
    this.#see(true);
    this.#page.document.dispatchEvent(new Event('resume'));
    this.#page.media.dispatchEvent(new Event('devicechange'));
    this.#page.context.enter('running');
    for (const track of this.#page.open) if (track.muted) track.setMuted(false);
  }
}
