import { Microphone, Session, Speaker } from 'micwire';
import { micwire } from 'micwire/services/micwire';

const button = document.querySelector('button')!;
const status = document.querySelector('p')!;
const FORMAT = { format: 's16', sampleRate: 16_000, channels: 1 } as const;

button.onclick = async () => {
  button.disabled = true;
  const context = new AudioContext();
  const speaker = await Speaker.open(context);
  const microphone = await Microphone.open(context, { speaker });
  const session = await Session.open({
    context,
    microphone,
    output: speaker,
    service: micwire({ input: FORMAT, output: FORMAT }),
    url: new URL('/talk', location.href.replace('http', 'ws')).href,
  });
  status.textContent = 'Waiting for a call.';
  session.addEventListener('message', ({ detail }) => {
    const { call } = detail as { readonly call?: string };
    if (call !== undefined)
      status.textContent = call === 'begins' ? 'In a call.' : 'Waiting for a call.';
  });
  session.addEventListener('error', ({ detail }) => (status.textContent = detail.message));
};
