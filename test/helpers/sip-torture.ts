/* Messages of RFC 4475, "SIP Torture Test Messages", under the names that it gives them; long ones are shortened. */

/** Lines with their ends, and no more. */
const lines = (text: string): string => text.replaceAll('\n', '\r\n');

const BODY = `v=0
o=mhandley 29739 7272939 IN IP4 192.0.2.1
s=-
c=IN IP4 192.0.2.1
t=0 0
m=audio 49217 RTP/AVP 0 12
m=video 3227 RTP/AVP 31
a=rtpmap:31 LPC
`;

/** §3.1.1, and messages of §3.3 whose form is right: each must be read. */
export const VALID: Readonly<Record<string, string>> = {
  wsinv: lines(`INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0
TO :
 sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n
from   : "J Rosenberg \\\\\\""       <sip:jdrosen@example.com>
  ;
  tag = 98asjd8
MaX-fOrWaRdS: 0068
Call-ID: wsinv.ndaksdj@192.0.2.1
Content-Length   : 150
cseq: 0009
  INVITE
Via  : SIP  /   2.0
 /UDP
    192.0.2.2;branch=390skdjuw
s :
NewFangledHeader:   newfangled value
 continued newfangled value
UnknownHeaderWithUnusualValue: ;;,,;;,;
Content-Type: application/sdp
Route:
 <sip:services.example.com;lr;unknownwith=value;unknown-no-value>
v:  SIP  / 2.0  / TCP     spindle.example.com   ;
  branch  =   z9hG4bK9ikj8  ,
 SIP  /    2.0   / UDP  192.168.255.111   ; branch=
 z9hG4bK30239
m:"Quoted string \\"\\"" <sip:jdrosen@example.com> ; newparam =
      newvalue ;
  secondparam ; q = 0.33

${BODY}`),
  intmeth:
    lines(`!interesting-Method0123456789_*+\`.%indeed'~ sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0
Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+\`'~
To: "BEL:\\\u0007 NUL:\\\u0000 DEL:\\\u007f" <sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com>
From: token1~\` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%="\u0440\u0430\u0431\u043e\u0442\u0430\u044e\u0449\u0438\u0439";tag=_token~1'+\`*%!-.
Call-ID: intmeth.word%ZK-!.*_+'@word\`~)(><:\\/"][?}{
CSeq: 139122385 !interesting-Method0123456789_*+\`.%indeed'~
Max-Forwards: 255
extensionHeader-!.%*+_\`'~:\u5927\u505c\u96fb
Content-Length: 0

`),
  esc01: lines(`INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0
To: sip:%75se%72@example.com
From: <sip:I%20have%20spaces@example.net>;tag=938
Max-Forwards: 87
i: esc01.239409asdfakjkn23onasd0-3234
CSeq: 234234 INVITE
Via: SIP/2.0/UDP host5.example.net;branch=z9hG4bKkdjuw
C: application/sdp
Contact:
  <sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31>
Content-Length: 150

${BODY}`),
  escnull: lines(`REGISTER sip:example.com SIP/2.0
To: sip:null-%00-null@example.com
From: sip:null-%00-null@example.com;tag=839923423
Max-Forwards: 70
Call-ID: escnull.39203ndfvkjdasfkq3w4otrq0adsfdfnavd
CSeq: 14398234 REGISTER
Via: SIP/2.0/UDP host5.example.com;branch=z9hG4bKkdjuw
Contact: <sip:%00@host5.example.com>
Contact: <sip:%00%00@host5.example.com>
L:0

`),
  esc02: lines(`RE%47IST%45R sip:registrar.example.com SIP/2.0
To: "%Z%45" <sip:resource@example.com>
From: "%Z%45" <sip:resource@example.com>;tag=f232jadfj23
Call-ID: esc02.asdfnqwo34rq23i34jrjasdcnl23nrlknsdf
Via: SIP/2.0/TCP host.example.com;branch=z9hG4bK209%fzsnel234
CSeq: 29344 RE%47IST%45R
Max-Forwards: 70
Contact: <sip:alias1@host1.example.com>
C%6Fntact: <sip:alias2@host2.example.com>
Contact: <sip:alias3@host3.example.com>
l: 0

`),
  lwsdisp: lines(`OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: caller<sip:caller@example.com>;tag=323
Max-Forwards: 70
Call-ID: lwsdisp.1234abcd@funky.example.com
CSeq: 60 OPTIONS
Via: SIP/2.0/UDP funky.example.com;branch=z9hG4bKkdjuw
l: 0

`),
  dblreq: lines(`REGISTER sip:example.com SIP/2.0
To: sip:j.user@example.com
From: sip:j.user@example.com;tag=43251j3j324
Max-Forwards: 8
I: dblreq.0ha0isndaksdj99sdfafnl3lk233412
Contact: sip:j.user@host.example.com
CSeq: 8 REGISTER
Via: SIP/2.0/UDP 192.0.2.125;branch=z9hG4bKkdjuw23492
Content-Length: 0


INVITE sip:joe@example.com SIP/2.0
t: sip:joe@example.com
`),
  semiuri: lines(`OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0
To: sip:j_user@example.com
From: sip:caller@example.org;tag=33242
Max-Forwards: 3
Call-ID: semiuri.0ha0isndaksdj
CSeq: 8 OPTIONS
Accept: application/sdp, application/pkcs7-mime,
        multipart/mixed, multipart/signed,
        message/sip, message/sipfrag
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKkdjuw
l: 0

`),
  transports: lines(`OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: <sip:caller@example.com>;tag=323
Max-Forwards: 70
Call-ID: transports.kijh4akdnaqjkwendsasfdj
Accept: application/sdp
CSeq: 60 OPTIONS
Via: SIP/2.0/UDP t1.example.com;branch=z9hG4bKkdjuw
Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKklasjdhf
Via: SIP/2.0/TLS t3.example.com;branch=z9hG4bK2980unddj
Via: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en
Via: SIP/2.0/TCP t5.example.com;branch=z9hG4bK0a9idfnee
l: 0

`),
  unreason:
    lines(`SIP/2.0 200 = 2**3 * 5**2 \u043d\u043e \u0441\u0442\u043e \u0434\u0435\u0432\u044f\u043d\u043e\u0441\u0442\u043e
Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923
Call-ID: unreason.1234ksdfak3j2erwedfsASdf
CSeq: 35 INVITE
From: sip:user@example.com;tag=11141343
To: sip:user@example.edu;tag=2229
Content-Length: 150
Content-Type: application/sdp
Contact: <sip:user@host198.example.com>

${BODY}`),
  noreason: lines(`SIP/2.0 100\u0020
Via: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe
Call-ID: noreason.asndj203insdf99223ndf
CSeq: 35 INVITE
From: <sip:user@example.com>;tag=39ansfi3
To: <sip:user@example.edu>;tag=902jndnke3
Content-Length: 0
Contact: <sip:user@host105.example.com>

`),
  badbranch: lines(`OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: sip:caller@example.org;tag=33242
Max-Forwards: 3
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK
Accept: application/sdp
Call-ID: badbranch.sadonfo23i420jv0as0derf3j3n
CSeq: 8 OPTIONS
l: 0

`),
  novelsc: lines(`OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0
To: sip:user@example.com
From: sip:caller@example.net;tag=384
Max-Forwards: 3
Call-ID: novelsc.asdfasser0q239nwsdfasdkl34
CSeq: 3923423 OPTIONS
Via: SIP/2.0/TCP host9.example.com;branch=z9hG4bKkdjuw39234
Content-Length: 0

`),
  cparam01: lines(`REGISTER sip:example.com SIP/2.0
Via: SIP/2.0/UDP saturn.example.com:5060;branch=z9hG4bKkdjuw
Max-Forwards: 70
From: sip:watson@example.com;tag=DkfVgjkrtMwaerKKpe
To: sip:watson@example.com
Call-ID: cparam01.70710@saturn.example.com
CSeq: 2 REGISTER
Contact: sip:+19725552222@gw1.example.net;unknownparam
l: 0

`),
  inv2543: lines(`INVITE sip:UserB@example.com SIP/2.0
Via: SIP/2.0/UDP iftgw.example.com
From: <sip:+13035551111@ift.client.example.net;user=phone>
Record-Route: <sip:UserB@example.com;maddr=ss1.example.com>
To: sip:+16505552222@ss1.example.net;user=phone
Call-ID: inv2543.1717@ift.client.example.com
CSeq: 56 INVITE
Content-Type: application/sdp

${BODY}`),
  escruri: lines(`INVITE sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0
To: sip:user@example.com
From: sip:caller@example.net;tag=341518
Max-Forwards: 7
Contact: <sip:caller@host39923.example.net>
Call-ID: escruri.23940-asdfhj-aje3br-234q098w-fawerh2q-h4n5
CSeq: 149209342 INVITE
Via: SIP/2.0/UDP host-of-the-hour.example.com;branch=z9hG4bKkdjuw
Content-Type: application/sdp
Content-Length: 150

${BODY}`),
};

