/** The processors that this package ships, by the name of their file. */
export type WorkletName =
  | 'capture'
  | 'capture-opus'
  | 'meter'
  | 'microphone'
  | 'mixer'
  | 'playout'
  | 'receive'
  | 'receive-opus';

/** Where one worklet's script is found. */
export interface WorkletFile {
  readonly name: WorkletName;
  /** The file beside the package. Throws where a bundler left `import.meta.url` without a value. */
  url(): URL;
  /** The same script as text, loaded when asked for. */
  inline(): Promise<{ readonly default: string }>;
}

// Each address is written out in full, since bundlers recognise only a literal `new URL('…', import.meta.url)`; no comment
// may tell them to leave it alone. Each worklet is a constant of its own, no entry of a table, so that an app ships only
// the scripts of what it uses.

/** Registers `micwire-capture`. */
export const CAPTURE_WORKLET: WorkletFile = {
  name: 'capture',
  url: () => new URL('../../worklets/capture.js', import.meta.url),
  inline: () => import('../../worklets/capture.inline.js'),
};

/** Registers `micwire-capture-opus`. */
export const CAPTURE_OPUS_WORKLET: WorkletFile = {
  name: 'capture-opus',
  url: () => new URL('../../worklets/capture-opus.js', import.meta.url),
  inline: () => import('../../worklets/capture-opus.inline.js'),
};

/** Registers `micwire-meter`. */
export const METER_WORKLET: WorkletFile = {
  name: 'meter',
  url: () => new URL('../../worklets/meter.js', import.meta.url),
  inline: () => import('../../worklets/meter.inline.js'),
};

/** Registers `micwire-microphone`. */
export const MICROPHONE_WORKLET: WorkletFile = {
  name: 'microphone',
  url: () => new URL('../../worklets/microphone.js', import.meta.url),
  inline: () => import('../../worklets/microphone.inline.js'),
};

/** Registers `micwire-mixer`. */
export const MIXER_WORKLET: WorkletFile = {
  name: 'mixer',
  url: () => new URL('../../worklets/mixer.js', import.meta.url),
  inline: () => import('../../worklets/mixer.inline.js'),
};

/** Registers `micwire-playout`. */
export const PLAYOUT_WORKLET: WorkletFile = {
  name: 'playout',
  url: () => new URL('../../worklets/playout.js', import.meta.url),
  inline: () => import('../../worklets/playout.inline.js'),
};

/** Registers `micwire-receive`. */
export const RECEIVE_WORKLET: WorkletFile = {
  name: 'receive',
  url: () => new URL('../../worklets/receive.js', import.meta.url),
  inline: () => import('../../worklets/receive.inline.js'),
};

/** Registers `micwire-receive-opus`. */
export const RECEIVE_OPUS_WORKLET: WorkletFile = {
  name: 'receive-opus',
  url: () => new URL('../../worklets/receive-opus.js', import.meta.url),
  inline: () => import('../../worklets/receive-opus.inline.js'),
};
