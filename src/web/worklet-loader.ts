import { describe } from '../core/arguments.ts';
import { MicwireError } from '../core/errors.ts';
import { checkContextOpen, contextClosed, whileOpen } from './context-life.ts';
import type { LivingContext } from './context-life.ts';
import { packageFile } from './package-file.ts';
import type { LoadAttempt } from './worklet-diagnosis.ts';
import type { WorkletFile, WorkletName } from './worklet-file.ts';

/** URL of your own copy of a worklet's file, or a function from the worklet's name to that URL. */
export type WorkletUrl = string | URL | ((name: WorkletName) => string | URL);

/** Where to load worklet files from. */
export interface WorkletLoadOptions {
  /**
   * Your own copy of the file (`npx micwire copy <dir>` makes one). If given, no other location is tried.
   *
   * @default the package's file, or else a bundled JavaScript copy
   */
  readonly url?: WorkletUrl | undefined;
}

/** The parts of a context that the loader reads: of a native one, or one that a library wraps. */
export interface WorkletContext extends LivingContext {
  readonly audioWorklet?: { addModule(url: string): Promise<void> };
}

/** Pending and finished loads of each context, by worklet and address. A failed load is removed. */
const loads = new WeakMap<object, Map<string, Promise<void>>>();

/**
 * Adds the module of one worklet to a context, once; simultaneous calls share one load.
 *
 * Without `options.url` it tries the package's file, then a bundled JavaScript copy as a `blob:`, then as a `data:` address, so it
 * works with any bundler. A page with a strict Content-Security-Policy allows only the file.
 *
 * @throws TypeError when `context` is not a context; MicwireError 'unsupported' where the context has no AudioWorklet, 'closed'
 *   when the context is closed, before or during the call, 'worklet-load' when every attempt failed: its message lists each attempt
 *   with its cause and remedy.
 */
export function loadWorklet(
  context: WorkletContext,
  file: WorkletFile,
  options: WorkletLoadOptions = {},
): Promise<void> {
  try {
    checkContext(context);
    const { url } = options;
    const given =
      url === undefined ? undefined : String(typeof url === 'function' ? url(file.name) : url);
    return loadOnce(context, file, given);
  } catch (error) {
    return Promise.reject(error as Error);
  }
}

function checkContext(context: WorkletContext): void {
  if (typeof context !== 'object' || context === null) {
    throw new TypeError(`context must be an audio context, got ${describe(context)}.`);
  }
  checkContextOpen(context);
  if (typeof context.audioWorklet?.addModule === 'function') return;
  const secure = (globalThis as { readonly isSecureContext?: boolean }).isSecureContext;
  const cure =
    secure === false
      ? 'AudioWorklet exists only in secure pages: serve this one over HTTPS or from localhost.'
      : 'This engine does not support AudioWorklet.';
  throw new MicwireError('unsupported', `The audio context has no audioWorklet.addModule. ${cure}`);
}

function loadOnce(
  context: WorkletContext,
  file: WorkletFile,
  given: string | undefined,
): Promise<void> {
  let known = loads.get(context);
  if (!known) {
    known = new Map();
    loads.set(context, known);
  }
  // By address as well: a load from a given URL must not share the fate of a load from elsewhere.
  const { name } = file;
  const key = given === undefined ? name : `${name} ${given}`;
  const earlier = known.get(key);
  if (earlier) return earlier;
  const loading =
    given === undefined ? loadPackaged(context, file) : loadGiven(context, name, given);
  const load = whileOpen({ context }, loading);
  known.set(key, load);
  load.catch(() => known.delete(key));
  return load;
}

async function loadGiven(context: WorkletContext, name: WorkletName, url: string): Promise<void> {
  const attempt = await tryModule(context, 'your URL', url);
  if (attempt) await fail(name, [attempt]);
}

async function loadPackaged(context: WorkletContext, file: WorkletFile): Promise<void> {
  const failed: LoadAttempt[] = [];
  const add = async (way: LoadAttempt['way'], address: () => string | Promise<string>) => {
    let url: string | undefined;
    try {
      url = await address();
    } catch (error) {
      failed.push({ way, url, error });
      return false;
    }
    const attempt = await tryModule(context, way, url);
    if (attempt) failed.push(attempt);
    return !attempt;
  };
  if (await add('the file beside the package', () => packageFile(file.url()))) return;
  let blobUrl = '';
  const makeBlobUrl = async (): Promise<string> => {
    const script = new Blob([(await file.inline()).default], { type: 'text/javascript' });
    blobUrl = URL.createObjectURL(script);
    return blobUrl;
  };
  try {
    if (await add('a blob: copy', makeBlobUrl)) return;
  } finally {
    if (blobUrl) URL.revokeObjectURL(blobUrl);
  }
  const makeDataUrl = async (): Promise<string> =>
    `data:text/javascript;charset=utf-8,${encodeURIComponent((await file.inline()).default)}`;
  if (await add('a data: copy', makeDataUrl)) return;
  await fail(file.name, failed);
}

/** @returns the failure, or undefined when the module was added. */
async function tryModule(
  context: WorkletContext,
  way: LoadAttempt['way'],
  url: string,
): Promise<LoadAttempt | undefined> {
  try {
    await context.audioWorklet!.addModule(url);
    return undefined;
  } catch (error) {
    // The other attempts would fail for the same reason.
    if (context.state === 'closed') throw contextClosed(error);
    return { way, url, error };
  }
}

/** Finds out the reason and throws. The diagnosis is loaded only now: a page without failures never needs it. */
async function fail(name: WorkletName, attempts: readonly LoadAttempt[]): Promise<never> {
  const cause = attempts[0]?.error;
  let message = `The worklet '${name}' could not be loaded.`;
  try {
    const { explainLoadFailure } = await import('./worklet-diagnosis.ts');
    message = await explainLoadFailure(name, attempts);
  } catch (error) {
    message += ` (Nor could the reason be found out: ${String(error)})`;
  }
  throw new MicwireError('worklet-load', message, { cause });
}
