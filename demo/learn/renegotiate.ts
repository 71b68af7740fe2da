/** Offer and answer of one negotiation, as both ends have set them. */
export interface Negotiated {
  readonly offer: string;
  readonly answer: string;
}

/**
 * Negotiates two connected ends of a call within one page again (RFC 3264 §8, RFC 9429 §5.2.2): their addresses and keys stay.
 * @param rewrite changes each description before it is set, and so what its writer asks of the other side
 */
export async function renegotiate(
  caller: RTCPeerConnection,
  callee: RTCPeerConnection,
  rewrite: (sdp: string) => string = (sdp) => sdp,
): Promise<Negotiated> {
  const made = await caller.createOffer();
  const offer = rewrite(made.sdp ?? '');
  await caller.setLocalDescription({ type: 'offer', sdp: offer });
  await callee.setRemoteDescription({ type: 'offer', sdp: offer });
  const answered = await callee.createAnswer();
  const answer = rewrite(answered.sdp ?? '');
  await callee.setLocalDescription({ type: 'answer', sdp: answer });
  await caller.setRemoteDescription({ type: 'answer', sdp: answer });
  return { offer, answer };
}
