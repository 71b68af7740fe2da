/** Faults of the deciding part of a microphone, to be planted: each is found within 300 seeds. */

/** @type {readonly import('../helpers/planting.mjs').Fault[]} */
export const FAULTS = [
  {
    name: 'a track that opens after its call was superseded is not stopped',
    file: 'microphone/acquisition.ts',
    anchor: 'if (opening === undefined || !this.#canUse(opening)) {\n      this.#stop(request);',
    replacement: 'if (opening === undefined || !this.#canUse(opening)) {',
  },
  {
    name: 'a track that was connected and not heard yet is not stopped when it is not needed any more',
    file: 'microphone/track-pair.ts',
    anchor: 'else this.#takeBack();\n    this.#stop(next);',
    replacement: 'else this.#takeBack();',
  },
  {
    name: 'a call that is superseded is never settled',
    file: 'microphone/acquisition.ts',
    anchor: 'if (pursuit.call !== null) {\n      this.#listener.push(',
    replacement: 'if (pursuit.call === null) {\n      this.#listener.push(',
  },
  {
    name: 'devices that come and go make a storm of openings',
    file: 'token-bucket.ts',
    anchor: 'this.#tokens = Math.max(-this.#maxDebt, this.#tokens - count);',
    replacement: '',
  },
  {
    name: 'a permission that is granted again opens nothing',
    file: 'microphone/microphone-life.ts',
    anchor: "if (permission !== 'granted') return;",
    replacement: 'return;',
  },
  {
    name: 'a device that vanishes from the list without an event is not missed',
    file: 'microphone/microphone-life.ts',
    anchor: "if (current !== null && this.#devices.look(current)) this.#currentGone('ended');",
    replacement: '',
  },
  {
    name: 'the default is not followed when it changes',
    file: 'microphone/known-devices.ts',
    anchor: 'return isInPlace && this.#isNoDefault(track) ? [null] : [];',
    replacement: 'return [];',
  },
  {
    name: 'the wanted device is not taken again when it comes back',
    file: 'microphone/known-devices.ts',
    anchor: 'return isFallback ? [same.deviceId, null] : [same.deviceId];',
    replacement: 'return [];',
  },
  {
    name: 'the device in use is let go before the new one is opened',
    file: 'microphone/acquisition.ts',
    anchor: 'this.#pursuit = pursuit;\n    this.#advance();',
    replacement:
      "this.#pursuit = pursuit;\n    if (pursuit.kind === 'use') this.pair.dropCurrent(pursuit.cause);\n    this.#advance();",
  },
  {
    name: 'the old device is not opened again when the new one does not open',
    file: 'microphone/microphone-life.ts',
    anchor: 'this.#plans.retryAtMs = this.#isSeeking ? nowMs : Infinity;',
    replacement: 'this.#plans.retryAtMs = Infinity;',
  },
  {
    name: 'a mute of the system is waited out for ever',
    file: 'microphone/microphone-life.ts',
    anchor: 'if (nowMs >= this.#plans.muteDueMs) this.#giveUp();',
    replacement: '',
  },
  {
    name: 'a user who has refused another device is asked again',
    file: 'microphone/known-permission.ts',
    anchor: 'if (isUsers) this.#isRefused = true;',
    replacement: '',
  },
  {
    name: 'a silent device is told though it was opened again and is heard',
    file: 'microphone/silence-watch.ts',
    anchor: '} else this.end();',
    replacement: '}',
  },
  {
    name: 'a track that is dead without any event is not opened again',
    file: 'microphone/microphone-life.ts',
    anchor: 'this.#silence.isToTryAgain(current)',
    replacement: 'false',
  },
  {
    name: 'a gap is not told when the device in use ends',
    file: 'microphone/track-pair.ts',
    anchor: "this.#push({ type: 'lose', cause });",
    replacement: '',
  },
];
