import { DataChannelTransport } from 'micwire';

// Sends three bytes over the channel that it gets, and tells what came back.
const scope = globalThis as unknown as {
  onmessage: ((event: MessageEvent<RTCDataChannel>) => void) | null;
  postMessage(message: unknown): void;
};
scope.onmessage = ({ data: channel }) => {
  const transport = new DataChannelTransport(channel);
  transport.onmessage = (message) => scope.postMessage(message);
  transport.onstatechange = ({ state }) => {
    if (state === 'open') transport.send(Uint8Array.of(1, 2, 3));
  };
};
scope.postMessage('ready');
