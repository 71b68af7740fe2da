import { errorText } from '../../src/core/errors.ts';
import { LinkClient } from '../link/link-client.ts';
import type { GatheringError } from '../page/ice-errors.ts';
import { addError } from '../page/ice-errors.ts';
import { labIceServers, routerIceServers, urlsOf } from '../controllers/ice-servers.ts';

/** A candidate that was found. */
interface FoundCandidate {
  /** ms since gathering began. */
  readonly atMs: number;
  readonly text: string;
}

/** What one server gave. */
export interface Gathering {
  readonly label: string;
  /** Empty: no server. */
  readonly url: string;
  readonly candidates: readonly FoundCandidate[];
  readonly errors: readonly GatheringError[];
  /** ms until it was complete; null while it runs. */
  readonly tookMs: number | null;
}

/** A server that a visitor typed in. */
export interface OwnServer {
  readonly url: string;
  readonly username: string;
  readonly credential: string;
}

/** How long to wait for a server that does not answer, ms: browsers wait longer. */
const PATIENCE_MS = 12_000;

/** Asks several servers for candidates, each over a connection of its own, to show what each server gives. */
export class IceGatherings {
  gatherings: readonly Gathering[] = [];
  /** Why a server could not be asked, in sentences. */
  problems: readonly string[] = [];
  busy = false;
  readonly #changed: () => void;
  readonly #connections = new Set<RTCPeerConnection>();
  #link: LinkClient | null = null;
  /** Counts runs: what comes back from an earlier one is out of date. */
  #runs = 0;

  /** @param changed called when anything of it has changed */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Gathers again. @param own one more server; null for none */
  async run(own: OwnServer | null): Promise<void> {
    this.close();
    const run = this.#runs;
    this.busy = true;
    this.problems = [];
    this.gatherings = [];
    this.#changed();
    const entries: (readonly [label: string, server: RTCIceServer | null])[] = [
      ['Without a server', null],
    ];
    try {
      const [lab] = await labIceServers();
      const turn = urlsOf(lab!).find((url) => url.startsWith('turn:'))!;
      const stun = urlsOf(lab!).find((url) => url.startsWith('stun:'))!;
      entries.push(
        ['The lab’s STUN', { urls: stun }],
        ['The lab’s TURN', { ...lab!, urls: turn }],
        ['The lab’s TURN, wrong password', { ...lab!, urls: turn, credential: 'wrong' }],
      );
    } catch (error) {
      this.#tell(error);
    }
    try {
      const link = await LinkClient.connect(location.origin.replace(/^http/, 'ws'));
      if (run !== this.#runs) return link.close();
      this.#link = link;
      const [server] = await routerIceServers(link, 'gather', 'port-restricted');
      for (const kind of ['stun', 'turn']) {
        const urls = urlsOf(server!).find((url) => url.startsWith(`${kind}:`))!;
        entries.push([`${kind.toUpperCase()} behind a simulated NAT`, { ...server, urls }]);
      }
    } catch (error) {
      this.#tell(error);
    }
    entries.push(['A name that does not exist', { urls: 'stun:stun.invalid' }]);
    if (own !== null) {
      const { url: urls, username, credential } = own;
      entries.push(['Your server', username === '' ? { urls } : { urls, username, credential }]);
    }
    if (run !== this.#runs) return;
    await Promise.all(entries.map(([label, server]) => this.#gather(run, label, server)));
    if (run !== this.#runs) return;
    this.close();
  }

  /** Ends it; what was found remains. */
  close(): void {
    this.#runs++;
    for (const connection of this.#connections) connection.close();
    this.#connections.clear();
    this.#link?.close();
    this.#link = null;
    this.busy = false;
    this.#changed();
  }

  async #gather(run: number, label: string, server: RTCIceServer | null): Promise<void> {
    let gathering: Gathering = {
      label,
      url: server === null ? '' : urlsOf(server).join(' '),
      candidates: [],
      errors: [],
      tookMs: null,
    };
    const place = this.gatherings.length;
    const change = (changes: Partial<Gathering>): void => {
      if (run !== this.#runs) return;
      gathering = { ...gathering, ...changes };
      this.gatherings = this.gatherings.with(place, gathering);
      this.#changed();
    };
    this.gatherings = [...this.gatherings, gathering];
    const startMs = performance.now();
    const nowMs = (): number => performance.now() - startMs;
    try {
      const connection = new RTCPeerConnection({ iceServers: server === null ? [] : [server] });
      this.#connections.add(connection);
      connection.onicecandidate = ({ candidate }) => {
        const text = candidate?.candidate ?? '';
        // Host candidates are the same with any server.
        if (text === '' || (server !== null && candidate!.type === 'host')) return;
        change({ candidates: [...gathering.candidates, { atMs: nowMs(), text }] });
      };
      connection.onicecandidateerror = ({ errorCode: code, errorText: text, url }) => {
        const error = { code, text, url };
        change({ errors: addError(gathering.errors, error) });
      };
      const complete = completed(connection);
      connection.createDataChannel('');
      await connection.setLocalDescription();
      await complete;
      change({ tookMs: nowMs() });
    } catch (error) {
      this.#tell(error);
      change({ tookMs: nowMs() });
    }
  }

  #tell(error: unknown): void {
    this.problems = [...this.problems, errorText(error)];
    this.#changed();
  }
}

function completed(connection: RTCPeerConnection): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, PATIENCE_MS);
    connection.onicegatheringstatechange = () => {
      if (connection.iceGatheringState !== 'complete') return;
      clearTimeout(timer);
      resolve();
    };
  });
}
