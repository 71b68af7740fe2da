/** Whether this browser records: WebKitGTK may be built with a MediaRecorder that does not. */
export const RECORDS: boolean = canRecord();

function canRecord(): boolean {
  const context = new AudioContext();
  try {
    const recorder = new MediaRecorder(new MediaStreamAudioDestinationNode(context).stream);
    recorder.start();
    recorder.stop();
    return true;
  } catch {
    return false;
  } finally {
    void context.close();
  }
}
