import { PRESETS } from '../link/settings.ts';
import type { LinkChoice } from '../runs/run.ts';

/** A link by its name, for the middle of a sentence. */
export function linkWords({ name }: Pick<LinkChoice, 'name'>): string {
  return name === 'custom' ? 'the network as set' : `“${PRESETS[name].label}”`;
}
