import type { LaneSettings, SourceKind } from '../settings.ts';

/** What the elements ask of the page, by event. */
export interface LabEvents {
  /** Start, or stop. */
  'lab-toggle': undefined;
  'lab-source': { readonly kind: SourceKind; readonly voiceProcessing: boolean };
  'lab-volume': { readonly volume: number; readonly muted: boolean };
  'lab-configure': Partial<LaneSettings>;
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
