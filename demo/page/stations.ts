import type { CloseUp } from '../lanes/close-up.ts';
import { FRAMING_WORDS } from '../lanes/close-up-settings.ts';
import { count } from './format.ts';
import { IS_STATIC } from './static-build.ts';
import { PRESETS } from '../link/settings.ts';
import type { LinkChoice, SourceKind } from '../runs/run.ts';

const SOURCE_NAMES: Readonly<Record<SourceKind, string>> = {
  speech: 'Speech sample',
  music: 'Music',
  microphone: 'Microphone',
  file: 'File',
};

/** A station on the path of the audio. */
export interface Station {
  readonly name: string;
  /** What it does to the audio now. */
  readonly what: string;
  readonly side: 'in' | 'wire' | 'out';
}

const ECHO_STATION = IS_STATIC
  ? { name: 'Worker', what: 'to a Worker of this page and back' }
  : { name: 'WebSocket', what: 'to a server and back' };

/** The part of a session that its stations are made from. */
export type StationsSubject = Pick<
  CloseUp,
  'stage' | 'context' | 'settings' | 'linkChoice' | 'linkMissing' | 'volume' | 'muted'
>;

/** The path of the audio, from the source to the ear. */
export function stationsOf(session: StationsSubject): Station[] {
  const { stage, context, settings, linkChoice, linkMissing, volume, muted } = session;
  const { framing, sampleRate, format, chunkDurationMs, targetDelayMs } = settings;
  const { label, what } = FRAMING_WORDS[framing];
  return [
    {
      name: SOURCE_NAMES[stage.kind],
      what: context === null ? 'float samples' : `float, ${count(context.sampleRate)} Hz`,
      side: 'in',
    },
    {
      name: 'Capture',
      what: `${format}, ${count(sampleRate)} Hz, ${chunkDurationMs} ms`,
      side: 'in',
    },
    { name: label, what, side: 'wire' },
    { ...ECHO_STATION, side: 'wire' },
    {
      name: 'Network',
      what: linkMissing === '' ? networkOf(linkChoice) : 'none, directly',
      side: 'wire',
    },
    { name: 'Playout', what: `waits ${targetDelayMs} ms`, side: 'out' },
    { name: 'Output', what: muted ? 'muted' : `${Math.round(volume * 100)} %`, side: 'out' },
  ];
}

function networkOf({ name }: LinkChoice): string {
  return name === 'custom' ? 'as set' : PRESETS[name].label;
}

/** The path of a lane's audio, from the names of its parts. */
export function stationsOfLane(path: readonly string[]): Station[] {
  const wire = path.map((name) => ({ name, what: '', side: 'wire' as const }));
  return [
    { name: 'Source', what: '', side: 'in' },
    ...wire,
    { name: 'Receiver', what: '', side: 'out' },
    { name: 'Output', what: '', side: 'out' },
  ];
}
