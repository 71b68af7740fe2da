/**
 * The Worker that encodes Opus for `Capture`: a separate script, `dist/worker/opus.js`. It receives `OpusWorkerCommand`s and sends
 * packets as a capture processor sends chunks.
 */
import type { OpusWorkerCommand, OpusWorkerEvent } from '../core/messages.ts';
import { OpusSession } from './opus-session.ts';
import type { Chunk } from '../core/capture/chunk.ts';
import { receiveCapture } from './receive-capture.ts';
import type { ReceivedCapture } from './receive-capture.ts';
import { webCodecsFaults } from './web-codecs-opus.ts';
import { errorText } from '../core/errors.ts';

declare const self: DedicatedWorkerGlobalScope;

let session: OpusSession | undefined;

function tell(event: OpusWorkerEvent): void {
  self.postMessage(event);
}

function fail(error: unknown): void {
  tell({ type: 'failed', message: errorText(error) });
}

async function obey(command: OpusWorkerCommand): Promise<void> {
  switch (command.type) {
    case 'probe':
      tell({ type: 'probed', faults: await webCodecsFaults(command.settings, command.asked) });
      break;
    case 'open':
      session = new OpusSession(command.options, fail, (ms) => tell({ type: 'encoded', ms }));
      tell({ type: 'opened', preSkip: session.preSkip });
      break;
    case 'pipe':
      session?.redirect(command.port, command.refill);
      break;
    case 'adjust':
      session?.adjust(command.options);
      break;
    case 'micwire-capture': {
      const capture = receiveCapture({ data: command });
      if (session === undefined || capture === undefined) return;
      // Opus is captured as f32 samples, which the session encodes.
      await session.run(capture as AsyncIterable<Chunk> & ReceivedCapture);
      tell({ type: 'ended' });
      break;
    }
  }
}

self.onmessage = ({ data }: MessageEvent<OpusWorkerCommand>): void => {
  obey(data).catch(fail);
};

tell({ type: 'loaded' });
