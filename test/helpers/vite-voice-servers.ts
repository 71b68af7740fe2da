import type { Plugin } from 'vite';
import { VoiceServers } from './voice-servers.ts';

/** Serves {@link VoiceServers} beside the pages of the browser tests. */
export function voiceServers(): Plugin {
  const servers = new VoiceServers();
  return {
    name: 'micwire-voice-servers',
    configureServer({ httpServer, middlewares }) {
      if (httpServer !== null) servers.attach(httpServer);
      middlewares.use('/voice-servers', servers.answer);
    },
  };
}
