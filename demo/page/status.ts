import type { Microphone } from 'micwire';
import { firstSentence } from '../audio/problem.ts';
import type { CloseUp } from '../lanes/close-up.ts';
import type { Comparison } from '../lanes/comparison.ts';
import type { Session } from '../controllers/session.ts';
import type { WireTrial } from '../controllers/wire-trial.ts';
import { FAR_END } from './static-build.ts';

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

/** The part of a session that its status is made from, whichever lanes it has. */
type SessionSubject = Pick<
  Session,
  'phase' | 'problem' | 'stage' | 'source' | 'suspended' | 'context' | 'muted' | 'start' | 'resume'
>;

/**
 * What takes precedence over the states of a particular kind of session; null while none of it applies.
 * @param idle what to do while nothing runs, for sources other than the microphone
 */
function commonStatus(session: SessionSubject, idle: string): Status | null {
  const microphone = session.stage.kind === 'microphone';
  // The browser may be asking for it.
  const asking = microphone && session.source === null;
  const { phase, problem, context } = session;
  if (phase === 'failed' && problem !== null) {
    const action = { label: 'Try again', run: () => void session.start() };
    return { tone: 'problem', title: problem.title, detail: problem.cure, action };
  }
  if (phase === 'idle' || phase === 'failed') {
    const detail = microphone ? 'Press Start; the browser will ask for the microphone.' : idle;
    return { tone: 'idle', title: 'Ready.', detail, action: null };
  }
  if (session.suspended) {
    const interrupted = context?.state !== 'suspended';
    return {
      tone: 'warning',
      title: interrupted
        ? 'The system has interrupted the audio.'
        : 'The browser is blocking the audio.',
      detail: interrupted
        ? 'It resumes when the other app, or the call, has ended.'
        : 'It allows none until you press something on the page.',
      action: interrupted ? null : { label: 'Play the audio', run: () => session.resume() },
    };
  }
  if (phase === 'starting') {
    return {
      tone: 'busy',
      title: asking ? 'Waiting for the microphone.' : 'Starting.',
      detail: asking ? 'The browser asks whether this page may use it.' : '',
      action: null,
    };
  }
  const microphoneOpen = session.source?.microphone ?? null;
  return microphoneOpen && microphoneStatus(microphoneOpen, () => void session.start());
}

/** What there is to say about a microphone that is open; null while its audio arrives. @param retry opens it again */
export function microphoneStatus(
  microphone: Pick<Microphone, 'state' | 'advice' | 'muted'>,
  retry: () => void,
): Status | null {
  const { state, advice, muted } = microphone;
  const [title, detail] = firstSentence(advice ?? '');
  switch (state) {
    case 'blocked': {
      const action = { label: 'Try again', run: retry };
      return { tone: 'problem', title: title || 'The microphone does not open.', detail, action };
    }
    case 'lost':
      return { tone: 'warning', title: title || LOST, detail, action: null };
    case 'opening':
      return { tone: 'busy', title: 'Waiting for the microphone.', detail, action: null };
    case 'muted': {
      const how = muted === 'light' ? MUTED_WITHOUT_LIGHT : MUTED;
      return { tone: 'idle', title: 'You have muted the microphone.', detail: how, action: null };
    }
    case 'live':
      return advice === null ? null : { tone: 'warning', title, detail, action: null };
    case 'closed':
      return null;
  }
}

const LOST = 'The microphone is gone.';
const MUTED = 'Silence is sent. The device stays open.';
const MUTED_WITHOUT_LIGHT = 'The device is closed, so its light is off.';

/** The part of a close-up that a status is made from. */
export type CloseUpStatusSubject = SessionSubject & Pick<CloseUp, 'lane'>;

/** The most pressing thing to say about one lane. */
export function closeUpStatus(session: CloseUpStatusSubject): Status {
  const { lane } = session;
  const common = commonStatus(session, `Press Start to send audio to the ${FAR_END} and back.`);
  if (common !== null) return common;
  if (lane?.stalled === true) {
    return {
      tone: 'warning',
      title: 'The browser delivers no audio.',
      detail: 'Its audio thread has stopped. It may come back; if it does not, stop and start.',
      action: null,
    };
  }
  return (lane && wireStatus(lane)) ?? closeUpRunning(session);
}

function wireStatus(lane: NonNullable<CloseUpStatusSubject['lane']>): Status | null {
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

function closeUpRunning({ source, context, muted }: CloseUpStatusSubject): Status {
  const kHz = ((context?.sampleRate ?? 0) / 1000).toLocaleString('en');
  const detail = muted
    ? 'The output is muted; everything else continues.'
    : `${source?.label ?? ''}, at ${kHz} kHz in this browser.`;
  return { tone: 'good', title: 'Running.', detail, action: null };
}

/** The part of a comparison that a status is made from. */
export type ComparisonStatusSubject = SessionSubject &
  Pick<Comparison, 'lanes' | 'heard' | 'progress'>;

/** The most pressing thing to say about all lanes at once. */
export function comparisonStatus(session: ComparisonStatusSubject): Status {
  const common = commonStatus(session, 'Press Start to send audio down every lane.');
  if (common !== null) return common;
  return session.progress === null ? comparisonRunning(session) : measuring();
}

function comparisonRunning(session: ComparisonStatusSubject): Status {
  const { lanes } = session;
  const opening = lanes.filter(({ state }) => state === 'opening' || state === 'queued').length;
  const broken = lanes.filter(({ state }) => state === 'failed' || state === 'waiting');
  const up = lanes.filter(({ state }) => state === 'running').length;
  if (opening > 0) {
    const detail = `${up} of ${up + opening + broken.length} are open.`;
    return { tone: 'busy', title: 'Opening the lanes.', detail, action: null };
  }
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
    detail: `${session.source?.label ?? ''}. ${lines}; ${heardWords(session)}`,
    action: null,
  };
}

function heardWords({ heard, lanes, muted }: ComparisonStatusSubject): string {
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
    detail: 'Its progress is below the lanes.',
    action: null,
  };
}

/** The part of a trial that a status is made from. */
export type TrialStatusSubject = SessionSubject & Pick<WireTrial, 'voice' | 'isCut'>;

/** The most pressing thing to say about a session on a wire. */
export function trialStatus(trial: TrialStatusSubject): Status {
  const common = commonStatus(trial, 'Press Start, let it speak, and cut the wire.');
  if (common !== null) return common;
  const { voice, isCut } = trial;
  if (isCut) {
    return {
      tone: 'warning',
      title: 'The wire is cut.',
      detail: 'The session keeps what is said. Mend the wire to see it arrive.',
      action: null,
    };
  }
  switch (voice?.state) {
    case 'replaying':
      return {
        tone: 'busy',
        title: 'Catching up.',
        detail: 'The session sends what it kept, faster than real time, and live audio behind it.',
        action: null,
      };
    case 'open':
      return {
        tone: 'good',
        title: 'Connected.',
        detail: 'Both ways send as the audio is captured. Cut the wire.',
        action: null,
      };
    case 'closed':
      return {
        tone: 'problem',
        title: 'The session has ended.',
        detail: `The ${FAR_END} no longer accepts it. Stop, and start again.`,
        action: null,
      };
    default:
      return {
        tone: 'busy',
        title: 'Connecting.',
        detail: 'Audio captured meanwhile is sent first.',
        action: null,
      };
  }
}
