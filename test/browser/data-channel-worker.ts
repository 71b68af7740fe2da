import { DataChannelTransport } from 'micwire';

// Sends three bytes over the channel that it gets, and tells what came back.
const scope = globalThis as unknown as {
  onmessage: ((event: MessageEvent<RTCDataChannel>) => void) | null;
  postMessage(message: unknown): void;
};
scope.onmessage = ({ data: channel }) => {
  const transport = DataChannelTransport.create(channel);
  transport.addEventListener('message', ({ data: message }) => scope.postMessage(message));
  transport.addEventListener('statechange', () => {
    if (transport.state === 'open') transport.send(Uint8Array.of(1, 2, 3));
  });
};
scope.postMessage('ready');
