import { Microphone, Session, Speaker } from 'micwire';
import { openaiRealtime } from 'micwire/services/openai-realtime';

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
    service: openaiRealtime({ voice: 'marin', instructions: 'Answer in one sentence.' }),
    url: 'wss://api.openai.com/v1/realtime',
    // Your server asks OpenAI for an ephemeral key (POST /v1/realtime/client_secrets).
    token: async () => (await fetch('/token')).text(),
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
