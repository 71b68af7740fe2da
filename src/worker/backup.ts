/**
 * The Worker that backs up a recording: a separate script, `dist/worker/backup.js`. Chunks reach it without passing through the
 * page, and the data that it has written outlasts the page, however the page ends.
 */
import type { BackupWorkerCommand, BackupWorkerEvent } from '../core/messages.ts';
import { BackupWriter } from '../storage/backup-writer.ts';
import { receiveCapture } from './receive-capture.ts';
import { errorText } from '../core/errors.ts';

declare const self: DedicatedWorkerGlobalScope;

let writer: BackupWriter | undefined;
/** Settles when the capture has ended. */
let reading: Promise<void> | undefined;

function tell(event: BackupWorkerEvent): void {
  self.postMessage(event);
}

function fail(error: unknown): void {
  tell({ type: 'failed', message: errorText(error) });
}

async function read(handover: Extract<BackupWorkerCommand, { type: 'micwire-capture' }>) {
  const capture = receiveCapture({ data: handover });
  if (writer === undefined || capture === undefined) return;
  for await (const chunk of capture) writer.add(chunk);
}

async function obey(command: BackupWorkerCommand): Promise<void> {
  switch (command.type) {
    case 'open':
      writer = await BackupWriter.open(command.request, fail);
      tell({ type: 'opened' });
      break;
    case 'micwire-capture':
      reading = read(command);
      await reading;
      break;
    case 'end':
      // A backup that is kept must include the last chunk.
      if (!command.complete) await reading?.catch(() => {});
      await writer?.end(command.complete);
      tell({ type: 'ended' });
      break;
  }
}

self.onmessage = ({ data }: MessageEvent<BackupWorkerCommand>): void => {
  obey(data).catch(fail);
};

tell({ type: 'loaded' });
