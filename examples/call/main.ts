import { Call, Capture, DataChannelTransport, Microphone, Receiver, rtpFraming } from 'micwire';
import { TabSignalling } from './tab-signalling.ts';

const button = document.querySelector('button')!;
const status = document.querySelector('p')!;
const figures = document.querySelector('dl')!;

button.onclick = async () => {
  button.disabled = true;
  const context = new AudioContext();
  const microphone = await Microphone.open(context);

  // Without a track of its own the call is a data channel, which may lose packets and never waits for one.
  const call = Call.create(new TabSignalling(), { receive: false });
  const transport = DataChannelTransport.create(call.createDataChannel());
  call.addEventListener('statechange', () => (status.textContent = call.state));

  const capture = await Capture.create(context, microphone, { format: 'opus', fec: true });
  const receiver = await Receiver.create(context, { ...capture.stream, framing: rtpFraming });
  receiver.connect(context.destination);
  void receiver.pipeFrom(transport, rtpFraming);

  await call.connect();
  void capture.pipeTo(transport, rtpFraming);
  setInterval(() => {
    const { stats } = receiver;
    const delay = (1000 * stats.jitterBufferDelay) / stats.jitterBufferEmittedCount;
    const concealed = (100 * stats.concealedSamples) / stats.totalSamplesReceived;
    figures.innerHTML = `
      <dt>Packets received</dt><dd>${stats.packetsReceived}</dd>
      <dt>Jitter buffer delay</dt><dd>${delay.toFixed(0)} ms</dd>
      <dt>Concealed</dt><dd>${concealed.toFixed(1)} %</dd>`;
  }, 500);
};
