/** The processors that this package ships, by the name of their file. */
export type WorkletName = 'capture' | 'capture-opus' | 'meter' | 'playout';

/** Where one worklet's script is to be had. */
export interface WorkletFile {
  /** The file beside the package. Throws where a bundler left `import.meta.url` without a value. */
  url(): URL;
  /** The same script as text, loaded when asked for. */
  inline(): Promise<{ readonly default: string }>;
}

/**
 * Every worklet. Each address is written out in full, since bundlers recognise only a literal
 * `new URL('…', import.meta.url)`; no comment may tell them to leave it alone.
 */
export const WORKLET_FILES: Readonly<Record<WorkletName, WorkletFile>> = {
  capture: {
    url: () => new URL('../../worklets/capture.js', import.meta.url),
    inline: () => import('../../worklets/capture.inline.js'),
  },
  'capture-opus': {
    url: () => new URL('../../worklets/capture-opus.js', import.meta.url),
    inline: () => import('../../worklets/capture-opus.inline.js'),
  },
  meter: {
    url: () => new URL('../../worklets/meter.js', import.meta.url),
    inline: () => import('../../worklets/meter.inline.js'),
  },
  playout: {
    url: () => new URL('../../worklets/playout.js', import.meta.url),
    inline: () => import('../../worklets/playout.inline.js'),
  },
};
