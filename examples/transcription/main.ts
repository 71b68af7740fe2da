import { Microphone, Session } from 'micwire';

const start = document.querySelector('button')!;
const status = document.querySelector('p')!;
const words = document.querySelector('#words')!;

start.onclick = async () => {
  start.disabled = true;
  const context = new AudioContext();
  const session = await Session.open({
    context,
    microphone: await Microphone.open(context),
    // The socket is in a Worker: a busy page delays no audio.
    worker: new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' }),
  });

  session.addEventListener('statechange', () => (status.textContent = session.state));
  session.addEventListener('error', ({ detail }) => (status.textContent = detail.message));
  let final = '';
  session.addEventListener('transcript', ({ detail }) => {
    words.textContent = `${final} ${detail.text}`;
    if (detail.final) final = words.textContent;
  });
};
