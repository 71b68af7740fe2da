import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorText } from '../../src/core/errors.ts';
import { ErrorBoundary } from './error-boundary.ts';
import { isOwnRequest, withoutCors } from './origin.ts';

/** Running telephones of this machine. */
export interface LabTelephones {
  /** Addresses of the telephone's lines. */
  readonly lines: readonly string[];
  /** What a page needs to register as that user. */
  accountOf(user: string): {
    readonly url: string;
    readonly uri: string;
    readonly password: string;
  };
  /** Has the telephone call a user. */
  dial(line: string, user: string): Promise<void>;
  /** Settles when one of its programs has ended, for any reason: it can no longer be called. */
  readonly ended: Promise<void>;
  /** May be called after it has ended, and repeatedly. */
  close(): Promise<void>;
}

/** How the lab gets its telephones. */
export interface TelephoneOptions {
  /** @throws Error that says what to do if programs are missing or do not start */
  readonly open: () => Promise<LabTelephones>;
}

const NOT_ASKED_FOR = 'The lab was started without its telephone: npm start -- --phone.';
const DIAL = /^\/dial\/([a-z]+)\/(page-[0-9a-f]+)$/;

/** The telephones for the page about SIP. They start when first asked for. */
export class TelephoneServer {
  readonly #boundary = new ErrorBoundary('Telephone');
  readonly #options: TelephoneOptions | null;
  #opening: Promise<LabTelephones> | null = null;
  #isClosed = false;

  /** @param options null: the lab was started without them */
  constructor(options: TelephoneOptions | null) {
    this.#options = options;
  }

  /**
   * Answers this server's own pages: a `GET` with what the page needs to call, or with the reason, `why`, it cannot; `POST /dial/LINE/USER`
   * has the telephone call.
   */
  readonly answer: (request: IncomingMessage, response: ServerResponse) => void =
    this.#boundary.guard(
      (request: IncomingMessage, response: ServerResponse) => this.#answered(request, response),
      (_request, response) => response.destroy(),
    );

  /** Ends them. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const telephones = await this.#opening?.catch(() => null);
    await telephones?.close();
  }

  async #answered(request: IncomingMessage, response: ServerResponse): Promise<void> {
    withoutCors(response);
    if (!isOwnRequest(request.headers)) return void response.writeHead(403).end();
    const [, line, user] = DIAL.exec(request.url ?? '') ?? [];
    const isDial = request.method === 'POST' && line !== undefined && user !== undefined;
    if (!isDial && request.method !== 'GET') return void response.writeHead(405).end();
    const told = await this.#use(async (telephones) => {
      if (isDial) {
        await telephones.dial(line, user);
        return {};
      }
      // One of its own for each page, so that each is called by itself.
      const account = telephones.accountOf(`page-${randomBytes(4).toString('hex')}`);
      return { account, lines: telephones.lines };
    });
    response.writeHead(200, {
      'Content-Type': 'application/json',
      'Cache-Control': 'no-store',
      'Cross-Origin-Resource-Policy': 'same-origin',
      'X-Content-Type-Options': 'nosniff',
    });
    response.end(JSON.stringify(told));
  }

  /** @returns the answer, or why there is no telephone */
  async #use(use: (telephones: LabTelephones) => Promise<object>): Promise<object> {
    const options = this.#options;
    if (options === null) return { why: NOT_ASKED_FOR };
    try {
      return await use(await this.#started(options));
    } catch (error) {
      return { why: errorText(error) };
    }
  }

  #started(options: TelephoneOptions): Promise<LabTelephones> {
    if (this.#isClosed) return Promise.reject(new Error('The server is closing.'));
    if (this.#opening !== null) return this.#opening;
    const opening = options.open();
    this.#opening = opening;
    const forget = (): void => {
      if (this.#opening === opening) this.#opening = null;
    };
    const replaced = async (telephones: LabTelephones): Promise<void> => {
      await telephones.ended;
      forget();
      // Cleans up what is left of them. After `close` there is nothing.
      await telephones.close();
    };
    // A start that failed is tried again at the next request.
    opening.then((telephones) => this.#boundary.run(() => replaced(telephones)), forget);
    return opening;
  }
}
