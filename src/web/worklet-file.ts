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

/**
 * Locations of a worklet's script.
 *
 * Each is a constant in a separate module, because webpack and other bundlers include all files that a module refers to in an app,
 * used or not. Its address is written out in full: bundlers recognize only a literal `new URL('…', import.meta.url)`, without a
 * comment that makes them ignore it.
 */
export interface WorkletFile {
  readonly name: WorkletName;
  /** Returns the address of the package's file. Throws where a bundler left `import.meta.url` without a value. */
  url(): URL;
  /** Loads the same script as text. */
  inline(): Promise<{ readonly default: string }>;
}
