import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { OpusModule } from '../../../src/core/codec/opus-library.ts';
import { promisesStereo } from '../../../src/core/webrtc/opus-sdp.ts';
import { ErrorBoundary } from '../error-boundary.ts';
import { isOwnRequest, withoutCors } from '../origin.ts';
import { ForwardedAudio } from './forwarded-audio.ts';
import { JanusClient } from './janus-client.ts';
import { JanusProcess, hasJanus } from './janus-process.ts';
import { forwardRtp } from './janus-rooms.ts';
import { WhipEndpoint } from './whip-endpoint.ts';
import type { RequestAnswer, SfuSession } from './whip-endpoint.ts';

/** How the SFU runs. */
export interface SfuOptions {
  /** Of this machine, for audio. @default '127.0.0.1' */
  readonly address?: string;
  /** Where publishers are recorded. @default nowhere */
  readonly folder?: string | undefined;
  /** libopus, for the meters; null: publishers are received and not metered. @default none: nothing comes back from Janus */
  readonly loadOpus?: (() => Promise<OpusModule>) | null;
}

/** A Janus that runs, and the connection to it. */
interface RunningJanus {
  readonly process: JanusProcess;
  readonly client: JanusClient;
}

/**
 * Live rooms for the lab: WHIP and WHEP in front of a Janus that starts when first asked for, where it is installed. What is
 * published in the forwarding room comes back as plain RTP, and is metered and recorded.
 */
export class Sfu {
  /** Answers requests below `/whip`. */
  readonly whip: RequestAnswer;
  /** The same below `/whep`. */
  readonly whep: RequestAnswer;
  readonly token: string = randomBytes(16).toString('hex');
  readonly #boundary = new ErrorBoundary('SFU');
  readonly #endpoint: WhipEndpoint;
  readonly #options: SfuOptions;
  readonly #audio = new Map<SfuSession, ForwardedAudio>();
  readonly #ended = new WeakSet<SfuSession>();
  /** Audio whose files are being completed. */
  readonly #closing = new Set<Promise<void>>();
  #running: Promise<RunningJanus> | null = null;
  #isClosed = false;

  constructor(options: SfuOptions = {}) {
    this.#options = options;
    this.#endpoint = new WhipEndpoint({
      janus: async () => (await this.#janus()).client,
      token: this.token,
      opened: (session) => this.#opened(session),
      closed: (session) => this.#closed(session),
    });
    this.whip = this.#endpoint.answer('whip');
    this.whep = this.#endpoint.answer('whep');
  }

  /**
   * Answers `GET` of this server's own pages with what they need: the token, the addresses, and who publishes; 501 where Janus is not
   * installed.
   */
  readonly answer: RequestAnswer = this.#boundary.guard(
    (request: IncomingMessage, response: ServerResponse) => this.#answered(request, response),
    (_request, response) => response.destroy(),
  );

  /** How many clients publish or play. */
  get sessions(): number {
    return [...this.#endpoint.sessions].length;
  }

  /** Audio of the publishers in the forwarding room. */
  get forwarded(): Iterable<ForwardedAudio> {
    return this.#audio.values();
  }

  /** Starts Janus, if it does not run. @throws Error where it cannot be started */
  async process(): Promise<JanusProcess> {
    return (await this.#janus()).process;
  }

  /** Ends all sessions and Janus, and completes the files. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#endpoint.close();
    const running = await this.#running?.catch(() => null);
    running?.client.close();
    await running?.process.close();
    await Promise.all(this.#closing);
  }

  #janus(): Promise<RunningJanus> {
    if (this.#isClosed) return Promise.reject(new Error('The server is closing.'));
    const running = this.#running ?? startJanus(this.#options.address);
    this.#running = running;
    const forget = (): void => {
      if (this.#running === running) this.#running = null;
    };
    // A Janus that has crashed, has dropped this server, or did not start, is started again when it is needed.
    running.then(async ({ process, client }) => {
      await Promise.race([process.ended, client.gone]);
      forget();
      client.close();
      this.#finish(process.close());
    }, forget);
    return running;
  }

  #answered(request: IncomingMessage, response: ServerResponse): void {
    withoutCors(response);
    if (request.method !== 'GET') return void response.writeHead(405).end();
    if (!isOwnRequest(request.headers)) return void response.writeHead(403).end();
    if (!hasJanus()) {
      response.writeHead(501, { 'Content-Type': 'text/plain; charset=utf-8' });
      response.end('Janus is not installed. On Debian: apt-get install janus.\n');
      return;
    }
    const publishers = [...this.#endpoint.sessions]
      .filter(({ protocol }) => protocol === 'whip')
      .map((session) => {
        const audio = this.#audio.get(session);
        return {
          room: session.room,
          feed: session.peer.feed,
          level: audio?.level ?? null,
          file: audio?.path ?? null,
        };
      });
    response.writeHead(200, {
      'Content-Type': 'application/json',
      'Cache-Control': 'no-store',
      'Cross-Origin-Resource-Policy': 'same-origin',
      'X-Content-Type-Options': 'nosniff',
    });
    const addresses = {
      whip: { mix: '/whip/mix', room: '/whip/room' },
      whep: { mix: '/whep/mix', room: '/whep/room' },
    };
    response.end(JSON.stringify({ token: this.token, ...addresses, publishers }));
  }

  async #opened(session: SfuSession): Promise<void> {
    const { peer, offer } = session;
    const { folder, loadOpus } = this.#options;
    if (peer.feed === null || (folder === undefined && loadOpus === undefined)) return;
    if (folder !== undefined) mkdirSync(folder, { recursive: true });
    const audio = await ForwardedAudio.open({
      channels: promisesStereo(offer) ? 2 : 1,
      folder: folder ?? null,
      name: `${new Date().toISOString().replaceAll(/[:.]/g, '-')}-${peer.feed}`,
      opus: loadOpus ? await loadOpus() : null,
      failed: (error) => this.#boundary.report(error),
    });
    if (this.#ended.has(session)) return audio.close();
    this.#audio.set(session, audio);
    const { process } = await this.#janus();
    await forwardRtp(peer, process.adminKey, offer, audio.target);
  }

  #closed(session: SfuSession): void {
    this.#ended.add(session);
    const audio = this.#audio.get(session);
    this.#audio.delete(session);
    if (audio !== undefined) this.#finish(audio.close());
  }

  #finish(work: Promise<void>): void {
    const closing = work
      .catch((error: unknown) => this.#boundary.report(error))
      .finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}

async function startJanus(address: string | undefined): Promise<RunningJanus> {
  const process = await JanusProcess.start(address);
  try {
    return { process, client: await JanusClient.open(process) };
  } catch (error) {
    await process.close();
    throw error;
  }
}
