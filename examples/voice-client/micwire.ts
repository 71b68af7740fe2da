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
  // Messages of your server are your own: here it tells what was said.
  session.addEventListener('message', ({ detail }) => {
    const { who, text } = detail as { who: string; text: string };
    lines.append(line(`${who}: ${text}`));
  });
  session.addEventListener('interrupted', ({ detail }) => {
    if (detail.item !== undefined) lines.append(line(`(interrupted after ${detail.ms} ms)`));
  });
};

function line(text: string): HTMLElement {
  return Object.assign(document.createElement('li'), { textContent: text });
}
