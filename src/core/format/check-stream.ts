import { MAX_CHANNELS, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, integerIn, oneOf } from '../arguments.ts';
import { FORMATS, PAYLOAD_FORMATS, SAMPLE_FORMATS } from './formats.ts';
import type { PayloadFormat, SampleFormat } from './formats.ts';
import { PACKET_CODECS } from './packet-codecs.ts';
import type { StreamFormat } from './stream-format.ts';

/**
 * Checks a stream of samples.
 * @returns only the three fields
 * @throws TypeError for another format; TypeError or RangeError for a rate or a channel count out of range
 */
export function checkSampleStream(stream: StreamFormat): StreamFormat<SampleFormat> {
  return check(stream, SAMPLE_FORMATS);
}

/**
 * Checks a stream.
 * @returns only the three fields
 * @throws TypeError for another format; TypeError or RangeError for a rate or a channel count that the format does not have
 */
export function checkStream(stream: StreamFormat): StreamFormat {
  const checked = check(stream, PAYLOAD_FORMATS);
  const { codec } = FORMATS[checked.format];
  if (codec === undefined) return checked;
  const { sampleRates, maxChannels } = PACKET_CODECS[codec];
  const { sampleRate, channels } = checked;
  if (!sampleRates.includes(sampleRate)) {
    throw new RangeError(`sampleRate must be one of ${sampleRates.join(', ')}, got ${sampleRate}.`);
  }
  integerIn('channels', channels, 1, maxChannels);
  return checked;
}

function check<const Format extends PayloadFormat>(
  { format, sampleRate, channels }: StreamFormat,
  formats: readonly Format[],
): StreamFormat<Format> {
  return {
    format: oneOf('format', format, formats),
    sampleRate: integerIn('sampleRate', sampleRate, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE),
    channels: integerIn('channels', channels, 1, MAX_CHANNELS),
  };
}
