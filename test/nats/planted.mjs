/** Faults of NATs, of their discovery and of STUN, to be planted: each is found within 300 seeds. */

/** @type {readonly import('../helpers/planting.mjs').Fault[]} */
export const FAULTS = [
  {
    name: 'every mapping depends on the address of the destination',
    file: 'webrtc/nat/nat.ts',
    anchor: 'keyOf(this.#mapping, destination)',
    replacement: "keyOf('address-dependent', destination)",
  },
  {
    name: 'a mapping that has expired lets packets in',
    file: 'webrtc/nat/nat.ts',
    anchor: 'if (entry === undefined || entry.expiresAt <= nowMs) return this.#refuse();',
    replacement: 'if (entry === undefined) return this.#refuse();',
  },
  {
    name: 'packets from outside prolong every mapping',
    file: 'webrtc/nat/nat.ts',
    anchor: 'if (this.#refreshOnInbound) entry.expiresAt',
    replacement: 'entry.expiresAt',
  },
  {
    name: 'the filter does not look at ports',
    file: 'webrtc/nat/nat.ts',
    anchor: "return dependence === 'address-dependent' ? address.address : addressKey(address);",
    replacement: 'return address.address;',
  },
  {
    name: 'two mappings get the same port outside',
    file: 'webrtc/nat/nat.ts',
    anchor: 'if (entry.expiresAt > nowMs) return false;',
    replacement: '',
  },
  {
    name: 'every NAT hairpins',
    file: 'webrtc/nat/nat.ts',
    anchor: 'if (isOwn && !this.#hairpinning) return this.#refuse();',
    replacement: '',
  },
  {
    name: 'a strict filter in front of a symmetric NAT is thought to let it in',
    file: 'webrtc/nat/nat-behaviour.ts',
    anchor: "return isStrict(known) ? 'relay' : 'direct-prflx';",
    replacement: "return 'direct-prflx';",
  },
  {
    name: 'two steady mappings are not enough to meet',
    file: 'webrtc/nat/nat-behaviour.ts',
    anchor: "a.mapping === 'address-dependent' || b.mapping === 'address-dependent'",
    replacement: "a.mapping === 'address-dependent' && b.mapping === 'address-dependent'",
  },
  {
    name: 'an answer from another address than was asked for is taken',
    file: 'webrtc/nat/nat-discovery.ts',
    anchor: 'answerFrom = { address, port: other.port };',
    replacement: 'answerFrom = other;',
  },
  {
    name: 'one lost packet is taken for a filter',
    file: 'webrtc/nat/nat-discovery.ts',
    anchor: 'if (pending.sent < this.#tries) {',
    replacement: 'if (pending.sent < 1) {',
  },
  {
    name: 'the third test of mapping compares with the first',
    file: 'webrtc/nat/nat-discovery.ts',
    anchor: 'const isSame = sameAddress(mapped, this.#second!);',
    replacement: 'const isSame = sameAddress(mapped, this.#found.mapped!);',
  },
  {
    name: 'addresses are hidden by the cookie alone',
    file: 'webrtc/stun/stun-writer.ts',
    anchor: 'return this.#addAddress(type, address, xorMask(this.#transaction));',
    replacement: 'return this.#addAddress(type, address, xorMask(new Uint8Array(12)).reverse());',
  },
];
