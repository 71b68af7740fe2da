/**
 * Plans echo cancellation: which kind the microphone requests, and how the app's audio must be played so that the browser's echo
 * canceller hears it. Pure: the web part supplies the facts and carries out the plan.
 *
 * The facts behind the table, with their sources, are in docs/microphone.md.
 */

/**
 * How to cancel echo: `'auto'` asks the engine to cancel everything that the system plays, and if it cannot, plays the speaker's
 * audio by a route that the canceller hears; `'browser'` asks for echo cancellation and leaves the rest to the browser; `'all'`
 * asks to cancel everything, and never changes the speaker's route; `'route'` asks for plain echo cancellation and always plays the
 * speaker's audio by a route that the canceller hears; `'none'` asks for no echo cancellation.
 */
export type EchoMode = 'auto' | 'browser' | 'all' | 'route' | 'none';

/** Every {@link EchoMode}, for menus and checks. */
export const ECHO_MODES: readonly EchoMode[] = ['auto', 'browser', 'all', 'route', 'none'];

/** A value of the setting `echoCancellation` (Media Capture and Streams, `EchoCancellationModeEnum`). */
export type EchoSetting = boolean | 'all' | 'remote-only';

/**
 * How a speaker plays: `'context'`: through the context's destination; `'element'`: through an `<audio>` element that plays a
 * MediaStreamAudioDestinationNode; `'call'`: like `'element'`, but through a connection between two RTCPeerConnections of this
 * page.
 */
export type SpeakerRoute = 'context' | 'element' | 'call';

/** Every {@link SpeakerRoute}, for menus and checks. */
export const SPEAKER_ROUTES: readonly SpeakerRoute[] = ['context', 'element', 'call'];

/**
 * An engine's capabilities for echo cancellation. A page cannot query what a canceller hears: this follows from the engine's
 * family.
 */
export interface EchoEngine {
  readonly family: 'chromium' | 'gecko' | 'webkit' | 'other';
  /** Values of `track.getCapabilities().echoCancellation`; null if the engine does not report them. */
  readonly modes: readonly EchoSetting[] | null;
  /** Whether a speaker can play through an element, and through a call. */
  readonly elements: boolean;
  readonly calls: boolean;
}

/** Result of the request for cancellation. */
export interface EchoGrant {
  /** `echoCancellation` of `track.getSettings()`; null if the engine does not report it. */
  readonly granted: EchoSetting | null;
  /** Whether the speaker plays on the system's default output. */
  readonly defaultOutput: boolean;
  /** Whether the context runs at the output's own sample rate, as far as is known. */
  readonly deviceRate: boolean;
}

/** How echo is cancelled. */
export interface EchoPlan {
  readonly mode: EchoMode;
  /** The requested cancellation. */
  readonly asked: EchoSetting;
  /** The cancellation that the engine reports; null if it does not report it. */
  readonly granted: EchoSetting | null;
  /** Route by which the speaker should play. */
  readonly route: SpeakerRoute;
  /** Whether the canceller should hear the speaker's audio, as far as is known. `measureEcho()` measures it. */
  readonly covered: boolean;
  /** The choice and its reason, in one or two human-readable sentences. */
  readonly why: string;
}

/** Returns the setting to request. Engines that do not know `'all'` take it as `true`, by Web IDL's conversion to boolean. */
function echoToAsk(mode: EchoMode): EchoSetting {
  if (mode === 'none') return false;
  return mode === 'auto' || mode === 'all' ? 'all' : true;
}

/**
 * Returns the constraint for `getUserMedia`. It is ideal, so that no device is refused because of it.
 *
 * Chromium silently drops echo cancellation for a device whose other processing is off
 * (`noiseSuppression: false, autoGainControl: false`). If the settings then say `false`, ask again with `exact`.
 * @param exact whether to insist: then on `true`, never on `'all'`
 */
export function echoConstraint(
  mode: EchoMode,
  exact = false,
): { readonly ideal: EchoSetting } | { readonly exact: boolean } {
  const asked = echoToAsk(mode);
  return exact ? { exact: asked !== false } : { ideal: asked };
}

