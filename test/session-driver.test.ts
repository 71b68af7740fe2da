import { describe, expect, it } from 'vitest';
import type { ServiceAddress, WireMessage } from '../src/core/services/service.ts';
import { SessionDriver } from '../src/core/session/session-driver.ts';
import type { SocketListener } from '../src/core/session/session-driver.ts';
import type { SessionLifeOptions } from '../src/core/session/session-life.ts';
import type { SessionAction } from '../src/core/session/session-messages.ts';
import { numberedAudio, scriptedService } from './helpers/session-play.ts';

const ADDRESS: ServiceAddress = { url: 'wss://service.example', protocols: [] };

/** A socket that does nothing by itself. */
class StillSocket {
  readonly listener: SocketListener;
  readonly sent: WireMessage[] = [];
  closedWith: number | null = null;
  bufferedBytes = 0;
  refuses = false;

  constructor(listener: SocketListener) {
    this.listener = listener;
  }

  send(message: WireMessage): void {
    if (this.refuses) throw new Error('InvalidStateError');
    this.sent.push(message);
  }

  close(code: number): void {
    this.closedWith = code;
  }

  say(...events: readonly object[]): void {
    this.listener.message(JSON.stringify(events));
  }
}

/** A driver whose clock, timers and sockets are in the test's hands. */
class Rig {
  readonly driver: SessionDriver;
  readonly actions: SessionAction[] = [];
  readonly sockets: StillSocket[] = [];
  nowMs = 0;
  timer: { readonly atMs: number; readonly run: () => void } | null = null;
  timersSet = 0;
  address: () => Promise<ServiceAddress> = () => Promise.resolve(ADDRESS);
  connect = (listener: SocketListener): StillSocket => new StillSocket(listener);
  onaction: (action: SessionAction) => void = () => {};

  constructor(options: Partial<SessionLifeOptions> = {}) {
    this.driver = new SessionDriver(
      scriptedService({ acknowledges: false, overlapMs: 0, readyOnOpen: true }),
      {
        now: () => this.nowMs,
        setTimer: (ms, run) => {
          const timer = { atMs: this.nowMs + ms, run };
          expect(this.timer).toBe(null);
          this.timer = timer;
          this.timersSet++;
          return () => {
            expect(this.timer).toBe(timer);
            this.timer = null;
          };
        },
        address: () => this.address(),
        connect: (_, listener) => {
          const socket = this.connect(listener);
          this.sockets.push(socket);
          return socket;
        },
        random: () => 0.5,
      },
      { session: 'session-1', ...options },
      (action) => {
        this.actions.push(action);
        this.onaction(action);
      },
    );
  }

  get socket(): StillSocket {
    return this.sockets.at(-1)!;
  }

  /** Runs the timer. */
  ring(): void {
    const { timer } = this;
    if (timer === null) throw new Error('There is no timer.');
    this.timer = null;
    this.nowMs = Math.max(this.nowMs, timer.atMs);
    timer.run();
  }

  async open(): Promise<void> {
    this.driver.tell({ type: 'start' });
    await settled();
    this.socket.listener.opened();
  }
}

/** What promises have to tell has been told. */
async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.resolve();
}

