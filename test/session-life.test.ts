import { describe, expect, it } from 'vitest';
import { SessionPlay, actionsOf } from './helpers/session-play.ts';

describe('the start of a session', () => {
  it('asks for an address, connects, says who it is, and is open when the service is ready', () => {
    const play = new SessionPlay();
    expect(play.tell({ type: 'start' })).toEqual([{ type: 'address', attempt: 1 }]);
    expect(play.life.state).toBe('connecting');
    play.reach();
    expect(play.heard()).toEqual([
      { type: 'open', session: 'session-1', handle: null, frame: 0, connections: 0 },
    ]);
    expect(play.life.state).toBe('connecting');
    expect(play.say({ type: 'ready' })).toEqual([{ type: 'state', state: 'open' }]);
  });

  it('sends first what was said before the connection was up', () => {
    const play = new SessionPlay();
    play.tell({ type: 'start' });
    play.talk(3000);
    expect(play.heard()).toEqual([]);
    play.connect();
    expect(play.life.state).toBe('replaying');
    play.talk(5000, { acknowledged: true });
    expect(play.life.state).toBe('open');
    expect(play.heardAudio()).toEqual([[0, 8000 * 16]]);
  });
});

describe('a lost connection', () => {
  it('is followed by another one, with what was not acknowledged', () => {
    const play = SessionPlay.open();
    play.talk(1000);
    expect(play.heardAudio()).toEqual([[0, 16_000]]);
    play.acknowledge(12_000);
    play.talk(100);
    play.heard();
    play.drop();
    expect(play.life.state).toBe('waiting');
    play.reconnect({ type: 'acknowledged', frame: 12_345 });
    play.wait(10);
    expect(play.heardAudio()[0]![0]).toBe(12_345);
    expect(actionsOf(play.acknowledge(17_600), 'error')).toEqual([]);
    expect(play.life.stats.acknowledgedFrames).toBe(17_600);
  });
});
