import { useVoice } from './use-voice.ts';

export function App() {
  const { state, muted, lines, problem, start, stop, toggleMute } = useVoice();
  return (
    <main>
      {state === 'closed' ? (
        <button onClick={start}>Talk</button>
      ) : (
        <>
          <button onClick={toggleMute} aria-pressed={muted}>
            Mute
          </button>
          <button onClick={stop}>Hang up</button>
        </>
      )}
      <p role="status">{state}</p>
      {problem && <p role="alert">{problem}</p>}
      <ol aria-live="polite">
        {lines.map((line, index) => (
          <li key={index}>{line}</li>
        ))}
      </ol>
    </main>
  );
}
