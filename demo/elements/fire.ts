import type { MuteKeep } from 'micwire';
import type { LaneId } from '../lanes/lane-ids.ts';
import type { CloseUpSettings } from '../lanes/close-up-settings.ts';
import type { Heard } from '../lanes/comparison.ts';
import type { LaneSettings } from '../lanes/lane-settings.ts';
import type { StageSource } from '../audio/source.ts';
import type { NeedId } from '../page/needs.ts';
import type { Trim } from '../audio/mixer.ts';
import type { RowOrder } from '../page/row-order.ts';
import type { LinkChoice, RunSettings } from '../runs/run.ts';

/** What the elements ask of the page, by event. */
export interface LabEvents {
  /** Start, or stop. */
  'lab-toggle': undefined;
  'lab-volume': { readonly volume: number; readonly muted: boolean };

  /** The source. */
  'lab-source': Partial<StageSource>;

  /** The microphone: which device (null: the system's default), and whether it is muted. */
  'lab-device': { readonly deviceId: string | null };
  'lab-mute': { readonly keep: MuteKeep | null };
  'lab-measure-echo': undefined;

  /** One lane, close up: its settings. */
  'lab-configure': Partial<CloseUpSettings>;

  /** All lanes side by side: over which link, and what is heard of it. */
  'lab-link': LinkChoice;
  'lab-lanes': { readonly lanes: readonly LaneId[] };
  'lab-coding': Partial<LaneSettings>;
  /** What the visitor needs most, what lanes are compared with, and the order of the table. */
  'lab-need': { readonly need: NeedId };
  'lab-baseline': { readonly lane: LaneId };
  'lab-order': RowOrder;
  'lab-hear': { readonly heard: Heard; readonly trims?: ReadonlyMap<LaneId, Trim> };
  'lab-plan': Partial<Pick<RunSettings, 'links' | 'seconds' | 'settleSeconds' | 'repetitions'>>;
  /** Start a run, or stop it. */
  'lab-run': undefined;
}

/** The event of that name, for listeners. */
export type LabEvent<Name extends keyof LabEvents> = CustomEvent<LabEvents[Name]>;

/** Fires one of the lab's events; it bubbles up to the page. */
export function fire<Name extends keyof LabEvents>(
  from: HTMLElement,
  name: Name,
  detail: LabEvents[Name],
): void {
  from.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
}
