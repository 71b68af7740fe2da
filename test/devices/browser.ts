import type { InputDevice, LifeEvent } from '../../src/core/microphone/life-messages.ts';
import { seededRandom } from '../helpers/random.ts';
import type { Answer, World } from './schedule.ts';
import { SystemDevices } from './system.ts';
import type { SystemDevice } from './system.ts';
import type { VirtualTime } from './virtual-time.ts';

/** A track that a page has got. */
export interface Track {
  readonly request: number;
  device: SystemDevice;
  /** The device's, when the track was opened. */
  generation: number;
  readonly id: string;
  /** It is of whatever device is the default. */
  readonly follows: boolean;
  /** What the page asked for; null: the default. */
  readonly asked: string | null;
  /** It has ended, or the page has stopped it. */
  over: boolean;
  stopped: boolean;
  /** What mutes it besides its device. */
  mutes: number;
  /** As the page sees it. */
  muted: boolean;
}

/** Where the browser's events go. */
export interface Page {
  /** Runs on the main thread, as soon as that runs. */
  post(run: () => void): void;
  tell(event: LifeEvent): void;
}

type PermissionState = 'granted' | 'prompt' | 'denied' | 'unavailable';

/** The part of a browser that a microphone deals with: permission, prompts, devices, tracks, and what the engines make of them. */
export class Browser {
  readonly system: SystemDevices;
  readonly tracks = new Map<number, Track>();
  readonly #world: World;
  readonly #time: VirtualTime;
  readonly #page: Page;
  readonly #random: () => number;
  #permission: PermissionState;
  /** Firefox grants single devices, and forgets them with the page. */
  readonly #grants = new Set<SystemDevice>();
  #answers = 0;
  #isPrompting = false;
  readonly #behindPrompt: (() => void)[] = [];
  readonly #untilVisible: (() => void)[] = [];
  hidden = 0;
  slow: number[] = [];
  refusals: string[] = [];
  /** Prompts that were shown, and the last answer: a prompt after a refusal must be wanted. */
  prompts = 0;
  lastAnswer: Answer | null = null;
  /** Told of each prompt that opens. */
  onPrompt: () => void = () => {};

  constructor(world: World, time: VirtualTime, page: Page) {
    this.#world = world;
    this.#time = time;
    this.#page = page;
    this.#random = seededRandom(world.seed + 77);
    this.system = new SystemDevices(world);
    this.#permission = world.permission;
  }

  get permission(): PermissionState {
    return this.#permission;
  }

  /** Whether the page knows that it may. */
  get tellsGrant(): boolean {
    return this.#world.tellsPermission && this.#permission === 'granted';
  }

  get isPrompting(): boolean {
    return this.#isPrompting;
  }

