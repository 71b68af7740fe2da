import { serveSession } from 'micwire/worker';
import { deepgramListen } from 'micwire/services/deepgram-listen';

// Where the service is, and a key that lives for a minute: vite.config.ts answers.
const ask = async (path: string) => {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(await answer.text());
  return answer.text();
};

onmessage = (event) => {
  serveSession(event, {
    service: deepgramListen({ configure: { smart_format: true } }),
    url: () => ask('/service'),
    token: () => ask('/token'),
  });
};