/** Decides how the speaker plays, once the engine has granted a setting. */
export function planEcho(mode: EchoMode, engine: EchoEngine, grant: EchoGrant): EchoPlan {
  const { granted } = grant;
  const plan = (route: SpeakerRoute, covered: boolean, why: string): EchoPlan => ({
    mode,
    asked: echoToAsk(mode),
    granted,
    route,
    covered,
    why,
  });
  if (mode === 'none') {
    return granted === null || granted === false
      ? plan('context', false, 'Echo cancellation is off, as asked.')
      : plan('context', false, 'Echo cancellation was to be off, but the engine keeps it on.');
  }
  if (granted === false) {
    return plan(
      'context',
      false,
      'The engine offers no echo cancellation for this device. Use headphones, or lower the volume while the user speaks.',
    );
  }
  if (granted === 'all') {
    return plan('context', true, 'The engine cancels everything that the system plays.');
  }
  if (mode === 'browser') {
    return plan('context', heardInContext(engine, grant), 'Echo is left to the browser, as asked.');
  }
  if (mode === 'all') {
    return plan(
      'context',
      heardInContext(engine, grant),
      "The engine cannot cancel everything that the system plays; it took plain echo cancellation. With echo: 'auto' the speaker plays in a way that the canceller hears.",
    );
  }
  if (mode === 'auto' && heardInContext(engine, grant)) {
    return plan('context', true, engine.family === 'gecko' ? HEARD.gecko : HEARD.chromium);
  }
  return routed(plan, engine, grant);
}

/** Returns whether the canceller hears what a context plays directly. */
function heardInContext(
  { family, modes }: EchoEngine,
  { granted, defaultOutput, deviceRate }: EchoGrant,
): boolean {
  // Resampled output is not in the canceller's reference: measured in Chromium 156, and Firefox has a graph per rate.
  if (granted === 'remote-only' || !defaultOutput || !deviceRate) return false;
  // A Chromium that knows the modes either cancels in its audio service, and then offers 'remote-only', or uses the system's
  // canceller, and then offers 'all'. Others only cancel calls.
  if (family === 'chromium') return isModern(modes);
  return family === 'gecko';
}

function isModern(modes: readonly EchoSetting[] | null): boolean {
  return modes !== null && (modes.includes('remote-only') || modes.includes('all'));
}

const HEARD = {
  chromium: 'The engine cancels all audio that the browser plays on the default output.',
  gecko:
    "The engine cancels what this page plays on the default output, where the context has the device's own sample rate.",
};

const OTHER_OUTPUT =
  'The canceller hears the output that calls play on: the speaker plays through a call within this page, so that the canceller hears the chosen output.';
const OTHER_RATE =
  'The canceller does not hear a context of another sample rate than the output has: the speaker plays through a call within this page. Create the AudioContext without a sampleRate to do without.';

type Make = (route: SpeakerRoute, covered: boolean, why: string) => EchoPlan;

/** Plans the route that the canceller hears best. */
function routed(make: Make, engine: EchoEngine, grant: EchoGrant): EchoPlan {
  const { family, modes, elements, calls } = engine;
  const { defaultOutput, deviceRate, granted } = grant;
  const call = (why: string): EchoPlan | null =>
    calls && elements ? make('call', true, why) : null;
  const element = (covered: boolean, why: string): EchoPlan | null =>
    elements ? make('element', covered, why) : null;
  let chosen: EchoPlan | null;
  if (granted === 'remote-only') {
    chosen = call(
      'The canceller hears only calls: the speaker plays through one within this page.',
    );
  } else if (family === 'chromium' && isModern(modes)) {
    // The canceller's reference is the output that the page's calls play on.
    chosen =
      defaultOutput && deviceRate
        ? element(true, `${HEARD.chromium} The speaker plays by an audio element there.`)
        : call(defaultOutput ? OTHER_RATE : OTHER_OUTPUT);
  } else if (family === 'chromium') {
    chosen = call(
      'This engine may cancel only calls: the speaker plays through a call within this page.',
    );
  } else {
    chosen = element(
      family !== 'other',
      'The speaker plays by an audio element, which the canceller hears.',
    );
  }
  return (
    chosen ??
    element(
      false,
      'Calls are not available: the speaker plays by an audio element, which the canceller may not hear.',
    ) ??
    make(
      'context',
      heardInContext(engine, grant),
      'This page can play in no other way than by its context.',
    )
  );
}
