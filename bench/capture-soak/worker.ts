import { receiveCapture } from '../../src/worker/index.ts';
import { audit } from './account.ts';

addEventListener('message', async (event: MessageEvent) => {
  const capture = receiveCapture(event);
  if (capture !== undefined) postMessage(await audit(capture));
});