describe('a session driver', () => {
  it('asks the app for an address, makes the socket, and sends', async () => {
    const rig = new Rig();
    await rig.open();
    expect(rig.driver.state).toBe('open');
    rig.driver.tell({ type: 'audio', audio: numberedAudio(0, 320) });
    expect(rig.socket.sent).toHaveLength(2);
    expect(rig.driver.stats.inFlightFrames).toBe(320);
    rig.driver.tell({ type: 'mute', muted: true });
    expect(rig.driver.muted).toBe(true);
    expect(rig.actions).toEqual([{ type: 'state', state: 'open' }]);
  });

  it('reports an error if the app has no address, whether it throws or rejects', async () => {
    for (const throws of [true, false]) {
      const rig = new Rig();
      rig.address = () => {
        if (throws) throw new Error('No token.');
        return Promise.reject(new Error('No token.'));
      };
      rig.driver.tell({ type: 'start' });
      await settled();
      expect(rig.actions.map(({ type }) => type)).toEqual(['error', 'state']);
      expect(rig.driver.state).toBe('waiting');
    }
  });

  it('treats a socket that cannot be made like a useless address', async () => {
    const rig = new Rig();
    rig.connect = () => {
      throw new SyntaxError('The URL is invalid.');
    };
    rig.driver.tell({ type: 'start' });
    await settled();
    expect(rig.actions[0]).toMatchObject({ type: 'error' });
    rig.connect = (listener) => new StillSocket(listener);
    rig.ring();
    await settled();
    rig.socket.listener.opened();
    expect(rig.driver.state).toBe('open');
  });

  it('sets one timer, for the next deadline, and only when that changes', async () => {
    const rig = new Rig();
    rig.driver.tell({ type: 'start' });
    expect(rig.timer!.atMs).toBe(10_000);
    rig.nowMs = 100;
    for (let i = 0; i < 5; i++) rig.driver.tell({ type: 'commit' });
    expect(rig.timersSet).toBe(1);
    await settled();
    expect(rig.timer!.atMs).toBe(10_100);
    rig.socket.listener.opened();
    // The messages of 'open' are in the socket, for all that is known.
    rig.driver.tell({ type: 'tick' });
    expect(rig.timer).toBe(null);
  });

  it('never sets a timer longer than engines support', () => {
    const rig = new Rig({ connectTimeoutMs: 2 ** 40 });
    rig.driver.tell({ type: 'start' });
    expect(rig.timer!.atMs).toBe(60_000);
    rig.ring();
    expect(rig.timer!.atMs).toBe(120_000);
  });

  it('carries out events that arrive meanwhile afterwards, in order', async () => {
    const rig = new Rig();
    const seen: string[] = [];
    rig.onaction = (action) => {
      seen.push(`begin ${action.type}`);
      if (action.type === 'state' && action.state === 'open') {
        rig.driver.tell({ type: 'interrupt' });
      }
      seen.push(`end ${action.type}`);
    };
    await rig.open();
    expect(seen).toEqual(['begin state', 'end state', 'begin interrupt', 'end interrupt']);
  });

  it('carries out all actions even if a listener throws, and throws its error then', async () => {
    const rig = new Rig();
    await rig.open();
    rig.onaction = (action) => {
      if (action.type === 'state') throw new Error('A fault of the app.');
    };
    expect(() => rig.driver.tell({ type: 'close', drainMs: 0 })).toThrow('A fault of the app.');
    expect(rig.actions.at(-1)).toEqual({ type: 'closed' });
    expect(rig.socket.closedWith).toBe(1000);
    expect(rig.timer).toBe(null);
  });

  it('survives audio that cannot be read', async () => {
    const rig = new Rig();
    await rig.open();
    const audio = {
      ...numberedAudio(0, 320),
      get bytes(): never {
        throw new Error('Not Base64.');
      },
    };
    expect(() => rig.driver.tell({ type: 'audio', audio })).toThrow('Not Base64.');
    rig.driver.tell({ type: 'audio', audio: numberedAudio(320, 320) });
    expect(rig.socket.sent).toHaveLength(2);
  });

  it('ignores events of a socket that it has given up', async () => {
    const rig = new Rig({ stallMs: 1000 });
    await rig.open();
    const { socket } = rig;
    socket.bufferedBytes = 50;
    rig.driver.tell({ type: 'tick' });
    rig.ring();
    expect(socket.closedWith).toBe(4000);
    rig.ring();
    await settled();
    rig.socket.listener.opened();
    expect(rig.sockets).toHaveLength(2);
    socket.listener.closed(4400, '');
    socket.say({ type: 'ended' });
    expect(rig.driver.state).toBe('open');
    // Nor does it count what that one held.
    expect(rig.timer === null || rig.timer.atMs > rig.nowMs + 500).toBe(true);
  });

  it('sends messages again that a closed socket still held', async () => {
    const rig = new Rig();
    await rig.open();
    rig.driver.tell({ type: 'audio', audio: numberedAudio(0, 320) });
    rig.socket.bufferedBytes = 640;
    rig.socket.listener.closed(1006, '');
    expect(rig.driver.stats.waitingFrames).toBe(320);
    rig.ring();
    await settled();
    rig.socket.listener.opened();
    expect(rig.socket.sent).toHaveLength(2);
    expect(rig.driver.stats.replayedFrames).toBe(0);
  });

  it('treats a socket that refuses a message as closed, and sends the message again', async () => {
    const rig = new Rig();
    await rig.open();
    rig.socket.refuses = true;
    rig.driver.tell({ type: 'audio', audio: numberedAudio(0, 320) });
    expect(rig.socket.closedWith).toBe(4000);
    expect(rig.driver.state).toBe('waiting');
    expect(rig.driver.stats.waitingFrames).toBe(320);
  });

  it('does nothing after it has closed', async () => {
    const rig = new Rig();
    await rig.open();
    rig.driver.tell({ type: 'close', drainMs: 0 });
    const { length } = rig.actions;
    rig.driver.tell({ type: 'online' });
    rig.socket.listener.closed(1000, '');
    rig.driver.tell({ type: 'send', value: 1 });
    expect(rig.actions).toHaveLength(length);
    expect(rig.timer).toBe(null);
    expect(rig.driver.state).toBe('closed');
  });
});
