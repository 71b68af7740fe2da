import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { extname } from 'node:path';
import type { Writable } from 'node:stream';
import { OPUS_RATE, opusPacketFrames } from '../core/codec/opus-packet.ts';
import { recordingMuxer } from '../core/container/recording-muxer.ts';
import type { RecordingMuxer } from '../core/container/recording-muxer.ts';
import { FORMATS } from '../core/format/formats.ts';
import { bytesPerFrame, isSampled } from '../core/format/stream-format.ts';
import type { StreamFormat } from '../core/format/stream-format.ts';
import { MicwireError, NatsListener, PacketError, StreamRecorder } from '../node/index.ts';
import type { ListenOptions, ListenedStream, NatsOptions, StreamChunk } from '../node/index.ts';
import { describeStream, logRecording } from './serve.ts';
import { errorText } from '../core/errors.ts';

/** What `micwire listen` is told. */
export interface ListenerOptions {
  readonly nats: NatsOptions;
  readonly stream: string;
  readonly from: ListenOptions;
  /** A file; `-`: the standard output. */
  readonly output: string;
  /** Told what happens: one line each. Not to the standard output, where the audio may go. */
  readonly log: (line: string) => void;
}

/** Where audio goes. */
interface Sink {
  write(chunk: StreamChunk): Promise<void>;
  close(): Promise<void>;
}

/** Silence for what is missing is no longer than this: a client may be muted for hours. */
const MAX_SILENCE_SECONDS = 60;
const MAX_GAP_MS = 86_400_000;
/** Frames of libopus' look-ahead, 48 kHz. */
const OPUS_LOOK_AHEAD = 312;

/**
 * Writes a stream to a file or to the standard output, until it is over or `signal` says so.
 * @throws Error with what to do, when NATS or the file is of no use
 */
export async function listenTo(options: ListenerOptions, signal: AbortSignal): Promise<void> {
  const { nats, stream: id, from, output, log } = options;
  const listener = await NatsListener.connect(
    { ...nats, failed: (error) => log(errorText(error)) },
    signal,
  );
  try {
    const stream = await listener.listen(id, from);
    log(`Listening to ${id}`);
    const close = (): void => void stream.close();
    signal.addEventListener('abort', close, { once: true });
    if (signal.aborted) close();
    await writeTo(stream, output, log);
    const { deliveredFrames, missingFrames } = stream.stats;
    log(`${id}: ${stream.ending}, ${deliveredFrames} frames, ${missingFrames} missing`);
  } finally {
    await listener.close();
  }
}

async function writeTo(
  stream: ListenedStream,
  output: string,
  log: (line: string) => void,
): Promise<void> {
  let sink: Sink | null = null;
  // A program that reads it may end first.
  process.stdout.on('error', () => void stream.close());
  try {
    for await (const chunk of stream) {
      const { format } = stream;
      if (sink === null) log(`${stream.id}: ${describeStream(format!)}, from frame ${chunk.frame}`);
      sink ??= await openSink(output, format!, chunk.frame, log);
      await sink.write(chunk);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  } finally {
    await sink?.close();
  }
}

async function openSink(
  output: string,
  stream: StreamFormat,
  origin: number,
  log: (line: string) => void,
): Promise<Sink> {
  const extension = extname(output).toLowerCase();
  if (output === '-' || ['.raw', '.pcm'].includes(extension)) {
    const out = output === '-' ? process.stdout : (await open(output, 'w')).createWriteStream();
    return rawSink(out, stream, origin);
  }
  const wanted = isSampled(stream) ? ['.wav'] : ['.ogg', '.opus'];
  if (!wanted.includes(extension)) {
    throw new MicwireError(
      'recording',
      `${output} must end in ${wanted.join(' or ')} for ${stream.format}, or in .raw; or be -, the standard output.`,
    );
  }
  const recorder = await StreamRecorder.open(output, { stream, origin, maxGapMs: MAX_GAP_MS });
  let failure: Error | undefined;
  return {
    async write(chunk) {
      const written = recorder.write(chunk);
      written.catch((error: Error) => (failure ??= error));
      // It writes ten times a second: waiting for each chunk would be slower than the stream.
      if (recorder.isFull) await written;
      if (failure !== undefined) throw failure;
    },
    async close() {
      logRecording(log, await recorder.close());
    },
  };
}

/** Samples as they are, with silence for what is missing; packets of Opus as Ogg. */
function rawSink(out: Writable, stream: StreamFormat, origin: number): Sink {
  let failure: Error | undefined;
  out.on('error', (error: Error) => (failure ??= error));
  const give = async (bytes: Uint8Array): Promise<void> => {
    if (failure !== undefined) throw failure;
    if (!out.write(bytes)) await once(out, 'drain');
  };
  const end = async (): Promise<void> => {
    if (out === process.stdout || failure !== undefined) return;
    out.end();
    await once(out, 'finish');
  };
  if (!isSampled(stream)) return oggSink(give, end, stream, origin);
  const { silence = 0 } = FORMATS[stream.format];
  return {
    async write({ bytes, missing }) {
      const frames = Math.min(missing, MAX_SILENCE_SECONDS * stream.sampleRate);
      if (frames > 0) await give(new Uint8Array(frames * bytesPerFrame(stream)).fill(silence));
      await give(bytes);
    },
    close: end,
  };
}

function oggSink(
  give: (bytes: Uint8Array) => Promise<void>,
  end: () => Promise<void>,
  stream: StreamFormat,
  origin: number,
): Sink {
  let muxer: RecordingMuxer | undefined;
  const giveAll = async (pieces: Iterable<Uint8Array>): Promise<void> => {
    for (const piece of pieces) await give(piece);
  };
  return {
    async write({ frame, frames, bytes }) {
      try {
        muxer ??= recordingMuxer(
          {
            container: 'ogg',
            stream,
            preSkip: Math.round((OPUS_LOOK_AHEAD * stream.sampleRate) / OPUS_RATE),
            chunkDurationMs: (opusPacketFrames(bytes) / OPUS_RATE) * 1000,
          },
          1,
        );
        await giveAll(muxer.add({ frame: frame - origin, frames, bytes }));
      } catch (error) {
        // Anything that is not a packet is left out.
        if (!(error instanceof PacketError)) throw error;
      }
    },
    async close() {
      if (muxer !== undefined) await giveAll(muxer.end(false));
      await end();
    },
  };
}
