import { MicwireError } from '../../core/errors.ts';
import { ICE_FRAGMENT_TYPE } from '../../core/webrtc/ice-fragment.ts';
import { MAX_SDP_LENGTH } from '../../core/webrtc/signal-message.ts';
import { readCreated, readRefusal, refusedError } from '../../core/webrtc/whip-messages.ts';
import type { CreatedSession, WhipRefusal, WhipRequest } from '../../core/webrtc/whip-messages.ts';
import { parsedUrl } from './whip-options.ts';

/** Timeout of a request about an existing session, in ms. */
const REQUEST_MS = 10_000;
const SDP_TYPE = 'application/sdp';

interface OneRequest extends Pick<RequestInit, 'method' | 'body' | 'keepalive'> {
  readonly headers?: Readonly<Record<string, string>>;
}

/** A session that the endpoint has created. */
export interface NegotiatedSession extends CreatedSession {
  /** Whether the server sent an answer to the offer, or an offer. */
  readonly kind: 'answer' | 'offer';
  readonly sdp: string;
}

/** Sends the requests for one session at an endpoint, from its creation to its end (RFC 9725 §4.2; the same for WHEP). */
export class WhipResource {
  /** Identifies the ICE session; null if the server does not identify it. */
  etag: string | null = null;
  readonly #endpoint: string;
  readonly #token: string | null;
  readonly #createMs: number;
  /** The session's address; null while there is no session. */
  #address: string | null = null;
  /** Settles when no request that creates a session is in progress. */
  #creating: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(endpoint: string, token: string | null, createMs: number) {
    this.#endpoint = endpoint;
    this.#token = token;
    this.#createMs = createMs;
  }

  /**
   * Creates the session. A session created after `delete()` ends immediately.
   * @param offer the offer; empty to ask the server for one
   * @param takesOffer whether an offer from the server can be used instead
   * @throws MicwireError `'transport'` or `'unsupported'`; the cause is a {@link WhipRefusal} if the server has answered
   */
  async create(offer: string, takesOffer: boolean): Promise<NegotiatedSession> {
    const isEmpty = offer === '';
    const creating = this.#create(
      {
        method: 'POST',
        ...(isEmpty ? {} : { headers: { 'content-type': SDP_TYPE }, body: offer }),
      },
      takesOffer,
    );
    this.#creating = creating.catch(() => {});
    const { response, created, isCounter } = await creating;
    const { status } = response;
    if (created === null) {
      if (status === 201) throw new MicwireError('transport', NO_LOCATION);
      throw this.#refused('offer', response);
    }
    const kind = isEmpty || isCounter ? 'offer' : 'answer';
    return { ...created, kind, sdp: await textOf(response) };
  }

  async #create(
    request: OneRequest,
    takesOffer: boolean,
  ): Promise<{
    readonly response: Response;
    readonly created: CreatedSession | null;
    readonly isCounter: boolean;
  }> {
    const response = await this.#request(this.#endpoint, this.#createMs, request);
    const { status, url } = response;
    // 406 with a session: the server makes another offer.
    const isCounter = status === 406 && takesOffer;
    const created = status === 201 || isCounter ? readCreated(response.headers) : null;
    if (created !== null) {
      this.#address = sessionAddress(created.location, url || this.#endpoint, this.#endpoint);
      this.etag = created.etag;
    }
    if (this.#isClosed) await this.#end();
    return { response, created, isCounter };
  }

  /** Sends the answer to the server's offer. @throws as `create` */
  async answer(sdp: string): Promise<void> {
    const response = await this.#patch(SDP_TYPE, sdp, null);
    if (!response.ok) throw this.#refused('answer', response);
  }

  /** Sends candidates. @returns 0, or the status with which the server refused them */
  async trickle(fragment: string): Promise<number> {
    const response = await this.#patch(ICE_FRAGMENT_TYPE, fragment, this.etag);
    return response.ok ? 0 : response.status;
  }

  /**
   * Restarts ICE (RFC 9725 §4.3.3).
   * @returns the server's own fragment
   * @throws as `create`; the session continues unchanged
   */
  async restart(fragment: string): Promise<string> {
    const response = await this.#patch(ICE_FRAGMENT_TYPE, fragment, '*');
    // 204: the server took the request for candidates.
    if (response.status !== 200) throw this.#refused('restart', response);
    this.etag = response.headers.get('etag') ?? this.etag;
    return textOf(response);
  }

  /**
   * Ends the session, immediately and even while the page is being closed, or as soon as the session exists. Settles when the
   * server has answered, and never rejects.
   */
  async delete(): Promise<void> {
    this.#isClosed = true;
    await this.#end();
    await this.#creating;
  }

  /** Ends the session so that another one can replace it. */
  leave(): Promise<void> {
    return this.#end();
  }

  async #end(): Promise<void> {
    const address = this.#address;
    this.#address = null;
    if (address === null) return;
    try {
      await this.#request(address, REQUEST_MS, { method: 'DELETE', keepalive: true });
    } catch {
      // The server notices by itself that the client is gone (RFC 7675).
    }
  }

  async #patch(type: string, body: string, match: string | null): Promise<Response> {
    const address = this.#address;
    if (address === null) throw new MicwireError('closed', 'The session has ended.');
    const condition = match === null ? {} : { 'if-match': match };
    const headers = { 'content-type': type, ...condition };
    return this.#request(address, REQUEST_MS, { method: 'PATCH', headers, body });
  }

  async #request(address: string, withinMs: number, request: OneRequest): Promise<Response> {
    const token = this.#token === null ? {} : { authorization: `Bearer ${this.#token}` };
    try {
      return await fetch(address, {
        ...request,
        headers: { ...request.headers, ...token },
        signal: AbortSignal.timeout(withinMs),
      });
    } catch (cause) {
      throw new MicwireError(
        'transport',
        `The server did not answer. Is ${new URL(address).origin} right and up, and does it allow pages of this origin (CORS)?`,
        { cause },
      );
    }
  }

  #refused(request: WhipRequest, response: Response): MicwireError {
    const refusal: WhipRefusal = readRefusal(
      response.status,
      response.headers,
      (date) => Date.parse(date) - Date.now(),
    );
    const from = response.redirected ? new URL(response.url).origin : null;
    return refusedError(request, refusal, from !== null && from !== new URL(this.#endpoint).origin);
  }
}

/** @param base the address that answered, after redirects. @param endpoint the address of the original request */
function sessionAddress(location: string, base: string, endpoint: string): string {
  const address = parsedUrl(location, base);
  const { protocol } = new URL(endpoint);
  // The token is sent there, so it must never go from https to an unencrypted address, not even by a redirect.
  if (address?.protocol === protocol || address?.protocol === 'https:') return address.href;
  throw new MicwireError('transport', NO_LOCATION);
}

/** Returns the body, unless it is longer than any session description. */
async function textOf(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  if (response.body === null) return text;
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    text += decoder.decode(value, { stream: true });
    if (text.length > MAX_SDP_LENGTH) {
      void reader.cancel();
      const words = `The server's description is longer than ${MAX_SDP_LENGTH} characters.`;
      throw new MicwireError('transport', words);
    }
  }
}

const NO_LOCATION =
  'The server has created a session without a usable address. It needs a header Location, and for pages of another origin ' +
  "'Access-Control-Expose-Headers: Location, ETag, Link'.";
