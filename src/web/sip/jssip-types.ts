/* The part of JsSIP 3 that is used. Its own declarations need those of Node, which pages do not have. */

/** The module that `import('jssip')` loads. */
export interface JsSip {
  readonly UA: new (configuration: object) => JsSipAgent;
}

/** The parts of a response that are read. */
interface JsSipResponse {
  readonly status_code: number;
  readonly reason_phrase: string;
}

/** Why a session or a registration failed; without a response if none arrived. */
export interface JsSipFailure {
  readonly originator?: 'local' | 'remote' | 'system';
  readonly message?: Partial<JsSipResponse> | string | null;
  readonly response?: Partial<JsSipResponse> | null;
  readonly cause?: string;
}

/** Events of an agent. */
interface JsSipAgentEvents {
  connected: () => void;
  disconnected: () => void;
  registered: () => void;
  unregistered: () => void;
  registrationFailed: (event: JsSipFailure) => void;
  newRTCSession: (event: {
    readonly originator: 'local' | 'remote';
    readonly session: JsSipSession;
  }) => void;
}

/** A user agent. */
export interface JsSipAgent {
  start(): void;
  stop(): void;
  register(): void;
  unregister(): void;
  isRegistered(): boolean;
  call(target: string, options: object): JsSipSession;
  on<Type extends keyof JsSipAgentEvents>(type: Type, listener: JsSipAgentEvents[Type]): unknown;
}

/** A tone in an INFO request. */
interface JsSipTone {
  readonly tone: string;
  readonly duration: number;
  on(type: 'succeeded' | 'failed', listener: (event: JsSipFailure) => void): unknown;
}

/** Events of a session. */
export interface JsSipSessionEvents {
  peerconnection: (event: { readonly peerconnection: RTCPeerConnection }) => void;
  progress: (event: { readonly originator: string }) => void;
  accepted: () => void;
  confirmed: () => void;
  ended: (event: JsSipFailure) => void;
  failed: (event: JsSipFailure) => void;
  hold: () => void;
  unhold: () => void;
  newDTMF: (event: { readonly originator: string; readonly dtmf: JsSipTone }) => void;
  refer: (event: JsSipRefer) => void;
  /** An INVITE that should replace this call (RFC 3891); unless it is answered, the caller waits. */
  replaces: (event: { readonly reject: () => void }) => void;
  /** A listener may change `sdp`. */
  sdp: (event: { readonly originator: string; readonly type: string; sdp: string }) => void;
  icecandidate: (event: { readonly ready: () => void }) => void;
}

/** A transfer that the other side requests. */
export interface JsSipRefer {
  readonly request: { readonly refer_to: { readonly uri: { toString(): string } } };
  readonly accept: (made: (session: JsSipSession) => void, options: object) => void;
  readonly reject: () => void;
}

/** Options of a request within a call. */
interface JsSipRequestOptions {
  readonly eventHandlers?: object;
}

/** A call. */
export interface JsSipSession {
  /** True while this side holds the call. Internal to JsSIP, which has no other way to undo a refused hold. */
  _localHold: boolean;
  readonly connection: RTCPeerConnection | null;
  readonly remote_identity: {
    readonly display_name: string | null | undefined;
    readonly uri: { toString(): string };
  };
  isEnded(): boolean;
  isOnHold(): { readonly local: boolean; readonly remote: boolean };
  answer(options: object): void;
  terminate(options?: object): void;
  hold(options: object, done: () => void): boolean;
  unhold(options: object, done: () => void): boolean;
  mute(options: object): void;
  unmute(options: object): void;
  sendDTMF(tones: string, options: object): void;
  refer(target: string, options: object): void;
  sendRequest: (method: string, options?: JsSipRequestOptions) => unknown;
  on<Type extends keyof JsSipSessionEvents>(
    type: Type,
    listener: JsSipSessionEvents[Type],
  ): unknown;
}
