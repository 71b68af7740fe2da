import { micwire } from 'micwire/services/micwire';
import { openaiRealtime } from 'micwire/services/openai-realtime';
import { serveSession } from 'micwire/worker';

/** Serves sessions of the service and the address in its name. */
const [language, url = ''] = self.name.split(' ');
const input = { format: 's16', sampleRate: 24_000, channels: 1 } as const;
const opus = { ...input, format: 'opus' } as const;

onmessage = (event): void => {
  const output = language === 'opus' ? opus : input;
  const service = language === 'openai' ? openaiRealtime() : micwire({ input, output });
  serveSession(event, { service, url, maxDelayMs: 200 });
};
