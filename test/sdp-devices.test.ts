import { describe, expect, it } from 'vitest';
import { explainSdp } from '../src/core/webrtc/sdp-explained.ts';
import { parseSdp } from '../src/core/webrtc/sdp.ts';
import { CHROMIUM_OFFER } from './helpers/sdp-samples.ts';

const HEAD = ['v=0', 'o=- 1 1 IN IP4 192.0.2.1', 's=-', 'c=IN IP4 192.0.2.1', 't=0 0'];
const sdp = (...lines: readonly string[]): string =>
  [...HEAD, ...lines].map((line) => `${line}\r\n`).join('');
/** What the last line that begins so is explained by. */
const words = (text: string, start: string): string =>
  explainSdp(text).lines.findLast((line) => line.text.startsWith(start))!.explanation;
const ICE = ['a=ice-ufrag:abcd', 'a=ice-pwd:0123456789012345678901'];

describe('descriptions of real devices', () => {
  it.each([
    ['a media line without formats', ['m=audio 4000 RTP/AVP 0', 'm=audio 0 RTP/AVP'], 2],
    ['a payload type above 127', ['m=audio 4000 RTP/AVP 8', 'm=video 0 RTP/AVP 255'], 2],
    ['a blank at the end', ['m=audio 4000 RTP/AVP 8 '], 1],
    ['a media line of one word', ['m=audio'], 1],
    ['a port that is not a number', ['m=audio x RTP/AVP 0'], 1],
    ['a port above 65535', ['m=audio 70000 RTP/AVP 0'], 1],
    ['a line without a type', ['hello there', 'm=audio 4000 RTP/AVP 8'], 1],
    ['an empty line', ['', 'm=audio 4000 RTP/AVP 8'], 1],
    ['a line of a letter that SDP does not have', ['x=1', 'm=audio 4000 RTP/AVP 8'], 1],
    ['a line that is indented', ['m=audio 4000 RTP/AVP 8', '  a=mid:0'], 1],
    ['an attribute without a name', ['m=audio 4000 RTP/AVP 8', 'a=:x'], 1],
    ['a candidate that cannot be read', ['m=audio 4000 RTP/AVP 8', 'a=candidate:1 1 udp'], 1],
    ['a stream number of 33 bits', ['m=audio 4000 RTP/AVP 8', 'a=ssrc:4294967296 cname:x'], 1],
    ['parameters of no payload type', ['m=audio 4000 RTP/AVP 8', 'a=fmtp:x y'], 1],
    ['parameters twice', ['m=audio 9 RTP/AVP 8', 'a=fmtp:8 a=1', 'a=fmtp:8 b=2'], 1],
    ['a codec twice', ['m=audio 9 RTP/AVP 8', 'a=rtpmap:8 PCMA/8000', 'a=rtpmap:8 G722/8000'], 1],
    ['a payload type twice', ['m=audio 9 RTP/AVP 8 8'], 1],
    ['a payload type that nothing explains', ['m=audio 9 RTP/AVP 96'], 1],
    ['a codec without a rate', ['m=audio 9 RTP/AVP 96', 'a=rtpmap:96 opus'], 1],
  ])('keeps, marks and explains %s, and reads everything else', (_name, lines, sections) => {
    const text = sdp(...lines);
    const { media, lines: all } = explainSdp(text);
    expect(media.length).toBe(sections);
    expect(all.map((line) => `${line.text}\r\n`).join('')).toBe(text);
    const odd = all.filter(({ fault }) => fault !== '');
    expect(odd.length).toBe(1);
    expect(odd[0]!.fault).toMatch(/^[A-Z'][^]{20,}[.]$/);
    expect(odd[0]!.explanation.endsWith(odd[0]!.fault)).toBe(true);
  });

  it('marks nothing in a browser’s offer', () => {
    expect(parseSdp(CHROMIUM_OFFER).lines.filter(({ fault }) => fault !== '')).toEqual([]);
  });

  it.each([
    ['lone line feeds', (text: string) => text.replaceAll('\r\n', '\n')],
    ['lone carriage returns', (text: string) => text.replaceAll('\r\n', '\r')],
    ['no line break at the end', (text: string) => text.trimEnd()],
    ['empty lines at both ends', (text: string) => `\r\n\n${text}\r\n\n`],
    ['a byte order mark', (text: string) => `\ufeff${text}`],
    ['blanks at the end of every line', (text: string) => text.replaceAll('\r\n', ' \r\n')],
  ])('reads a browser’s offer with %s like the original', (_name, change) => {
    const { media, bundle } = parseSdp(change(CHROMIUM_OFFER));
    const good = parseSdp(CHROMIUM_OFFER);
    expect(media).toEqual(good.media);
    expect(bundle).toEqual(good.bundle);
  });

  it('describes faulty lines', () => {
    const fault = (...lines: readonly string[]): string =>
      parseSdp(sdp(...lines)).lines.find((line) => line.fault !== '')!.fault;
    expect(fault('m=audio 0 RTP/AVP')).toContain('lists no formats');
    expect(fault('m=video 0 RTP/AVP 255')).toContain("'255' is no payload type");
    expect(fault('m=audio 4000 RTP/AVP 8 ')).toContain('ends with blanks');
  });

  it('reads static payload types by the whole table of RFC 3551', () => {
    const audio = [0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18];
    const video = [25, 26, 28, 31, 32, 33, 34];
    const reserved = [1, 2, 19, 20, 24, 35, 71, 72, 76, 95];
    const codecs = parseSdp(
      sdp(`m=audio 4000 RTP/AVP ${[...audio, ...video, ...reserved].join(' ')}`),
    ).media[0]!.codecs.map(
      ({ payloadType, name, clockRate, channels }) =>
        `${payloadType} ${name}/${clockRate}/${channels}`,
    );
    expect(codecs).toEqual([
      '0 PCMU/8000/1',
      '3 GSM/8000/1',
      '4 G723/8000/1',
      '5 DVI4/8000/1',
      '6 DVI4/16000/1',
      '7 LPC/8000/1',
      '8 PCMA/8000/1',
      '9 G722/8000/1',
      '10 L16/44100/2',
      '11 L16/44100/1',
      '12 QCELP/8000/1',
      '13 CN/8000/1',
      '14 MPA/90000/1',
      '15 G728/8000/1',
      '16 DVI4/11025/1',
      '17 DVI4/22050/1',
      '18 G729/8000/1',
      '25 CelB/90000/1',
      '26 JPEG/90000/1',
      '28 nv/90000/1',
      '31 H261/90000/1',
      '32 MPV/90000/1',
      '33 MP2T/90000/1',
      '34 H263/90000/1',
      ...reserved.map((type) => `${type} /0/1`),
    ]);
  });

  it('gives every codec the feedback for all of them, once', () => {
    const { codecs } = parseSdp(
      sdp(
        'm=video 9 UDP/TLS/RTP/SAVPF 96 97',
        'a=rtpmap:96 VP8/90000',
        'a=rtpmap:97 H264/90000',
        'a=rtcp-fb:96 goog-remb',
        'a=rtcp-fb:96 nack',
        'a=rtcp-fb:* nack',
        'a=rtcp-fb:* nack pli',
      ),
    ).media[0]!;
    expect(codecs.map(({ feedback }) => feedback)).toEqual([
      ['goog-remb', 'nack', 'nack pli'],
      ['nack', 'nack pli'],
    ]);
  });

  it('keeps every flag of the parameters', () => {
    const parameters = (value: string): unknown => [
      ...parseSdp(sdp('m=audio 9 RTP/AVP 96', 'a=rtpmap:96 AMR/8000', `a=fmtp:96 ${value}`))
        .media[0]!.codecs[0]!.parameters,
    ];
    expect(parameters('octet-align; robust-sorting;crc=1;QCIF')).toEqual([
      ['octet-align', ''],
      ['robust-sorting', ''],
      ['crc', '1'],
      ['QCIF', ''],
    ]);
    expect(parameters('0-15,66,70')).toEqual([['', '0-15,66,70']]);
    expect(parameters('111/111')).toEqual([['', '111/111']]);
    expect(parameters('0-11;16;x')).toEqual([
      ['x', ''],
      ['', '0-11;16'],
    ]);
    expect(parameters('a=1=2; =;b = 3')).toEqual([
      ['a', '1=2'],
      ['', ''],
      ['b', '3'],
    ]);
  });

  it('reads the offer of a server that forwards 100 people', () => {
    const section = CHROMIUM_OFFER.slice(
      CHROMIUM_OFFER.indexOf('m=audio'),
      CHROMIUM_OFFER.indexOf('m=application'),
    );
    const offer = CHROMIUM_OFFER.slice(0, CHROMIUM_OFFER.indexOf('m=audio')) + section.repeat(100);
    expect(offer.length).toBeGreaterThan(100_000);
    expect(explainSdp(offer).media.length).toBe(100);
  });

  it('reads the offer of a video conferencing room with floor control', () => {
    const text = sdp(
      'b=AS:4000',
      'm=audio 50000 RTP/SAVP 9 0 101',
      'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-15',
      'm=application 50002 UDP/BFCP *',
      'a=floorctrl:c-s',
      'a=setup:actpass',
      'm=application 50004 RTP/AVP 100',
      'a=rtpmap:100 H224/4800',
      'm=image 50006 udptl t38',
      'a=T38FaxVersion:0',
    );
    const { lines, media } = explainSdp(text);
    expect(lines.filter(({ fault }) => fault !== '')).toEqual([]);
    expect(media[1]).toMatchObject({ formats: ['*'], codecs: [] });
    expect(words(text, 'm=application 50002')).toMatch(/BFCP.*over UDP/);
    expect(words(text, 'm=application 50002')).not.toContain('channels');
    expect(words(text, 'm=application 50004')).not.toContain('ata channel');
    expect(words(text, 'm=image')).toContain('Fax: T.38');
    expect(words(text, 'a=crypto')).toContain('RFC 4568');
  });
});

describe('a line is explained in its description', () => {
  it('finds no real port without ICE, and says where the media goes', () => {
    expect(words(sdp('m=audio 9 RTP/AVP 0'), 'm=')).not.toContain('ICE finds');
    expect(words(sdp('m=audio 9 RTP/AVP 0', ...ICE), 'm=')).toContain('ICE finds the real one');
    expect(words(sdp('m=audio 4000 RTP/AVP 0'), 'm=')).toContain('port 4000 of 192.0.2.1');
    expect(words(sdp('m=audio 4000 RTP/AVP 0'), 'o=')).not.toContain('ICE');
    expect(words(sdp('m=audio 4000 RTP/AVP 0', ...ICE), 'o=')).toContain('ICE finds the real ones');
    expect(words(sdp('m=audio 4000 RTP/AVP 0', 'a=rtcp:4001'), 'a=rtcp')).toContain('port 4001');
    expect(words(sdp('m=audio 9 RTP/AVP 0', 'a=rtcp:9', ...ICE), 'a=rtcp')).toContain(
      'without ICE',
    );
  });

  it('explains a connection of 0.0.0.0 as hold, unless ICE has the addresses', () => {
    const held = sdp('m=audio 4000 RTP/AVP 0', 'c=IN IP4 0.0.0.0');
    expect(words(held, 'c=')).toMatch(/^Hold.*RFC 3264 §8.4/);
    const withIce = sdp('m=audio 9 RTP/AVP 0', 'c=IN IP4 0.0.0.0', ...ICE);
    expect(words(withIce, 'c=')).toContain('Candidates say where');
    expect(words(sdp('m=audio 9 RTP/AVP 0', 'c=IN IP4 10.0.0.0'), 'c=')).not.toContain('Hold');
    expect(words(sdp('m=audio 9 RTP/AVP 0', 'c=IN IP4 239.1.2.3/15'), 'c=')).toContain('multicast');
  });

  it('finds ICE in the session, in the section and in the BUNDLE group', () => {
    const uses = (...lines: readonly string[]): readonly boolean[] =>
      parseSdp(sdp(...lines)).media.map(({ usesIce }) => usesIce);
    const sections = ['m=audio 9 RTP/AVP 0', 'a=mid:a', 'm=audio 0 RTP/AVP 0', 'a=mid:b'];
    expect(uses(...ICE, ...sections)).toEqual([true, true]);
    expect(uses(...sections, ...ICE)).toEqual([false, true]);
    expect(uses('a=group:BUNDLE a b', ...sections, ...ICE)).toEqual([true, true]);
    expect(uses(...sections)).toEqual([false, false]);
  });

  it('explains port 0 as refused, but not if the section is bundle-only', () => {
    expect(words(sdp('m=audio 0 RTP/AVP 0'), 'm=')).toContain('refused');
    const bundled = words(sdp('m=audio 0 RTP/AVP 0', 'a=bundle-only'), 'm=');
    expect(bundled).toContain('RFC 9143');
    expect(bundled).not.toContain('refused');
  });

  it('explains setup as DTLS or TCP, depending on the section', () => {
    expect(words(sdp('m=audio 9 UDP/TLS/RTP/SAVPF 0', 'a=setup:active'), 'a=setup')).toContain(
      'DTLS',
    );
    expect(words(sdp('m=application 9 TCP/BFCP *', 'a=setup:active'), 'a=setup')).toContain('TCP');
  });

  it.each([
    ['a=ice-pwd:0123456789012345678901', /keys the checks that are sent to this side.*§7\.2\.2/],
    ['a=ice-ufrag:abcd', /^A name of this side.*§7\.2\.2/],
    ['a=ice-options:trickle', /RFC 8840/],
    ['a=ice-options:trickle ice2', /RFC 8840.*RFC 8445/],
    ['a=end-of-candidates', /RFC 8840/],
    ['a=fmtp:111 useinbandfec=1', /its decoder can use FEC/],
    ['a=fmtp:111 UseInbandFec=1; Stereo=1', /its decoder can use FEC, two channels preferred/],
    [
      'a=fmtp:111 useinbandfec=true;cbr=2',
      /: useinbandfec=true, which cannot be read, cbr=2, which cannot be read\./,
    ],
    ['a=fmtp:111 useinbandfec=1 stereo=1,usedtx=1', /=1 stereo=1,usedtx=1, which cannot be read/],
    ['a=fmtp:111 maxplaybackrate=', /maxplaybackrate=, which cannot be read/],
    ['a=fmtp:111 maxaveragebitrate=abc', /maxaveragebitrate=abc, which cannot be read/],
    ['a=fmtp:111 useinbandfec=0', /its decoder does not use FEC/],
    [
      'a=fmtp:111 stereo=1;sprop-stereo=0',
      /wants Opus sent to it: two channels preferred\. What this side sends: one channel likely\./,
    ],
    ['a=fmtp:111 sprop-maxcapturerate=16000', /^What this side sends: nothing above 16000 Hz/],
    ['a=msid:- track', /belongs to no stream \(RFC 8830\)/],
    ['a=msid:stream track', /names of the stream and of the track/],
    ['a=ssrc:5 msid:- track', /belongs to no stream/],
    ['a=rtpmap:111 opus/48000/2', /always written as 48,000 Hz and two channels/],
    ['a=rtpmap:111 opus/48000/1', /breaks RFC 7587 §7/],
    ['a=rtpmap:111 opus/16000/1', /breaks RFC 7587 §7/],
    ['a=rtpmap:111 opus/48000', /breaks RFC 7587 §7/],
    ['a=rtpmap:111 opus/16000/2', /breaks RFC 7587 §7/],
    ['a=rtpmap:111 G722/16000', /breaks RFC 3551 §4\.5\.2/],
    ['a=group:BUNDLE 0', /only one in its connection/],
    ['a=group:BUNDLE', /No section/],
    ['a=group:LS 0 1', /in time with each other/],
    ['a=rtcp-fb:* nack', /^For every codec/],
    ['a=rtcp-fb:111 nack pli', /lost a picture/],
    ['a=extmap:5 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id', /repairs/],
    ['a=extmap:5/recvonly urn:ietf:params:rtp-hdrext:sdes:mid', /Only this side takes it/],
    ['b=TIAS:64000', /64000 bit\/s/],
    ['b=RR:800', /RTCP/],
    ['k=clear:secret', /must not be used/],
    ['s=Radio', /^A title: Radio\.$/],
  ])('%s', (line, expected) => {
    const base = line.startsWith('a=rtpmap') ? [] : ['a=rtpmap:111 opus/48000/2'];
    const text = sdp('m=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=mid:0', ...base, line);
    expect(words(text, line)).toMatch(expected);
  });

  it('explains the parameters of each line by that line alone', () => {
    const text = sdp(
      'm=audio 9 RTP/AVP 111',
      'a=rtpmap:111 opus/48000/2',
      'a=fmtp:111 stereo=1',
      'a=fmtp:111 usedtx=1',
    );
    expect(words(text, 'a=fmtp:111 stereo')).not.toContain('silence');
    expect(words(text, 'a=fmtp:111 usedtx')).not.toContain('channels');
  });

  it('is short, even for a long line', () => {
    const long = 'x'.repeat(5000);
    const lines = [
      'a=tool:',
      'a=mid:',
      'a=label:',
      'a=group:',
      'a=ssrc:1 ',
      'a=fmtp:111 ',
      'a=ice-options:',
    ];
    const text = sdp('m=audio 9 RTP/AVP 111', ...lines.map((start) => start + long));
    for (const { text: line, explanation } of explainSdp(text).lines) {
      expect(explanation.length, line.slice(0, 20)).toBeLessThan(400);
    }
  });
});

describe('lines that mean something different than they seem to', () => {
  const session = ['v=0', 'o=- 1 1 IN IP4 192.0.2.1', 's=-', 't=0 0'];
  const explained = (...lines: string[]) => explainSdp([...session, ...lines].join('\r\n'));
  const found = (sdp: ReturnType<typeof explainSdp>, start: string) =>
    sdp.lines.filter(({ text }) => text.startsWith(start)).at(-1)!;

  it.each(['IP4 0.0.0.0', 'IP6 ::', 'IP6 0:0:0:0:0:0:0:0'])(
    'c=IN %s without ICE is hold, and its section says so',
    (address) => {
      const sdp = explained(`c=IN ${address}`, 'm=audio 4000 RTP/AVP 0');
      expect(found(sdp, 'c=').explanation).toMatch(/^Hold, in the old way/);
      expect(found(sdp, 'm=').explanation).toContain('Hold, in the old way');
      expect(found(sdp, 'm=').explanation).not.toContain('Media goes to');
    },
  );

  it.each([
    ['IP4 2001:db8::1', true],
    ['IP6 192.0.2.1', true],
    ['IP6 ::ffff:192.0.2.1', false],
    ['IP6 host.example.com', false],
    ['IP4 192.0.2.1', false],
  ])('c=IN %s names the wrong family: %s', (address, isWrong) => {
    const { explanation } = found(explained(`c=IN ${address}`, 'm=audio 4000 RTP/AVP 0'), 'c=');
    expect(explanation.includes('an address of the other family')).toBe(isWrong);
    expect(explanation).toContain(address.split(' ')[1]);
  });

  it('an address may be missing, or be multicast', () => {
    expect(found(explained('c='), 'c=').explanation).toMatch(/^It names no address/);
    expect(found(explained('c=IN IP6 ff02::1'), 'c=').explanation).toContain('multicast');
  });

  it('blanks in front of a name and of the version are read and marked', () => {
    const sdp = explained('m=audio 4000 RTP/AVP 96', 'a= rtpmap:96 opus/48000/2', 'a= sendonly');
    expect(sdp.media[0]).toMatchObject({ direction: 'sendonly', codecs: [{ name: 'opus' }] });
    expect(found(sdp, 'a= rtpmap').fault).toMatch(/^Blanks come before the name/);
    expect(found(sdp, 'a= sendonly').fault).toMatch(/^Blanks come before the name/);
    const version = parseSdp('v= 0\r\ns=-\r\n').lines[0]!;
    expect(version.value).toBe('0');
    expect(version.fault).toMatch(/^Blanks come before the value/);
  });

  it('of two directions the first counts, and the second is marked', () => {
    const sdp = explained('m=audio 4000 RTP/AVP 0', 'a=recvonly', 'a=sendonly');
    expect(sdp.media[0]!.direction).toBe('recvonly');
    expect(found(sdp, 'a=recvonly').fault).toBe('');
    expect(found(sdp, 'a=sendonly').fault).toBe(
      'There is a=recvonly already, which is taken here; other programs may take this one.',
    );
  });

  it('feedback before the first section reaches no codec, and its fault says so', () => {
    const sdp = explained('a=rtcp-fb:* nack', 'm=audio 4000 RTP/AVP 0');
    expect(sdp.media[0]!.codecs[0]!.feedback).toEqual([]);
    expect(found(sdp, 'a=rtcp-fb').fault).toMatch(/reaches no codec/);
  });

  it.each([
    ['a=RTPMAP:96 opus/48000/2', 'a=rtpmap'],
    ['a=SendOnly', 'a=sendonly'],
    ['a=Rtcp-Mux', 'a=rtcp-mux'],
  ])('names are case-sensitive: %s is marked, and skipped', (line, small) => {
    const sdp = explained('m=audio 4000 RTP/AVP 96', line);
    expect(sdp.media[0]).toMatchObject({ direction: 'sendrecv', codecs: [{ name: '' }] });
    expect(found(sdp, line).explanation).toBe(
      `Case counts in names (RFC 8866 §5): it is passed over, and would be read as ${small}.`,
    );
  });

  it('a kind and a protocol in the other case are read and marked', () => {
    const sdp = explained('m=Audio 4000 rtp/avp 0');
    expect(sdp.media[0]).toMatchObject({ kind: 'Audio', codecs: [{ name: 'PCMU' }] });
    expect(found(sdp, 'm=').fault).toMatch(/^Case counts/);
    expect(found(explained('m=image 4000 udptl t38'), 'm=').fault).toBe('');
  });

  it('the words of a candidate may have any case', () => {
    const words = 'a=candidate:1 1 UDP 1 192.0.2.1 4000 TYP SrFlx RADDR 10.0.0.1 RPORT 5';
    const sdp = explained('m=audio 9 UDP/TLS/RTP/SAVPF 0', words);
    expect(sdp.media[0]!.candidates[0]).toMatchObject({
      protocol: 'udp',
      type: 'srflx',
      relatedAddress: '10.0.0.1',
      relatedPort: 5,
    });
  });

  it.each([
    ...['a=rtcp:', 'a=rtcp:x', 'a=rtcp:65536', 'a=rtcp:1x', 'a=sctp-port:-1', 'a=sctp-port:65536'],
    ...['a=ptime:', 'a=ptime:20ms', 'a=maxptime:-1', 'a=minptime:x', 'a=max-message-size:1 MB'],
    ...['a=mid:', 'a=mid:a b', 'a=ice-ufrag:', 'a=ice-ufrag:abc', 'a=ice-pwd:short'],
    ...['a=setup:', 'a=setup:both', 'a=fingerprint:', 'a=fingerprint:sha-256', 'a=fingerprint:1 G'],
  ])('%s cannot be read, and its explanation says why', (line) => {
    const sdp = explained('m=audio 4000 RTP/AVP 0', line);
    expect(found(sdp, line).explanation).toMatch(/^Cannot be read: it has to be .+\.$/);
    expect(found(sdp, line).fault).toBe(found(sdp, line).explanation);
  });

  it.each([
    ...['a=rtcp:0', 'a=rtcp:65535 IN IP4 192.0.2.1', 'a=sctp-port:5000', 'a=ptime:2.5', 'a=mid:a'],
    ...[
      'a=max-message-size:0',
      'a=ice-ufrag:+/aB',
      'a=setup:holdconn',
      'a=fingerprint:sha-1 0a:FF',
    ],
  ])('%s is valid', (line) => {
    const { fault, explanation } = found(explained('m=audio 4000 RTP/AVP 0', line), line);
    expect([fault, explanation.length > 0]).toEqual(['', true]);
  });

  it('setup concerns DTLS if there is a fingerprint, and nothing if RTP has no connection', () => {
    const setup = (...lines: string[]) =>
      found(explained(...lines, 'a=setup:actpass'), 'a=setup').explanation;
    expect(setup('m=audio 4000 RTP/AVP 0')).toMatch(/RTP\/AVP has none, so nobody does\.$/);
    expect(setup('m=audio 4000 RTP/AVP 0', 'a=fingerprint:sha-1 0A')).toMatch(/begins DTLS\.$/);
    expect(setup('a=fingerprint:sha-1 0A', 'm=audio 4000 RTP/AVP 0')).toMatch(/begins DTLS\.$/);
    expect(setup('m=message 4000 TCP/MSRP *')).toMatch(/begins the TCP connection\.$/);
  });

  it('a group that names a missing section is marked', () => {
    const sdp = explained('a=group:BUNDLE 0 7', 'm=audio 4000 RTP/AVP 0', 'a=mid:0');
    expect(found(sdp, 'a=group').fault).toBe('No section has the name 7.');
    expect(sdp.bundle).toEqual(['0', '7']);
  });
});
