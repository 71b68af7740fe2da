import { sameList } from './device-choice.ts';
import type {
  InputDevice,
  LifeAction,
  MicrophonePermission,
  MicrophoneState,
  SilenceCause,
} from './life-messages.ts';

/** What a microphone reports about itself. */
export interface LifeFacts {
  readonly state: MicrophoneState;
  readonly permission: MicrophonePermission;
  readonly device: InputDevice | null;
  readonly devices: readonly InputDevice[];
  readonly silent: SilenceCause | null;
}

/** Keeps the last report, so that only changes are reported. */
export class LifeReport {
  #told: LifeFacts = {
    state: 'opening',
    permission: 'prompt',
    device: null,
    devices: [],
    silent: null,
  };

  get told(): LifeFacts {
    return this.#told;
  }

  /** Appends the changes. The state comes last, so that everything else can be read by then. */
  tell(facts: LifeFacts, actions: LifeAction[]): void {
    const { state, permission, device, devices, silent } = facts;
    const told = this.#told;
    this.#told = facts;
    if (permission !== told.permission) actions.push({ type: 'permission', permission });
    if (!sameList(devices, told.devices)) actions.push({ type: 'devices', devices });
    if (!sameList(listOf(device), listOf(told.device))) actions.push({ type: 'device', device });
    if (silent !== told.silent) actions.push({ type: 'silent', cause: silent });
    if (state !== told.state) actions.push({ type: 'state', state });
  }
}

function listOf(device: InputDevice | null): readonly InputDevice[] {
  return device === null ? [] : [device];
}
