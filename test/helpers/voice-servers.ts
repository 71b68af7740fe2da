import type { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { SessionServer } from '../../src/core/session/server/session-server.ts';
import { tokenOf } from '../../src/core/session/token-protocol.ts';

/** A message of a test's server that is looked at. */
type Fields = Readonly<Record<string, unknown>>;

/** What a voice server has got and said, as JSON: `GET /voice-servers/<name>`. */
export interface VoiceLog {
  /** The address and the subprotocols of each connection. */
  readonly connections: { readonly url: string; readonly protocols: string }[];
  /**
   * The user's audio in the order of arrival, in Base64, with the number of its connection; and its first frame, where the
   * language numbers frames.
   */
  readonly audio: {
    readonly connection: number;
    readonly base64: string;
    readonly frame?: number;
  }[];
  /** The other messages. */
  readonly messages: { readonly connection: number; readonly fields: Fields }[];
}

/** What a service's servers say in which language. */
interface Language {
  /** A connection has been made. */
  welcome(agent: Agent): void;
  heard(agent: Agent, data: Buffer, isBinary: boolean): void;
  /** The user has begun to speak. */
  speech(agent: Agent): void;
  /** What the user has said, and a whole reply. */
  answer(agent: Agent, item: string, audio: Buffer): void;
}

/** Audio after which the agent answers, ms. */
const TURN_MS = 1000;
/** Length of a reply, ms. It is sent at once. */
const REPLY_MS = 2000;
/** Audio of a message of a reply, ms. */
const PIECE_MS = 100;
/** The sample that a reply is made of. */
const REPLY_SAMPLE = 8000;
const RATE = 24_000;
/** 20 ms of a tone in Opus. */
const TONE_PACKET = Buffer.from('CKO/0OSkCnf6ZjObv64kuCA=', 'base64');

/** One client's agent: hears 24 kHz of 16 bits, and answers once each connection. */
class Agent {
  readonly #socket: WebSocket;
  readonly #language: Language;
  readonly #log: VoiceLog;
  readonly #connection: number;
  #heardMs = 0;

  constructor(socket: WebSocket, language: Language, log: VoiceLog) {
    this.#socket = socket;
    this.#language = language;
    this.#log = log;
    this.#connection = log.connections.length - 1;
  }

  say(fields: Fields): void {
    this.#socket.send(JSON.stringify(fields));
  }

  sayBytes(bytes: Buffer): void {
    this.#socket.send(bytes);
  }

  /** How much audio it has heard. */
  get heardMs(): number {
    return this.#heardMs;
  }

  message(fields: Fields): void {
    this.#log.messages.push({ connection: this.#connection, fields });
  }

  audio(base64: string): void {
    this.#log.audio.push({ connection: this.#connection, base64 });
    const before = this.#heardMs;
    this.#heardMs += (Buffer.byteLength(base64, 'base64') / 2 / RATE) * 1000;
    if (before < TURN_MS && this.#heardMs >= TURN_MS) {
      this.#language.speech(this);
      this.#language.answer(this, `item-${this.#connection}`, reply());
    }
  }
}

function reply(): Buffer {
  const audio = Buffer.alloc((REPLY_MS / 1000) * RATE * 2);
  for (let at = 0; at < audio.length; at += 2) audio.writeInt16LE(REPLY_SAMPLE, at);
  return audio;
}

const PIECE_BYTES = (PIECE_MS / 1000) * RATE * 2;

function* pieces(audio: Buffer): Generator<Buffer> {
  for (let at = 0; at < audio.length; at += PIECE_BYTES) yield audio.subarray(at, at + PIECE_BYTES);
}

/** OpenAI's Realtime API: openai 6.49.0, `resources/realtime/realtime.d.ts`. */
const OPENAI: Language = {
  welcome: (agent) => agent.say({ type: 'session.created', session: { type: 'realtime' } }),
  heard(agent, data) {
    const fields = JSON.parse(data.toString()) as Fields;
    if (fields['type'] === 'input_audio_buffer.append') agent.audio(String(fields['audio']));
    else agent.message(fields);
    if (fields['type'] === 'session.update') {
      agent.say({ type: 'session.updated', session: fields['session'] });
    }
  },
  speech: (agent) => {
    agent.say({ type: 'input_audio_buffer.speech_started', audio_start_ms: 0, item_id: 'user' });
    agent.say({ type: 'input_audio_buffer.speech_stopped', audio_end_ms: 900, item_id: 'user' });
  },
  answer(agent, item, audio) {
    const place = { response_id: 'response', item_id: item, output_index: 0, content_index: 0 };
    const said = 'conversation.item.input_audio_transcription';
    agent.say({ type: `${said}.completed`, item_id: 'user', transcript: 'Hello.' });
    agent.say({ type: 'response.created', response: { id: 'response' } });
    for (const piece of pieces(audio)) {
      const delta = piece.toString('base64');
      agent.say({ type: 'response.output_audio.delta', ...place, delta });
    }
    const spoken = 'response.output_audio_transcript.done';
    agent.say({ type: spoken, ...place, transcript: 'Good morning.' });
    agent.say({ type: 'response.output_audio.done', ...place });
    agent.say({ type: 'response.done', response: { id: 'response', status: 'completed' } });
  },
};

/** Deepgram's Voice Agent: @deepgram/sdk 5.13.0, `agent/resources/v1`. */
const DEEPGRAM: Language = {
  welcome: (agent) => agent.say({ type: 'Welcome', request_id: 'request' }),
  heard(agent, data, isBinary) {
    if (isBinary) return agent.audio(data.toString('base64'));
    const fields = JSON.parse(data.toString()) as Fields;
    agent.message(fields);
    if (fields['type'] === 'Settings') agent.say({ type: 'SettingsApplied' });
  },
  speech: (agent) => agent.say({ type: 'UserStartedSpeaking' }),
  answer(agent, _item, audio) {
    agent.say({ type: 'ConversationText', role: 'user', content: 'Hello.' });
    agent.say({ type: 'AgentThinking', content: '' });
    agent.say({ type: 'AgentStartedSpeaking', total_latency: 0.3 });
    agent.say({ type: 'ConversationText', role: 'assistant', content: 'Good morning.' });
    for (const piece of pieces(audio)) agent.sayBytes(piece);
    agent.say({ type: 'AgentAudioDone' });
  },
};

/** Length of the audio that a final result of Deepgram's transcription covers, ms. */
const RESULT_MS = 2500;

/** Deepgram's live transcription: @deepgram/sdk 5.13.0, `listen/resources/v1`. It replies nothing but results. */
const DEEPGRAM_LISTEN: Language = {
  welcome() {},
  heard(agent, data, isBinary) {
    if (!isBinary) {
      const fields = JSON.parse(data.toString()) as Fields;
      agent.message(fields);
      if (fields['type'] === 'CloseStream') agent.say({ type: 'Metadata', request_id: 'request' });
      return;
    }
    const results = Math.floor(agent.heardMs / RESULT_MS);
    agent.audio(data.toString('base64'));
    if (Math.floor(agent.heardMs / RESULT_MS) === results) return;
    agent.say({
      type: 'Results',
      start: (results * RESULT_MS) / 1000,
      duration: RESULT_MS / 1000,
      is_final: true,
      speech_final: false,
      channel: { alternatives: [{ transcript: 'Hello.' }] },
    });
  },
  speech() {},
  answer() {},
};

const LANGUAGES: Readonly<Record<string, Language>> = {
  openai: OPENAI,
  deepgram: DEEPGRAM,
  deepgramListen: DEEPGRAM_LISTEN,
};

/** A server of micwire's own protocol. */
function micwireServer(log: VoiceLog): SessionServer {
  return new SessionServer({
    open: () => ({}),
    audio(session, { frame, frames, bytes }) {
      const base64 = Buffer.from(bytes).toString('base64');
      log.audio.push({ connection: log.connections.length - 1, base64, frame });
      const turn = (TURN_MS / 1000) * session.input.sampleRate;
      if (frame >= turn || frame + frames < turn) return;
      session.send({ micwire: 'transcript', who: 'user', text: 'Hello.', final: true });
      session.send({ micwire: 'transcript', who: 'agent', text: 'Good morning.', final: true });
      if (session.output?.format === 'opus') {
        for (let ms = 0; ms < REPLY_MS; ms += 20) {
          session.write({ item: 'item-0', bytes: TONE_PACKET, frames: RATE / 50 });
        }
      } else session.write({ item: 'item-0', bytes: reply() });
      session.endItem('item-0');
    },
    message(_session, value) {
      log.messages.push({ connection: log.connections.length - 1, fields: value as Fields });
    },
    interrupted(_session, { item, frames, ms }) {
      const fields = { type: 'interrupted', item, frames, ms };
      log.messages.push({ connection: log.connections.length - 1, fields });
    },
    played(_session, place) {
      log.messages.push({ connection: log.connections.length - 1, fields: { ...place } });
    },
    failed(error) {
      throw error;
    },
  });
}

interface Voice {
  readonly log: VoiceLog;
  /** For those who speak micwire. */
  readonly server: SessionServer;
  readonly sockets: Set<WebSocket>;
  isUp: boolean;
}

/**
 * Stand-ins for speech services, for tests in browsers: WebSockets at `/voice-servers/<language>/<name>`, of which `name` is the
 * test's own. `POST /voice-servers/<name>/down` cuts its connections and refuses others until `…/up`; `…/cut` only cuts.
 */
export class VoiceServers {
  readonly #voices = new Map<string, Voice>();
  readonly #server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    handleProtocols: (protocols) => [...protocols][0] ?? false,
  });

  constructor() {
    const tick = (): void => {
      for (const { server } of this.#voices.values()) server.tick(performance.now());
    };
    setInterval(tick, 20).unref();
  }

  /** @param server an HTTP server: whatever emits `'upgrade'` */
  attach(server: EventEmitter): void {
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const [, language, name] = /^\/voice-servers\/(\w+)\/([\w-]+)/.exec(request.url ?? '') ?? [];
      if (language === undefined || name === undefined) return;
      const voice = this.#voice(name);
      if (!voice.isUp) return void socket.destroy();
      this.#server.handleUpgrade(request, socket, head, (client) => {
        const protocols = request.headers['sec-websocket-protocol'] ?? '';
        voice.log.connections.push({ url: request.url!, protocols });
        voice.sockets.add(client);
        client.on('close', () => voice.sockets.delete(client));
        client.on('error', () => {});
        const spoken = LANGUAGES[language];
        if (spoken === undefined) serveMicwire(client, voice.server, protocols);
        else serve(client, spoken, voice.log);
      });
    });
  }

  /** Answers requests whose path begins with `/voice-servers`. */
  readonly answer = (request: IncomingMessage, response: ServerResponse): void => {
    const [, name, verb] = /^\/([\w-]+)(?:\/(\w+))?/.exec(request.url ?? '') ?? [];
    const voice = this.#voice(name ?? '');
    if (verb === 'down') voice.isUp = false;
    if (verb === 'up') voice.isUp = true;
    if (verb === 'down' || verb === 'cut') for (const client of voice.sockets) client.terminate();
    response.setHeader('content-type', 'application/json');
    // A body that the page does not read would keep its connection busy, of which a browser has six.
    response.end(verb === undefined ? JSON.stringify(voice.log) : '');
  };

  #voice(name: string): Voice {
    const known = this.#voices.get(name);
    if (known !== undefined) return known;
    const log: VoiceLog = { connections: [], audio: [], messages: [] };
    const voice = { log, server: micwireServer(log), sockets: new Set<WebSocket>(), isUp: true };
    this.#voices.set(name, voice);
    return voice;
  }
}

function serve(client: WebSocket, language: Language, log: VoiceLog): void {
  const agent = new Agent(client, language, log);
  client.on('message', (data: Buffer, isBinary: boolean) => language.heard(agent, data, isBinary));
  language.welcome(agent);
}

function serveMicwire(client: WebSocket, server: SessionServer, offered: string): void {
  const connection = server.connect(
    {
      get bufferedBytes() {
        return client.bufferedAmount;
      },
      send: (message) => client.send(message),
      close: (code, reason) => client.close(code, reason),
    },
    { token: tokenOf(offered.split(/\s*,\s*/)) },
    performance.now(),
  );
  client.on('message', (data: Buffer, isBinary: boolean) => {
    connection.receive(isBinary ? data : data.toString(), performance.now());
  });
  client.on('close', () => connection.closed(performance.now()));
}
