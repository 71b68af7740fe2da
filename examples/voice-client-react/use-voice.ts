import { Microphone, Session, Speaker } from 'micwire';
import type { SessionState } from 'micwire';
import { openaiRealtime } from 'micwire/services/openai-realtime';
import { useEffect, useRef, useState } from 'react';

/** A conversation with a voice agent, as React state. */
export function useVoice() {
  const [state, setState] = useState<SessionState>('closed');
  const [muted, setMuted] = useState(false);
  const [lines, setLines] = useState<readonly string[]>([]);
  const [problem, setProblem] = useState('');
  const session = useRef<Session>(null);
  const context = useRef<AudioContext>(null);

  async function start() {
    setProblem('');
    setState('connecting');
    try {
      const page = (context.current ??= new AudioContext());
      const speaker = await Speaker.open(page);
      const microphone = await Microphone.open(page, { speaker });
      const opened = await Session.open({
        context: page,
        microphone,
        output: speaker,
        service: openaiRealtime({ voice: 'marin', instructions: 'Answer in one sentence.' }),
        url: 'wss://api.openai.com/v1/realtime',
        // Your server asks OpenAI for an ephemeral key (POST /v1/realtime/client_secrets).
        token: async () => (await fetch('/token')).text(),
      });
      session.current = opened;
      setMuted(false);
      opened.addEventListener('statechange', () => {
        setState(opened.state);
        if (opened.state === 'closed') void Promise.all([microphone.close(), speaker.close()]);
      });
      opened.addEventListener('error', ({ detail }) => setProblem(detail.message));
      opened.addEventListener('transcript', ({ detail: { who, text, final } }) => {
        if (final) setLines((before) => [...before, `${who}: ${text}`]);
      });
    } catch (error) {
      setState('closed');
      setProblem((error as Error).message);
    }
  }

  function toggleMute() {
    if (muted) session.current?.unmute();
    else session.current?.mute();
    setMuted(!muted);
  }

  const stop = () => session.current?.close();
  useEffect(() => () => void session.current?.close(), []);
  return { state, muted, lines, problem, start, stop, toggleMute };
}
