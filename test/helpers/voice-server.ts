import type { VoiceLog } from './voice-servers.ts';

/** A stand-in for a speech service, as a test in a browser sees it: see `VoiceServers`. */
export class VoiceServer {
  readonly #name = crypto.randomUUID();
  readonly #language: string;

  constructor(language: string) {
    this.#language = language;
  }

  get url(): string {
    return new URL(`/voice-servers/${this.#language}/${this.#name}`, location.href).href.replace(
      /^http/,
      'ws',
    );
  }

  /** Cuts its connections, and with `'down'` refuses others until `'up'`. */
  async ask(verb: 'cut' | 'down' | 'up'): Promise<void> {
    await fetch(`/voice-servers/${this.#name}/${verb}`, { method: 'POST' });
  }

  async log(): Promise<VoiceLog> {
    return (await fetch(`/voice-servers/${this.#name}`)).json() as Promise<VoiceLog>;
  }
}
