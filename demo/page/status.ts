import type { Session } from '../lanes/close-up.ts';

/** One line that says how things stand, and what the user can do about it. */
export interface Status {
  readonly tone: 'idle' | 'busy' | 'good' | 'warning' | 'problem';
  readonly title: string;
  readonly detail: string;
  readonly action: StatusAction | null;
}

/** What a status offers to do. */
interface StatusAction {
  readonly label: string;
  readonly run: () => void;
}

/** What both kinds of session say of themselves. */
export interface CommonSubject {
  readonly phase: 'idle' | 'starting' | 'running' | 'failed';
  readonly problem: { readonly title: string; readonly cure: string } | null;
  readonly suspended: boolean;
  readonly trackMuted: boolean;
  readonly context: { readonly state: string } | null;
  start(): unknown;
  resume(): void;
}

/** What of a session the two kinds tell differently. */
export interface CommonWords {
  /** Whether the microphone is the source. */
  readonly microphone: boolean;
  /** Whether the browser may be asking for it, while the session starts. */
  readonly asking: boolean;
  /** What to do while nothing runs, for sources other than the microphone. */
  readonly idle: string;
}

/** What goes before everything that is particular to a kind of session; null while nothing of that is the case. */
export function commonStatus(session: CommonSubject, words: CommonWords): Status | null {
  const { phase, problem, context } = session;
  if (phase === 'failed' && problem !== null) {
    const action = { label: 'Try again', run: () => void session.start() };
    return { tone: 'problem', title: problem.title, detail: problem.cure, action };
  }
  if (phase === 'idle' || phase === 'failed') {
    const detail = words.microphone
      ? 'Press Start; the browser will ask for the microphone.'
      : words.idle;
    return { tone: 'idle', title: 'Ready.', detail, action: null };
  }
  if (session.suspended) {
    const interrupted = context?.state !== 'suspended';
    return {
      tone: 'warning',
      title: interrupted ? 'The system has interrupted the sound.' : 'The browser holds the sound.',
      detail: interrupted
        ? 'It goes on by itself when the other sound, or the call, has ended.'
        : 'It lets none out before you press something on the page.',
      action: interrupted ? null : { label: 'Let it sound', run: () => session.resume() },
    };
  }
  if (phase === 'starting') {
    return {
      tone: 'busy',
      title: words.asking ? 'Waiting for the microphone.' : 'Starting.',
      detail: words.asking ? 'The browser asks whether this page may use it.' : '',
      action: null,
    };
  }
  if (session.trackMuted) {
    return {
      tone: 'warning',
      title: 'The microphone is muted.',
      detail: 'Not by this page: look at its switch, the system or the browser.',
      action: null,
    };
  }
  return null;
}

/** The part of a session that a status is made from. */
export type StatusSubject = Pick<
  Session,
  | 'phase'
  | 'problem'
  | 'stage'
  | 'suspended'
  | 'trackMuted'
  | 'context'
  | 'source'
  | 'lane'
  | 'muted'
  | 'start'
  | 'resume'
>;

/** The most pressing thing to say about a session. */
export function statusOf(session: StatusSubject): Status {
  const { lane, stage, source } = session;
  const microphone = stage.kind === 'microphone';
  const common = commonStatus(session, {
    microphone,
    asking: microphone && source === null,
    idle: 'Press Start to send the sound round.',
  });
  if (common !== null) return common;
  if (lane?.stalled === true) {
    return {
      tone: 'warning',
      title: 'The browser delivers no sound.',
      detail: 'Its audio thread stands still. It may come back; if it does not, stop and start.',
      action: null,
    };
  }
  return (lane && wireStatus(lane)) ?? running(session);
}

function wireStatus(lane: NonNullable<StatusSubject['lane']>): Status | null {
  const { state, reason, failedAttempts } = lane.wireStatus;
  const retry = { label: 'Try now', run: () => lane.retryNow() };
  switch (state) {
    case 'waiting': {
      const seconds = Math.ceil(lane.retryInMs / 1000);
      const detail = `${reason} Attempt ${failedAttempts + 1} in ${seconds} s.`;
      return { tone: 'warning', title: 'The server is gone.', detail, action: retry };
    }
    case 'connecting':
      return failedAttempts === 0
        ? { tone: 'busy', title: 'Connecting to the server.', detail: '', action: null }
        : {
            tone: 'warning',
            title: 'The server is gone.',
            detail: `${reason} Attempt ${failedAttempts + 1} is under way.`,
            action: retry,
          };
    case 'congested':
      return { tone: 'warning', title: 'The network is too slow.', detail: reason, action: null };
    default:
      return null;
  }
}

function running({ source, context, muted }: StatusSubject): Status {
  const kHz = ((context?.sampleRate ?? 0) / 1000).toLocaleString('en');
  const detail = muted
    ? 'The output is muted; everything else goes on.'
    : `${source?.label ?? ''}, at ${kHz} kHz in this browser.`;
  return { tone: 'good', title: 'Running.', detail, action: null };
}
