/**
 * The Worker of one lane: audio from the audio thread goes to the network here, and audio from the network goes to the audio thread,
 * without passing through the page's thread.
 */
import { openReceiverPort, receiveCapture } from 'micwire/worker';
import type { LaneCommand, LaneEvent } from '../lanes/lane-messages.ts';
import { LaneSession } from './lane-session.ts';
import { errorText } from '../../src/core/errors.ts';

declare const self: DedicatedWorkerGlobalScope;

let session: LaneSession | undefined;

function tell(event: LaneEvent): void {
  self.postMessage(event);
}

function fail(error: unknown): void {
  const reason = errorText(error);
  tell({ type: 'state', state: 'failed', reason });
}

function obey(command: LaneCommand): void {
  switch (command.type) {
    case 'open':
      session = new LaneSession(command.options, tell);
      tell({ type: 'ready' });
      break;
    case 'count':
      if (session) tell({ type: 'counts', id: command.id, counts: session.counts });
      break;
    case 'capture-file':
      tell({ type: 'capture-file', id: command.id, file: session?.captureFile() ?? null });
      break;
    case 'message':
      tell({ type: 'message', id: command.id, message: session?.lastMessage ?? null });
      break;
  }
}

self.onmessage = (event: MessageEvent): void => {
  try {
    const capture = receiveCapture(event);
    const receiver = openReceiverPort(event);
    if (capture) session?.send(capture).catch(fail);
    else if (receiver) session?.deliverTo(receiver);
    else obey(event.data as LaneCommand);
  } catch (error) {
    fail(error);
  }
};
