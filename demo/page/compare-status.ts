import type { Session } from '../controllers/session.ts';
import { commonStatus } from './status.ts';
import type { Status } from './status.ts';

/** The part of a session that a status is made from. */
export type CompareStatusSubject = Pick<
  Session,
  | 'phase'
  | 'problem'
  | 'source'
  | 'sourceLabel'
  | 'suspended'
  | 'trackMuted'
  | 'context'
  | 'lanes'
  | 'heard'
  | 'muted'
  | 'progress'
  | 'start'
  | 'resume'
>;

/** The most pressing thing to say about all lanes at once. */
export function compareStatusOf(session: CompareStatusSubject): Status {
  const microphone = session.source.kind === 'microphone';
  const common = commonStatus(session, {
    microphone,
    asking: microphone,
    idle: 'Press Start to send the sound down every lane.',
  });
  if (common !== null) return common;
  return session.progress === null ? running(session) : measuring();
}

function running(session: CompareStatusSubject): Status {
  const { lanes } = session;
  const opening = lanes.filter(({ state }) => state === 'opening').length;
  if (opening > 0) {
    return { tone: 'busy', title: 'Opening the lanes.', detail: '', action: null };
  }
  const broken = lanes.filter(({ state }) => state === 'failed' || state === 'waiting');
  const up = lanes.filter(({ state }) => state === 'running').length;
  if (broken.length > 0) {
    const names = broken.map(({ kind }) => kind.label).join('; ');
    const is = broken.length === 1 ? 'One lane is' : `${broken.length} lanes are`;
    const detail = `${names}. The line below says why.`;
    return { tone: 'warning', title: `${is} not up.`, detail, action: null };
  }
  const lines = up === 1 ? 'One lane' : `${up} lanes`;
  return {
    tone: 'good',
    title: 'Running.',
    detail: `${session.sourceLabel}. ${lines}; ${heardWords(session)}`,
    action: null,
  };
}

function heardWords({ heard, lanes, muted }: CompareStatusSubject): string {
  if (muted) return 'the output is muted.';
  if (heard === null) return 'press one to hear it.';
  if (heard === 'source') return 'you hear the source.';
  const view = lanes.find(({ id, lane }) => id === heard && lane !== null);
  return view === undefined ? 'press one to hear it.' : `you hear ${view.kind.label}.`;
}

function measuring(): Status {
  return {
    tone: 'good',
    title: 'A run is being measured.',
    detail: 'How far it is stands below the lanes.',
    action: null,
  };
}
