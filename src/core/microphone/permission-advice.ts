import type { MicrophonePermission, MicrophoneState, SilenceCause } from './life-messages.ts';
import { refusalOf } from './refusal.ts';

/** Engines whose users find the permission in different places. */
type AdviceEngine = 'chromium' | 'firefox' | 'webkit';

/** The browser that a page runs in. */
export interface AdviceBrowser {
  readonly engine: AdviceEngine;
  /** Whether it runs on a phone or a tablet. */
  readonly mobile: boolean;
}

/** What keeps a microphone from being heard. */
export type MicrophoneTrouble =
  /** The browser is asking, or will ask. */
  | 'prompt'
  /** The user closed the prompt without an answer, or refused just this once. */
  | 'dismissed'
  /** The page may not use the microphone. */
  | 'denied'
  /** The page may use the microphone, but the browser may not. */
  | 'denied-by-system'
  /** The page cannot even ask. */
  | 'unavailable'
  /** There is no device. */
  | 'missing'
  /** The device does not open. */
  | 'busy'
  /** The device is gone. */
  | 'lost'
  /** The device is silent; the likely cause. */
  | SilenceCause;

/** What is known about a microphone. */
export interface TroubleFacts {
  readonly state: MicrophoneState;
  readonly permission: MicrophonePermission;
  /** Why the last attempt to open a device failed: the name of a DOMException, or null. */
  readonly failedBy: string | null;
  readonly silent: SilenceCause | null;
}

/** Returns what keeps a microphone from being heard; null: nothing that a user can fix. */
export function troubleOf(facts: TroubleFacts): MicrophoneTrouble | null {
  const { state, permission, failedBy, silent } = facts;
  switch (state) {
    case 'live':
      return silent;
    case 'muted':
    case 'closed':
      return null;
    case 'opening':
      return permission === 'prompt' ? 'prompt' : null;
    case 'lost':
    case 'blocked':
      break;
  }
  if (permission === 'unavailable') return 'unavailable';
  if (permission === 'denied') return 'denied';
  if (failedBy === null) return state === 'lost' ? 'lost' : null;
  switch (refusalOf(failedBy)) {
    case 'permission':
      return permission === 'granted' ? 'denied-by-system' : 'dismissed';
    case 'unavailable':
      return 'unavailable';
    case 'missing':
      return state === 'blocked' ? 'missing' : 'lost';
    case 'busy':
      return 'busy';
    case 'inactive':
      return 'lost';
  }
}

/** One or two sentences for each kind of browser: desktop, mobile. */
type Advice = Readonly<Record<AdviceEngine, readonly [desktop: string, mobile: string]>>;

/** The same text in every browser. */
function everywhere(desktop: string, mobile: string = desktop): Advice {
  const pair = [desktop, mobile] as const;
  return { chromium: pair, firefox: pair, webkit: pair };
}

