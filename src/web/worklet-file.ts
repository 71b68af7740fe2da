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
 * Where one worklet's script is found.
 *
 * Each is a constant in a module of its own, since webpack and others put all files that a module names into an app, used or
 * not. Its address is written out in full: bundlers recognise only a literal `new URL('…', import.meta.url)`, and no comment
 * may tell them to leave it alone.
 */
export interface WorkletFile {
  readonly name: WorkletName;
  /** The file beside the package. Throws where a bundler left `import.meta.url` without a value. */
  url(): URL;
  /** The same script as text, loaded when asked for. */
  inline(): Promise<{ readonly default: string }>;
}
