/** Faults of a session, to be planted: each is found within 300 seeds. There is at least one for each rule. */

/** @type {readonly import('../helpers/planting.mjs').Fault[]} */
export const FAULTS = [
  {
    name: 'the server takes audio again that it has had',
    file: 'session/arrival-cursor.ts',
    anchor: 'const known = Math.max(0, Math.min(frames, this.#next - frame));',
    replacement: 'const known = 0;',
  },
  {
    name: 'audio that the server has in part is cut at the wrong end',
    file: 'session/raw-audio.ts',
    anchor: 'audio.bytes.subarray(skip * bytesPerFrame(stream))',
    replacement: 'audio.bytes.subarray(0, audio.bytes.length - skip * bytesPerFrame(stream))',
  },
  {
    name: 'muted audio is zeros in formats whose silence is another',
    file: 'session/raw-audio.ts',
    anchor: 'bytes.fill(FORMATS[stream.format].silence ?? 0)',
    replacement: 'bytes.fill(0)',
  },
  {
    name: 'gaps that are not neighbours are told as one',
    file: 'session/gap-report.ts',
    anchor: 'last.frame + last.frames === gap.frame',
    replacement: 'last.frame <= gap.frame',
  },
  {
    name: 'what the capture has lost is told as an overflow',
    file: 'session/uplink.ts',
    anchor: "cause: 'capture'",
    replacement: "cause: 'overflow'",
  },
  {
    name: 'what the capture has lost is not counted',
    file: 'session/uplink.ts',
    anchor: 'this.#captureLost += frames;',
    replacement: '',
  },
  {
    name: 'what was in flight on a lost connection does not wait again',
    file: 'session/outbox.ts',
    anchor: 'this.#waiting.prepend(this.#sent);',
    replacement: 'this.#sent.clear();',
  },
  {
    name: 'what was in flight on a lost connection is counted twice',
    file: 'session/outbox.ts',
    anchor: 'this.#waitingFrames += this.#inFlight;\n    this.#inFlight = 0;',
    replacement: 'this.#waitingFrames += this.#inFlight;',
  },
  {
    name: 'audio that was dropped after the server had answered is taken for acknowledged',
    file: 'session/outbox.ts',
    anchor: 'this.#isAnswered = true;',
    replacement: '',
  },
  {
    name: 'the end of a turn is dropped together with the audio behind it',
    file: 'session/outbox-place.ts',
    anchor: 'if (next.commit === null) next.commit = this.commit;',
    replacement: 'if (next.commit === null) next.commit = null;',
  },
  {
    name: 'what the socket still holds counts as having left it',
    file: 'session/outbox.ts',
    anchor: 'if (next.handedBytes > this.#leftBytes) break;',
    replacement: '',
  },
  {
    name: 'more than the overlap is sent again',
    file: 'session/outbox.ts',
    anchor: 'nowMs - doneAtMs < this.#overlapMs',
    replacement: 'nowMs - doneAtMs < this.#overlapMs + 150',
  },
  {
    name: 'an outbox forgets its bound on bytes',
    file: 'session/outbox.ts',
    anchor: 'this.#maxBytes = maxBytes;',
    replacement: 'this.#maxBytes = Infinity;',
  },
  {
    name: 'a backlog is sent as fast as the socket takes it',
    file: 'session/pacer.ts',
    anchor: 'return missing <= 0 ? nowMs : nowMs + missing / this.#framesPerMs;',
    replacement: 'return nowMs;',
  },
  {
    name: 'a session comes back at once, again and again',
    file: 'session/retry-delay.ts',
    anchor: 'return this.#random() * limit;',
    replacement: 'return 0 * limit;',
  },
  {
    name: 'audio is sent before the service is ready',
    file: 'session/session-life.ts',
    anchor: 'if (this.#service.readyOnOpen) this.#ready(link);',
    replacement: 'this.#ready(link);',
  },
  {
    name: 'a half-open connection is waited for',
    file: 'session/session-life.ts',
    anchor: 'if (nowMs >= this.#stallsAtMs(link)) return this.#giveUp(link);',
    replacement: '',
  },
  {
    name: 'a socket that never opens is waited for',
    file: 'session/session-life.ts',
    anchor: 'link.deadlineMs = this.#clock.nowMs + this.#connectTimeoutMs;',
    replacement: 'link.deadlineMs = Infinity;',
  },
  {
    name: 'a session comes back where the service has said no',
    file: 'session/session-life.ts',
    anchor: 'if (link.refusal !== null) return this.#fail(link.refusal);',
    replacement: '',
  },
  {
    name: 'a new connection does not know how far the reply had come',
    file: 'session/session-life.ts',
    anchor: 'this.#handle = event.handle;',
    replacement: '',
  },
  {
    name: 'requests are sent again that a socket sends as it closes',
    file: 'session/request-queue.ts',
    anchor: 'if (mayArrive) this.#handed.clear();',
    replacement: '',
  },
  {
    name: 'the server sends the messages of the app again on each connection',
    file: 'session/server/server-session.ts',
    anchor: "this.#replies.note(message, '', false);",
    replacement: "this.#replies.note(message, '', true);",
  },
  {
    name: 'a socket is left when a session ends',
    file: 'session/session-life.ts',
    anchor: "this.#push({ type: 'disconnect', attempt: link.attempt, code: OVER });",
    replacement: '',
  },
  {
    name: 'a message that cannot be read ends the session',
    file: 'session/session-link.ts',
    anchor: 'this.errorOnce(`decode ${cause.reason}`, BAD_MESSAGE, cause);',
    replacement: 'throw cause;',
  },
];
