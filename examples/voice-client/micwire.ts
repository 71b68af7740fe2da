import { Microphone, Session, Speaker } from 'micwire';
import { micwire } from 'micwire/services/micwire';

const talk = document.querySelector('button')!;
const status = document.querySelector('p')!;
const lines = document.querySelector('ol')!;

talk.onclick = async () => {
  talk.disabled = true;
  const context = new AudioContext();
  const speaker = await Speaker.open(context);
  const microphone = await Microphone.open(context, { speaker });
  const session = await Session.open({
    context,
    microphone,
    output: speaker,
    service: micwire(),
    url: '/session', // of your own server: see docs/protocol.md
  });

  session.addEventListener('statechange', () => (status.textContent = session.state));
  session.addEventListener('error', ({ detail }) => (status.textContent = detail.message));
  session.addEventListener('transcript', ({ detail }) => {
    if (detail.final) lines.append(line(`${detail.who}: ${detail.text}`));
  });
  session.addEventListener('interrupted', ({ detail }) => {
    if (detail.item !== undefined) lines.append(line(`(interrupted after ${detail.ms} ms)`));
  });
};

function line(text: string): HTMLElement {
  return Object.assign(document.createElement('li'), { textContent: text });
}