  /** As `permissions.query` has it. */
  queryPermission(): void {
    if (!this.#world.tellsPermission) return;
    const permission = this.#permission;
    this.#page.post(() => this.#page.tell({ type: 'permission', permission }));
  }

  /** Whether an opening of this device would ask the user. */
  wouldPrompt(device: SystemDevice | null): boolean {
    if (this.#permission !== 'prompt') return false;
    return this.#world.engine !== 'firefox' || device === null || !this.#grants.has(device);
  }

  /** Whether the track delivers audio, if somebody speaks. */
  isAudible(track: Track): boolean {
    const { device, mutes } = track;
    if (track.over || mutes > 0 || this.isForeign(track)) return this.isForeign(track);
    return this.isAlive(track) && device.systemMutes === 0 && device.hardwareMutes === 0;
  }

  /** Whether the track gives the audio of another device than it says. */
  isForeign(track: Track): boolean {
    const { endedOnUnplug } = this.#world;
    if (endedOnUnplug !== 'on-look' || track.over || this.isAlive(track)) return false;
    return this.system.default !== null;
  }

  /** Whether it is open, with its device behind it. */
  gives(track: Track): boolean {
    return !track.over && this.isAlive(track);
  }

  /** Whether there is a device behind it. */
  isAlive({ device, generation }: Track): boolean {
    return device.isPresent && device.generation === generation;
  }

  /** The device that `getUserMedia` opens; null: none. */
  find(deviceId: string | null): SystemDevice | null {
    if (deviceId === null || (deviceId === 'default' && this.#world.engine === 'chromium')) {
      return this.system.default ?? (this.#hasMonitors ? this.system.monitor : null);
    }
    return this.#listed.find(({ id }) => id === deviceId) ?? null;
  }

  get #hasMonitors(): boolean {
    return this.#world.monitors && this.#world.engine === 'firefox';
  }

  /** What can be opened by its id. */
  get #listed(): readonly SystemDevice[] {
    const { present, monitor } = this.system;
    return this.#hasMonitors ? [...present, monitor] : present;
  }

  #groupOf({ group }: SystemDevice): string {
    return this.#world.engine === 'firefox' ? 'group' : group;
  }

  // --- what a page calls ---------------------------------------------------------------------------------------------

  getUserMedia(request: number, deviceId: string | null): void {
    const { engine, openMs } = this.#world;
    const slow = Math.max(0, ...this.slow);
    const random = seededRandom(this.#world.seed * 31 + request);
    const latency = openMs * (0.5 + random()) + slow * (0.5 + random());
    const refuse = (name: string, ms = 2): void => {
      this.#time.after(ms, () =>
        this.#page.post(() => this.#page.tell({ type: 'refused', request, name })),
      );
    };
    if (this.#permission === 'unavailable') return refuse('SecurityError');
    if (this.hidden > 0 && engine === 'webkit') return refuse('InvalidStateError');
    this.#whenVisible(() =>
      this.#ask(deviceId, (isAllowed) => {
        if (!isAllowed) return refuse('NotAllowedError');
        this.#time.after(latency, () => this.#open(request, deviceId, refuse));
      }),
    );
  }

  stop(request: number): void {
    const track = this.tracks.get(request);
    if (track !== undefined) track.over = track.stopped = true;
  }

  /** The list, after a while. */
  enumerate(): void {
    this.#time.after(1 + this.#random() * 30, () => {
      if (this.#world.endedOnUnplug === 'on-look') this.#notice();
      const devices = this.#list();
      this.#page.post(() => this.#page.tell({ type: 'devices', devices }));
    });
  }

  /** Chromium on Linux learns from a list which devices are gone. */
  #notice(): void {
    for (const track of this.tracks.values()) {
      if (track.over || this.isAlive(track)) continue;
      this.end(track, 15);
      this.#deviceChange(10);
    }
  }

  /** Firefox holds openings back until the page is seen. */
  #whenVisible(run: () => void): void {
    if (this.hidden > 0 && this.#world.engine === 'firefox') this.#untilVisible.push(run);
    else run();
  }

  /** Asks the user where that is needed; one prompt at a time. */
  #ask(deviceId: string | null, then: (isAllowed: boolean) => void): void {
    const device = this.find(deviceId);
    // Engines look for the device first: there is no prompt for one that is not there.
    if (device === null && this.#permission !== 'denied') return then(true);
    if (!this.wouldPrompt(device))
      return then(this.#permission === 'granted' || this.#isGranted(device));
    if (this.#isPrompting) {
      this.#behindPrompt.push(() => this.#ask(deviceId, then));
      return;
    }
    this.#isPrompting = true;
    this.prompts++;
    this.onPrompt();
    const answer = this.#world.answers[this.#answers++ % this.#world.answers.length]!;
    const reply = (): void => {
      if (this.hidden > 0) {
        // Nobody sees the prompt.
        this.#untilVisible.push(() => this.#time.after(this.#world.answerMs, reply));
        return;
      }
      this.#isPrompting = false;
      this.lastAnswer = answer;
      if (answer === 'allow') this.#allow(device);
      else if (answer === 'deny' && this.#world.engine === 'chromium')
        this.#setPermission('denied');
      then(answer === 'allow');
      this.#behindPrompt.shift()?.();
    };
    this.#time.after(this.#world.answerMs, reply);
  }

  #isGranted(device: SystemDevice | null): boolean {
    return this.#permission === 'prompt' && device !== null && this.#grants.has(device);
  }

  #allow(device: SystemDevice | null): void {
    if (this.#world.engine === 'firefox') {
      if (device !== null) this.#grants.add(device);
    } else this.#setPermission('granted');
  }

  #open(
    request: number,
    deviceId: string | null,
    refuse: (name: string, ms?: number) => void,
  ): void {
    const { engine, secondTrack, defaultEntry } = this.#world;
    const device = this.find(deviceId);
    const isFirefox = engine === 'firefox';
    const injected = this.refusals.at(-1);
    if (injected !== undefined) return refuse(injected);
    if (this.#permission === 'denied') return refuse('NotAllowedError');
    if (device === null) {
      return refuse(deviceId === null || isFirefox ? 'NotFoundError' : 'OverconstrainedError');
    }
    const busyName = isFirefox ? 'AbortError' : 'NotReadableError';
    if (device.busy > 0) return refuse(busyName);
    const others = [...this.tracks.values()].filter((track) => !track.over);
    if (secondTrack === 'refused' && others.length > 0) return refuse(busyName);
    const isAlias = engine === 'chromium' && (deviceId === null || deviceId === 'default');
    const track: Track = {
      request,
      device,
      generation: device.generation,
      id: isAlias ? 'default' : device.id,
      follows: isAlias && defaultEntry === 'fixed',
      asked: deviceId,
      over: false,
      stopped: false,
      mutes: 0,
      muted: device.systemMutes > 0,
    };
    this.tracks.set(request, track);
    const { id, muted } = track;
    const { groupId, label } = isAlias ? this.#defaultEntry(device) : this.#entry(device);
    const told = { request, deviceId: id, groupId, label, muted };
    this.#page.post(() => this.#page.tell({ type: 'opened', track: told }));
    for (const other of others) {
      if (secondTrack === 'ends') this.end(other, this.#random() * 100);
      if (secondTrack === 'mutes') this.#muteTrack(other, 1);
    }
  }

  #entry(device: SystemDevice): InputDevice {
    return { deviceId: device.id, groupId: this.#groupOf(device), label: device.label };
  }

  /** Chromium's entry that stands for another one. */
  #defaultEntry(device: SystemDevice): InputDevice {
    if (this.#world.defaultEntry === 'fixed') {
      return { deviceId: 'default', groupId: 'group-default', label: 'Default' };
    }
    return { deviceId: 'default', groupId: device.group, label: `Default - ${device.label}` };
  }

  #list(): readonly InputDevice[] {
    const { engine, listsDefaultFirst } = this.#world;
    const first = this.system.default;
    const devices = this.#listed;
    if (devices.length === 0) return [];
    const isKnown = this.#permission === 'granted' || this.#grants.size > 0 || this.#hasTracks;
    if (!isKnown) return [{ deviceId: '', groupId: '', label: '' }];
    const list = devices.map((device) => this.#entry(device));
    if (engine === 'chromium' && first !== null) return [this.#defaultEntry(first), ...list];
    if (!listsDefaultFirst || first === null) return list;
    return list.toSorted(
      (a, b) => Number(b.deviceId === first.id) - Number(a.deviceId === first.id),
    );
  }

  get #hasTracks(): boolean {
    for (const track of this.tracks.values()) if (!track.over) return true;
    return false;
  }

  // --- what happens to it --------------------------------------------------------------------------------------------

  unplug(device: SystemDevice): void {
    if (device.absent++ > 0) return;
    device.generation++;
    this.#followDefault();
    const { endedOnUnplug } = this.#world;
    const isFirst = endedOnUnplug === 'before';
    if (endedOnUnplug === 'before' || endedOnUnplug === 'after') {
      for (const track of this.#tracksOf(device)) this.end(track, isFirst ? 5 : 250);
    }
    if (endedOnUnplug !== 'on-look') this.#deviceChange(isFirst ? 250 : 5);
  }

  replug(device: SystemDevice, newId: boolean): void {
    if (--device.absent > 0) return;
    if (newId) device.id = `${device.id}+`;
    this.#followDefault();
    if (this.#world.endedOnUnplug === 'on-look') {
      // The system moves its streams back.
      for (const track of this.#tracksOf(device)) track.generation = device.generation;
    } else this.#deviceChange(50);
  }

  makeDefault(device: SystemDevice): void {
    const before = this.system.default;
    this.system.prefer(device);
    this.#followDefault();
    if (this.system.default !== before) this.#deviceChange(50);
  }

  #followDefault(): void {
    const device = this.system.default;
    for (const track of this.tracks.values()) {
      if (!track.follows || track.over || device === null) continue;
      track.device = device;
      track.generation = device.generation;
      this.#muteTrack(track, 0);
    }
  }

  occupy(device: SystemDevice, takes: boolean): void {
    device.busy++;
    if (!takes) return;
    for (const track of this.#tracksOf(device)) this.end(track, 10);
  }

  systemMute(device: SystemDevice, by: 1 | -1): void {
    device.systemMutes += by;
    for (const track of this.#tracksOf(device)) this.#muteTrack(track, 0);
  }

  changeFormat(device: SystemDevice): void {
    for (const { request } of this.#tracksOf(device)) {
      this.#page.post(() => this.#page.tell({ type: 'changed', request }));
    }
  }

  revoke(to: 'denied' | 'prompt'): void {
    if (this.#permission === 'unavailable') return;
    this.#grants.clear();
    const tracks = [...this.tracks.values()].filter((track) => !track.over);
    // The order of the two differs between engines and times.
    const isFirst = this.#random() < 0.5;
    if (isFirst) this.#setPermission(to);
    for (const track of tracks) this.end(track, 1 + this.#random() * 20);
    if (!isFirst) this.#time.after(25, () => this.#setPermission(to));
  }

  grant(): void {
    this.#setPermission('granted');
  }

  hide(by: 1 | -1): void {
    const before = this.hidden > 0;
    this.hidden += by;
    const isHidden = this.hidden > 0;
    if (isHidden === before) return;
    this.#page.post(() => this.#page.tell({ type: 'visible', visible: !isHidden }));
    const { hiding } = this.#world;
    for (const track of this.tracks.values()) {
      if (track.over) continue;
      if (hiding === 'ends' && isHidden) this.end(track, 100);
      if (hiding === 'mutes')
        this.#time.after(isHidden ? 50 : 300, () => this.#muteTrack(track, by));
    }
    if (!isHidden) for (const run of this.#untilVisible.splice(0)) run();
  }

  /** Ends a track: its audio now, by event after a while. */
  end(track: Track, ms: number): void {
    if (track.over) return;
    track.over = true;
    const { request } = track;
    this.#time.after(ms, () => this.#page.post(() => this.#page.tell({ type: 'ended', request })));
  }

  #muteTrack(track: Track, by: number): void {
    track.mutes = Math.max(0, track.mutes + by);
    this.#time.after(this.#world.muteLagMs, () => {
      const muted = track.mutes > 0 || track.device.systemMutes > 0;
      if (muted === track.muted || track.over) return;
      track.muted = muted;
      const { request } = track;
      this.#page.post(() => this.#page.tell({ type: 'trackmute', request, muted }));
    });
  }

  #tracksOf(device: SystemDevice): readonly Track[] {
    return [...this.tracks.values()].filter((track) => track.device === device && !track.over);
  }

  #setPermission(permission: PermissionState): void {
    if (this.#permission === permission || this.#permission === 'unavailable') return;
    this.#permission = permission;
    this.queryPermission();
  }

  /** The shell asks for the list whenever the browser says that it has changed. */
  #deviceChange(ms: number): void {
    this.#time.after(ms, () => this.#page.post(() => this.enumerate()));
  }
}
