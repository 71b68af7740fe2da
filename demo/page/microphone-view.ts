import type { GapCause, InputDevice, MuteKeep } from 'micwire';
import type { DeskTask, MicrophoneDesk } from '../controllers/microphone-desk.ts';
import type { MicrophoneFigureId } from './microphone-figures.ts';
import { MICROPHONE_FIGURES } from './microphone-figures.ts';

/** A device to choose. */
interface DeviceOption {
  /** Empty: the system's default. */
  readonly deviceId: string;
  readonly label: string;
}

/** The controls of a microphone as a page draws them. */
export interface MicrophoneView {
  readonly devices: readonly DeviceOption[];
  /** The id among `devices` of the one in use, or of the one that will be. */
  readonly chosen: string;
  /** Whether the names of the devices are known. */
  readonly named: boolean;
  /** Whether a microphone is open. */
  readonly open: boolean;
  readonly muted: MuteKeep | null;
  /** Why audio was last missing; empty while it never was. */
  readonly gapReason: string;
  /** Whether the page asks for echo cancellation. */
  readonly cancelsEcho: boolean;
  /** What is done about echo, in a sentence or two. */
  readonly echo: string;
  /** What is being done at this moment. */
  readonly task: DeskTask | null;
  /** Why the last wish was not granted; else empty. */
  readonly problem: string;
  /** As text; a dash where a figure is not known. */
  readonly figures: Readonly<Record<MicrophoneFigureId, string>>;
}

/** The part of a desk that its view is made from. */
export type DeskSubject = Pick<
  MicrophoneDesk,
  'deviceId' | 'microphone' | 'speaker' | 'devices' | 'lastGap' | 'echo' | 'problem' | 'task'
>;

const DEFAULT_DEVICE: DeviceOption = { deviceId: '', label: 'The system’s default' };

/** Names that Chromium gives devices that are in the list under their own as well. */
const ALIASES: readonly string[] = ['', 'default', 'communications'];

const CAUSES: Readonly<Record<GapCause, string>> = {
  switched: 'Another device was chosen.',
  ended: 'The device was gone.',
  blocked: 'There was no microphone yet.',
  'muted-by-system': 'The system had muted it.',
  'default-changed': 'The default device changed.',
  changed: 'The device changed its format.',
  muted: 'It was muted.',
  slept: 'The page or the machine slept.',
};

/** What the controls of a microphone look like. @param cancelsEcho whether the page asks for echo cancellation */
export function microphoneView(desk: DeskSubject, cancelsEcho: boolean): MicrophoneView {
  const { microphone, speaker, lastGap } = desk;
  const listed = desk.devices.filter(({ deviceId }) => !ALIASES.includes(deviceId));
  const named = listed.some(({ label }) => label !== '');
  const devices = [DEFAULT_DEVICE, ...listed.map(optionOf)];
  const wanted = desk.deviceId ?? '';
  // Where the device that was chosen is lost, another is in use.
  const used = wanted === '' ? wanted : (microphone?.device?.deviceId ?? wanted);
  const reading = microphone && {
    stats: microphone.stats,
    settings: microphone.settings,
    lastGap,
    echo: desk.echo,
    playback: speaker?.stats ?? null,
  };
  const figures = Object.entries(MICROPHONE_FIGURES).map(
    ([id, { text }]) => [id, (reading && text(reading)) ?? '–'] as const,
  );
  return {
    devices,
    chosen: devices.some(({ deviceId }) => deviceId === used) ? used : '',
    named,
    open: microphone !== null,
    muted: microphone?.muted ?? null,
    gapReason: lastGap === null ? '' : CAUSES[lastGap.cause],
    cancelsEcho,
    echo: microphone?.echo?.why ?? (cancelsEcho ? ECHO_LATER : ECHO_OFF),
    task: desk.task,
    problem: desk.problem,
    figures: Object.fromEntries(figures) as Record<MicrophoneFigureId, string>,
  };
}

const ECHO_OFF = 'Echo cancellation is off, as asked.';
const ECHO_LATER = 'The browser says how it cancels echo when the microphone is open.';

function optionOf({ deviceId, label }: InputDevice, index: number): DeviceOption {
  return { deviceId, label: label || `Microphone ${index + 1}` };
}
