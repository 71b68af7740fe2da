/** What the page about tracks of the lab's view Learn is made from. */
import { describe, expect, it } from 'vitest';
import { EXAMPLE_TRACK, trackMembers } from '../demo/learn/track-members.ts';
import { TRACK_RULES } from '../demo/learn/track-rules.ts';

const ID = 'dc392a23949d02fd82a79b63f968272c1cf39948943020f2e73917750f417016';

describe('what a track says of itself', () => {
  it('is listed member by member: setting, capability and constraint, the standard first', () => {
    const members = trackMembers({
      settings: {
        channelCount: 2,
        groupId: ID,
        echoCancellation: false,
        mediaSource: 'microphone',
      },
      capabilities: {
        channelCount: { min: 1, max: 2 },
        echoCancellation: [true, false, 'remote-only'],
        latency: { min: 0.01, max: 0.01 },
      },
      constraints: { channelCount: { ideal: 2, max: 2 }, deviceId: { exact: 'a' } },
    });
    const texts = members.map(({ name, setting, capability, constraint }) =>
      [name, setting, capability, constraint].join(' | '),
    );
    expect(texts).toEqual([
      'deviceId |  |  | exact: a',
      'groupId | dc392a23949d… |  | ',
      'echoCancellation | false | true, false, remote-only | ',
      'latency |  | 0.01 | ',
      'channelCount | 2 | 1 to 2 | up to 2, ideal: 2',
      'mediaSource | microphone |  | ',
    ]);
  });

  it('has a clause for every standard member, and says so of others', () => {
    const ofBrowser = trackMembers({
      settings: { mediaSource: 'microphone', voiceIsolation: true },
      capabilities: null,
      constraints: {},
    });
    expect(ofBrowser.map(({ name, clause }) => [name, clause?.url ?? null])).toEqual([
      ['mediaSource', null],
      [
        'voiceIsolation',
        'https://w3c.github.io/mediacapture-extensions/#voiceisolation-constraint',
      ],
    ]);
    expect(ofBrowser[0]!.meaning).toContain('Not in the standard');
    for (const { name, clause, setting, capability } of trackMembers(EXAMPLE_TRACK)) {
      expect(clause?.url, name).toBe(
        `https://w3c.github.io/mediacapture-main/#def-constraint-${name}`,
      );
      expect(setting, name).not.toBe('');
      expect(capability, name).not.toBe('');
    }
  });
});

describe('the audio that consumers get', () => {
  it('differs where a track leaves its stream: consumers of the track keep it, consumers of the stream do not', () => {
    const keeps = Object.entries(TRACK_RULES).map(([id, { removed }]) => [
      id,
      removed.text.startsWith('The audio continues'),
    ]);
    expect(Object.fromEntries(keeps)).toEqual({
      element: false,
      node: true,
      connection: true,
      recorder: false,
      clone: true,
    });
  });
});