/** Messages with a header that is wrong and that nothing depends on: they are read, and the header has a fault. */
export const ODD: Readonly<Record<string, readonly [header: string, message: string]>> = {
  baddate: [
    'Date',
    VALID['escruri']!.replace(
      'Max-Forwards',
      'Date: Fri, 01 Jan 2010 16:00:00 EST\r\nMax-Forwards',
    ),
  ],
  regbadct: [
    'Contact',
    VALID['cparam01']!.replace(
      'sip:+19725552222@gw1.example.net;unknownparam',
      'sip:user@example.com?Route=%3Csip:sip.example.com%3E',
    ),
  ],
  'scalar02, Max-Forwards': ['Max-Forwards', VALID['lwsdisp']!.replace(': 70', ': 300')],
  'scalar02, Expires': [
    'Expires',
    VALID['lwsdisp']!.replace('l: 0', 'Expires: 10000000000000000000000\r\nl: 0'),
  ],
  'multi01, Max-Forwards': [
    'Max-Forwards',
    VALID['lwsdisp']!.replace('Max-Forwards: 70', 'Max-Forwards: 5\r\nMax-Forwards: 6'),
  ],
};

const OPTIONS = VALID['lwsdisp']!;

/** §3.1.2, and messages of §3.3 without what they need: none may be read. */
export const INVALID: Readonly<Record<string, readonly [reason: string, message: string]>> = {
  badinv01: [
    'bad-field',
    OPTIONS.replace(
      'Via: SIP/2.0/UDP funky.example.com;branch=z9hG4bKkdjuw',
      'Via: SIP/2.0/UDP 192.0.2.15;;,;,,',
    ),
  ],
  clerr: ['truncated', VALID['esc01']!.replace('Length: 150', 'Length: 9999')],
  ncl: ['bad-field', VALID['esc01']!.replace('Length: 150', 'Length: -999')],
  scalar02: ['bad-field', OPTIONS.replace('CSeq: 60', 'CSeq: 36893488147419103232')],
  scalarlg: ['bad-field', VALID['noreason']!.replace('CSeq: 35', 'CSeq: 9292394834772304023312')],
  quotbal: [
    'bad-field',
    OPTIONS.replace('To: sip:user@example.com', 'To: "Mr. J. User <sip:j.user@example.com>'),
  ],
  ltgtruri: [
    'bad-field',
    OPTIONS.replace(' sip:user@example.com SIP', ' <sip:user@example.com> SIP'),
  ],
  lwsruri: [
    'bad-field',
    OPTIONS.replace(' sip:user@example.com SIP', ' sip:user@example.com; lr SIP'),
  ],
  lwsstart: [
    'bad-field',
    OPTIONS.replace('OPTIONS sip:user@example.com SIP', 'OPTIONS  sip:user@example.com  SIP'),
  ],
  trws: ['bad-field', OPTIONS.replace('SIP/2.0\r\n', 'SIP/2.0  \r\n')],
  badaspec: [
    'bad-field',
    OPTIONS.replace(
      'To: sip:user@example.com',
      'To: "Watson, Thomas" < sip:t.watson@example.org >',
    ),
  ],
  baddn: ['bad-field', OPTIONS.replace('From: caller<', 'From:    Bell, Alexander <')],
  badvers: ['unknown-type', OPTIONS.replaceAll('SIP/2.0', 'SIP/7.0')],
  mismatch01: ['bad-field', OPTIONS.replace('60 OPTIONS', '60 INVITE')],
  mismatch02: ['bad-field', OPTIONS.replace('OPTIONS sip', 'NEWMETHOD sip')],
  bigcode: ['bad-field', VALID['noreason']!.replace('SIP/2.0 100', 'SIP/2.0 4294967301')],
  insuf: ['bad-field', OPTIONS.replace(/^(To|From|Call-ID): .*\r\n/gm, '')],
  multi01: [
    'bad-field',
    OPTIONS.replace('CSeq: 60 OPTIONS', 'CSeq: 60 OPTIONS\r\nCSeq: 61 OPTIONS'),
  ],
  mcl01: ['bad-field', OPTIONS.replace('l: 0', 'l: 0\r\nContent-Length: 13')],
};