const ADVICE: Readonly<Record<MicrophoneTrouble, Advice>> = {
  prompt: {
    chromium: [
      'Choose Allow when the browser asks for the microphone.',
      'Tap Allow when the browser asks for the microphone.',
    ],
    firefox: [
      'Choose a microphone and then Allow when Firefox asks.',
      'Tap Allow when Firefox asks for the microphone.',
    ],
    webkit: [
      'Choose Allow when Safari asks for the microphone.',
      'Tap Allow when the browser asks for the microphone.',
    ],
  },
  dismissed: {
    chromium: [
      'The browser has not been allowed to use the microphone. Try again and choose Allow.',
      'The browser has not been allowed to use the microphone. Try again and tap Allow.',
    ],
    firefox: [
      'The microphone was not allowed. If Firefox does not ask again, click the crossed-out microphone in the address ' +
        'bar, remove the block, and try again.',
      'The microphone was not allowed. Try again and tap Allow. If Firefox does not ask, tap the lock in the address ' +
        'bar and allow the microphone there.',
    ],
    webkit: [
      'The microphone was not allowed. Reload the page, try again and choose Allow.',
      'The microphone was not allowed. Reload the page, try again and tap Allow.',
    ],
  },
  denied: {
    chromium: [
      'The microphone is blocked for this page. Click the icon to the left of the address, switch Microphone on, and ' +
        'return here.',
      'The microphone is blocked for this page. Tap the icon to the left of the address, then Permissions, and allow ' +
        'the microphone.',
    ],
    firefox: [
      'The microphone is blocked for this page. Click the crossed-out microphone in the address bar, remove the block, ' +
        'and try again.',
      'The microphone is blocked for this page. Tap the lock in the address bar and allow the microphone.',
    ],
    webkit: [
      'The microphone is blocked for this page. In the menu Safari, choose Settings for this website, set Microphone ' +
        'to Allow, and reload the page.',
      'The microphone is blocked for this page. Tap the icon at the left of the address bar, then Website Settings, ' +
        'and allow the microphone. Then reload the page.',
    ],
  },
  'denied-by-system': {
    chromium: [
      'The system does not let this browser use the microphone. Allow it in the privacy settings of the system, under ' +
        'Microphone, and return here.',
      'The system does not let this browser use the microphone. Allow it in the settings of the phone: Apps, this ' +
        'browser, Permissions, Microphone.',
    ],
    firefox: [
      'The system does not let Firefox use the microphone. Allow it in the privacy settings of the system, under ' +
        'Microphone, and return here.',
      'The system does not let Firefox use the microphone. Allow it in the settings of the phone: Apps, Firefox, ' +
        'Permissions, Microphone.',
    ],
    webkit: [
      'The system does not let this browser use the microphone. Allow it in System Settings, Privacy & Security, ' +
        'Microphone, and return here.',
      'The system does not let this browser use the microphone. Allow it in Settings, Privacy & Security, Microphone, ' +
        'and return here.',
    ],
  },
  unavailable: everywhere(
    'This page cannot use a microphone. Open it in a browser window of its own, at an address that begins with https://.',
    'This page cannot use a microphone. Open it in the browser itself instead of inside another app, at an address ' +
      'that begins with https://.',
  ),
  missing: {
    chromium: [
      'No microphone was found. Connect one.',
      'No microphone was found. Connect one, or allow the browser to use it in the settings of the phone.',
    ],
    firefox: [
      'No microphone was found. Connect one. If one is connected, allow Firefox to use it in the privacy settings of ' +
        'the system.',
      'No microphone was found. Connect one, or allow Firefox to use it in the settings of the phone.',
    ],
    webkit: [
      'No microphone was found. Connect one. If one is connected, allow the browser to use it in System Settings, ' +
        'Privacy & Security, Microphone.',
      'No microphone was found. Allow the browser to use it in Settings, Privacy & Security, Microphone.',
    ],
  },
  busy: everywhere(
    'The microphone does not start. Close other programs that use it, or choose another microphone.',
    'The microphone does not start. End calls and close other apps that use it.',
  ),
  lost: everywhere(
    'The microphone is gone. Connect it again, or choose another one.',
    'The microphone is gone. Return to this page, or connect it again.',
  ),
  'hardware-mute': everywhere(
    'The microphone is silent. Look for a mute switch on it, on its cable or on the keyboard, and check its level in ' +
      'the sound settings of the system.',
    'The microphone is silent. Look for a mute switch on the headset or on its cable.',
  ),
  'wrong-device': everywhere(
    'This microphone hears nothing. Choose the one that you speak into.',
    'This microphone hears nothing. Choose another one, or disconnect the headset.',
  ),
  system: everywhere(
    'The browser gets silence in place of the microphone. End calls in other programs, and allow this browser to use ' +
      'the microphone in the privacy settings of the system.',
    'The phone withholds the microphone. End the call or close the other app that uses it, and return to this page.',
  ),
};

/** Returns advice for the user, in plain English. */
export function permissionAdvice(
  trouble: MicrophoneTrouble,
  { engine, mobile }: AdviceBrowser,
): string {
  return ADVICE[trouble][engine][mobile ? 1 : 0];
}
