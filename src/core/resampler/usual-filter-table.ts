import type { FilterTable } from './stored-filters.ts';

/** Designed by scripts/build-resampler-filters.mjs. */
export const USUAL_FILTERS: FilterTable = {
  sharp: {
    voice:
      '~~5~~A~tk~~~~qJ~~N~~4J~~~~K~Ojkr]~~4~.h1j~~~q~~?~~E~~3~w~y~wi~~L~u~X~~3~~M~~~~n~.iJ~gb~~' +
      '3~e~aBid8#~~2~~b~~3~~@h~~0~q~v~~2~~K~U~Wh~3%~(~~2~~O~dXh~~K~j4~~2~~6#~~Jgk~q~u~~1mK~Kg~~' +
      '^~~+g~~19~P6g~Z~R~~=~~0~E:~^f7~Cm~~0~~~KJ-f~wY~v~~/X~Que3~~9~~~~~K~~.~#~A~Bd~H~~J+~~-',
    hq:
      '~K~~L~tk~b~o~~N~~4~A[~Qj~?~W_~~4~n84j~~f~=~~L~~3~~8Y~~~~ni~(~~~~~K~~~~O~~3~c~,~@i~~aFu~~' +
      '3~Z~lUi~~/s;~~3~~~n@~~gh~{j~~A~~2R~~b~{h~kl~~~~O~~2~%I~?h~3~hq~~2~~H2Oh~.~x1~~2/~o~~Ng~D' +
      '~~J~~~~n~~1~~q~~_~~~~Kg@~~]~-~~1~:lYg~~~~~O~72~~1~~5?~~Cf~p)~k~~0~~+~~d~6f~[~/T~~0~,b~~g' +
      'e~~2~~B~z~~/#~j~9ec~TG~~/^~C~~>d~4o~I~~.~R~w>d=z~r~~-B~~bLcU~X~l~~,',
  },
  guard: {
    'voice 0.0916667': '~~~~~O~L~okZ<~q~~4~~]~~Z~~MirK~~l~~2]2~~:g~u{L~~0',
    'voice 0.0997732': '~~:~~&~ok~~f~~k~r~~4~fY~~Ui~~[+/~~3~p~/~~Qgl~~Uj~~0',
    'hq 0.0912500': '|~J~ok~7~~n~p~~4~~2~[~~Mi~-~#~~k~~2u~~h~~8g~~0~~iJ~~0',
    'hq 0.0993197': '~~,~~#~ok~~-~~O~r~~4<~~6~~Ti~~Y~O/~~3?~~g~~OgE~~gh~~0',
  },
  short: {
    'voice 1.8375000':
      '---n8-~Rk~~W,~Qk~[,~Qk~L~~i~Qk~@Y~Mk~/~X~+kS~~16k~~h~~~~O~%j~t~|Mi~~I~3Og~~~~n~%%b#~Io~~' +
      '*~~ZF#_~1~}~b_-~~P~~_~~)',
    'voice 0.6666667':
      '--~bn~?~~~~O~~Zj~#~^~~Zj~~_~k~~Zj~lE~~Uj~7*~~+jC~xmj~~55~#i#~9~og~~P~,+c~2~~l~&~~*~~=~~~' +
      'O~Ta<~j~~g~~*~~~K~~A@_',
    'voice 1.0000000':
      '--mn~~I~|Wkj~{Wk~@~~*Wk~E~dSk9~~54k~c~N~bj~~~~O~~=~ni~~hH~~cgP~~;kd5~~/~q~~*~{z~~:a8~Da~' +
      '~+s~~&~/_',
    'voice 1.0884354':
      '--mn~~?~{Wk~~A~~#Wk~~~~n~|WkZ~SVk~~Y~~WDk~~~~nW~~=j~z~~gDj~~HT~~Qh,~~L~~-f1^~}~~*~L~~J~~' +
      'A~~*~~<~W~~*^~Y~aL~~~O{~~iI~~*',
    'voice 0.7256236':
      '--~RnV.-kJ~~n,jz3-kh~~?~~lj~F~~8~~2j~2~~j^j~~<VNi~~Q~SVg~~^~%0~~,~~J^/~~,*~n~/a)~]a~~~O~' +
      '125~~+',
    'voice 1.3333333':
      '--Mn~~,~~Byk~T~~Fyk~g~~Byk~~;~~,xka~~Kek4~Y&j~,3yjL~lQi~~4~~b_g~~@~hQc~Q~~/:~~*~(~~_v~~~' +
      'O~)~~l0^~[6~v~~)',
    'hq 1.8375000':
      '---nK,~QkZ.~RkI(~Qk~~=~~A~Qk~~^~D~Gk~~Q~~-qk6e~~Tj~^~iBj~~_K~~AhI~)~~0fd~~8~~~~Ob~~Gj~w~' +
      '~)~Ekj_6~C5_~@~~~Km~~)',
    'hq 0.6666667':
      '--~rn~~A~~B~~Cj~;~~F~~Cj~:~~C~~Cj~~*~l~~Bj~~M~~k~~.jA9~Hj~~@~6~~=i~+4~oh~~~Ow~xf~~,~I~lb' +
      '%~~+~_~~)T~~S~S_~-~~(~~L^~esu~~)',
    'hq 1.0000000':
      '--~2n|u?k~-x?k_s?k~x~~V>k~~l~14k~y~;~~9j~~(~4_j~~1~K]i~M>~dg~k~4~~<d~4_~~~O_w~~7~o^~~6aA' +
      '~~)E~YM^~fd~~=]',
    'hq 1.0884354':
      '--mne~zWk~H~~%Wk;~~#WkwSVkuqBk~~~~KM~~4j~=~O8j~~L~~~~O~~5h~X~h~ff49~Z_~~~na~Y~~*~~U~W~~2' +
      '~~)~g~Fr~~~O~Q~uS~~*',
    'hq 0.7256236':
      '--~bn#~~~~K~~Zju~e~~Zj?~b~~Zj~5~Z~~Xj~~-2~~>j~4X~Nj~a)~~0i~~=@~Ph6Ksf~1~7b_~~9ra~~*~~I4~' +
      'L~~);~u0~~~O~&~~~K~~U~~)',
    'hq 1.3333333':
      '--Mn~~A~~Byk~;~~Fyk~:~~Cyk~~*~lxk~~M~~kdkA9#j~~@~6sj~+4Ji~~~OwSg~~,~IGc%~~+:~~*T~~S.~~~O' +
      '~-~~(~~~q_~es~~?~~)',
  },
};
