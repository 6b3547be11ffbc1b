/**
 * Keyboards as kickstarts name them: the console keymaps of kbd (data/keymaps of 1.15.5 and 2.9), those that RHEL from 7 on
 * makes of XKB layouts and their variants (LAYOUT-VARIANT; xkeyboard-config's base.lst), and those of system-config-keyboard,
 * which RHEL 6 has.
 */
export const keyboards: ReadonlySet<string> = new Set(
  `
  3l ANSI-dvorak adnw af af-fa-olpc af-ps af-ps-olpc af-uz af-uz-olpc al al-plisi al-veqilharxhi am am-eastern
  am-eastern-alt am-phonetic am-phonetic-alt am-western apple-a1048-sv apple-a1243-sv apple-a1243-sv-fn-reverse
  apple-internal-0x0253-sv apple-internal-0x0253-sv-fn-reverse ar-azerty ar-azerty-digits ar-digits ar-qwerty
  ar-qwerty-digits ara ara-azerty ara-azerty_digits ara-buckwalter ara-digits ara-mac ara-olpc ara-qwerty
  ara-qwerty_digits at at-mac at-nodeadkeys au az az-cyrillic azerty ba ba-alternatequotes ba-unicode ba-unicodeus
  ba-us bashkir bd bd-probhat be be-iso-alternate be-latin1 be-nodeadkeys be-oss be-oss_latin9 be-wang ben
  ben-probhat bg bg-bas_phonetic bg-bekl bg-cp1251 bg-cp855 bg-phonetic bg_bds-cp1251 bg_bds-utf8 bg_pho-cp1251
  bg_pho-utf8 bone br br-abnt br-abnt2 br-dvorak br-latin1-abnt2 br-latin1-us br-nativo br-nativo-epo br-nativo-us
  br-nodeadkeys br-thinkpad brai brai-left_hand brai-left_hand_invert brai-right_hand brai-right_hand_invert bt bw by
  by-cp1251 by-intl by-latin by-legacy by-ru bywin-cp1251 ca ca-eng ca-fr-dvorak ca-fr-legacy ca-ike ca-multi
  ca-multi-2gr ca-multix carpalx carpalx-full cd cf ch ch-de_mac ch-de_nodeadkeys ch-fr ch-fr_mac ch-fr_nodeadkeys
  ch-legacy cm cm-azerty cm-dvorak cm-french cm-mmuock cm-qwerty cn cn-altgr-pinyin cn-mon_manchu_galik
  cn-mon_todo_galik cn-mon_trad cn-mon_trad_galik cn-mon_trad_manchu cn-mon_trad_todo cn-mon_trad_xibe cn-tib
  cn-tib_asciinum cn-ug croat cz cz-bksl cz-cp1250 cz-dvorak-ucw cz-lat2 cz-lat2-prog cz-qwerty cz-qwerty-mac
  cz-qwerty_bksl cz-rus cz-ucw cz-us-qwertz de de-T3 de-deadacute de-deadgraveacute de-deadtilde de-dsb de-dsb_qwertz
  de-dvorak de-e1 de-e2 de-latin1 de-latin1-nodeadkeys de-mac de-mac_nodeadkeys de-mobii de-neo de-nodeadkeys
  de-qwerty de-ro de-ro_nodeadkeys de-ru de-tr de-us de_CH-latin1 de_alt_UTF-8 dev dk dk-dvorak dk-latin1 dk-mac
  dk-mac_nodeadkeys dk-nodeadkeys dk-winkeys dvorak dvorak-ca-fr dvorak-de dvorak-es dvorak-fr dvorak-l dvorak-la
  dvorak-no dvorak-programmer dvorak-r dvorak-ru dvorak-sv-a1 dvorak-sv-a5 dvorak-uk dvorak-ukp dz dz-ar
  dz-azerty-deadkeys dz-ber dz-qwerty-gb-deadkeys dz-qwerty-us-deadkeys ee ee-dvorak ee-nodeadkeys ee-us en-latin9
  epo epo-legacy es es-ast es-cat es-cp850 es-deadtilde es-dvorak es-mac es-nodeadkeys es-winkeys et et-nodeadkeys fa
  fi fi-classic fi-latin1 fi-latin9 fi-mac fi-nodeadkeys fi-smi fi-winkeys fo fo-nodeadkeys fr fr-afnor fr-azerty
  fr-bepo fr-bepo-latin9 fr-bepo_afnor fr-bepo_latin9 fr-bre fr-dvorak fr-geo fr-latin1 fr-latin9
  fr-latin9_nodeadkeys fr-mac fr-nodeadkeys fr-oci fr-oss fr-oss_latin9 fr-oss_nodeadkeys fr-pc fr-us fr_CH
  fr_CH-latin1 gb gb-colemak gb-colemak_dh gb-dvorak gb-dvorakukp gb-extd gb-gla gb-intl gb-mac gb-mac_intl gb-pl ge
  ge-ergonomic ge-mess ge-os ge-ru gh gh-akan gh-avn gh-ewe gh-fula gh-ga gh-generic gh-gillbt gh-hausa gn gr
  gr-extended gr-nodeadkeys gr-pc gr-polytonic gr-simple guj gur hcesar hr hr-alternatequotes hr-unicode hr-unicodeus
  hr-us hu hu-101_qwerty_comma_dead hu-101_qwerty_comma_nodead hu-101_qwerty_dot_dead hu-101_qwerty_dot_nodead
  hu-101_qwertz_comma_dead hu-101_qwertz_comma_nodead hu-101_qwertz_dot_dead hu-101_qwertz_dot_nodead
  hu-102_qwerty_comma_dead hu-102_qwerty_comma_nodead hu-102_qwerty_dot_dead hu-102_qwerty_dot_nodead
  hu-102_qwertz_comma_dead hu-102_qwertz_comma_nodead hu-102_qwertz_dot_dead hu-102_qwertz_dot_nodead hu-nodeadkeys
  hu-qwerty hu-standard hu101 id id-phonetic id-phoneticx ie ie-CloGaelach ie-UnicodeExpert ie-ogam ie-ogam_is434 il
  il-biblical il-heb il-lyx il-phonetic in in-ben in-ben_baishakhi in-ben_bornona in-ben_gitanjali in-ben_inscript
  in-ben_probhat in-bolnagri in-eeyek in-eng in-guj in-guru in-hin-kagapa in-hin-wx in-iipa in-jhelum in-kan
  in-kan-kagapa in-mal in-mal_enhanced in-mal_lalitha in-mar-kagapa in-marathi in-olck in-ori in-ori-bolnagri
  in-ori-wx in-san-kagapa in-tam in-tam_tamilnet in-tam_tamilnet_TAB in-tam_tamilnet_TSCII
  in-tam_tamilnet_with_tam_nums in-tel in-tel-kagapa in-tel-sarala in-urd-phonetic in-urd-phonetic3 in-urd-winkeys iq
  iq-ku iq-ku_alt iq-ku_ara iq-ku_f ir ir-ku ir-ku_alt ir-ku_ara ir-ku_f ir-pes_keypad is is-dvorak is-latin1
  is-latin1-us is-mac is-mac_legacy it it-fur it-geo it-ibm it-intl it-mac it-nodeadkeys it-scn it-us it-winkeys it2
  jp jp-OADG109A jp-dvorak jp-kana jp-kana86 jp-mac jp106 jv kazakh ke ke-kik kg kg-phonetic kh ko koy kr kr-kr104
  ky_alt_sh-UTF-8 kyrgyz kz kz-ext kz-kazrus kz-latin kz-ruskaz la la-latin1 la-stea latam latam-colemak
  latam-colemak-gaming latam-deadtilde latam-dvorak latam-nodeadkeys lk lk-tam_TAB lk-tam_unicode lk-us lt lt-ibm
  lt-lekp lt-lekpa lt-ratise lt-sgs lt-std lt-us lt.baltic lt.l4 lv lv-adapted lv-apostrophe lv-ergonomic lv-fkey
  lv-modern lv-tilde ma ma-french ma-rif ma-tifinagh ma-tifinagh-alt ma-tifinagh-alt-phonetic ma-tifinagh-extended
  ma-tifinagh-extended-phonetic ma-tifinagh-phonetic mac-be mac-de-latin1 mac-de-latin1-nodeadkeys mac-de_CH
  mac-dk-latin1 mac-dvorak mac-es mac-fi-latin1 mac-fr mac-fr-legacy mac-fr_CH-latin1 mac-it mac-no mac-no-latin1
  mac-pl mac-pt-latin1 mac-se mac-uk mac-us mao md md-gag me me-cyrillic me-cyrillicalternatequotes me-cyrillicyz
  me-latinalternatequotes me-latinunicode me-latinunicodeyz me-latinyz mk mk-cp1251 mk-nodeadkeys mk-utf mk0 ml
  ml-fr-oss ml-us-intl ml-us-mac mm mm-mnw mm-mnw-a1 mm-shn mm-zawgyi mm-zgt mn mod-dh-ansi-us mod-dh-ansi-us-awing
  mod-dh-ansi-us-fatz mod-dh-ansi-us-fatz-wide mod-dh-ansi-us-wide mod-dh-iso-uk mod-dh-iso-uk-wide mod-dh-iso-us
  mod-dh-iso-us-wide mod-dh-matrix-us mt mt-alt-gb mt-alt-us mt-us mv my my-phonetic neo neoqwertz ng ng-hausa
  ng-igbo ng-yoruba nl nl-mac nl-std nl-us nl2 no no-colemak no-dvorak no-latin1 no-mac no-mac_nodeadkeys
  no-nodeadkeys no-smi no-smi_nodeadkeys no-winkeys np pc110 ph ph-capewell-dvorak ph-capewell-dvorak-bay
  ph-capewell-qwerf2k6 ph-capewell-qwerf2k6-bay ph-colemak ph-colemak-bay ph-dvorak ph-dvorak-bay ph-qwerty-bay pk
  pk-ara pk-snd pk-urd-crulp pk-urd-nla pl pl-csb pl-dvorak pl-dvorak_altquotes pl-dvorak_quotes pl-dvp pl-legacy
  pl-qwertz pl-ru_phonetic_dvorak pl-szl pl1 pl2 pl3 pl4 pt pt-latin1 pt-latin9 pt-mac pt-mac_nodeadkeys pt-nativo
  pt-nativo-epo pt-nativo-us pt-nodeadkeys ro ro-cedilla ro-std ro-std-cedilla ro-winkeys ro_std ro_win rs
  rs-alternatequotes rs-latin rs-latinalternatequotes rs-latinunicode rs-latinunicodeyz rs-latinyz rs-rue rs-yz ru
  ru-bak ru-chm ru-cp1251 ru-cv ru-cv_latin ru-dos ru-kom ru-legacy ru-mac ru-ms ru-os_legacy ru-os_winkeys
  ru-phonetic ru-phonetic_YAZHERTY ru-phonetic_azerty ru-phonetic_dvorak ru-phonetic_fr ru-phonetic_winkeys ru-sah
  ru-srp ru-tt ru-typewriter ru-typewriter-legacy ru-udm ru-xal ru-yawerty ru1 ru2 ru3 ru4 ru_win ruwin_alt-CP1251
  ruwin_alt-KOI8-R ruwin_alt-UTF-8 ruwin_alt_sh-UTF-8 ruwin_cplk-CP1251 ruwin_cplk-KOI8-R ruwin_cplk-UTF-8
  ruwin_ct_sh-CP1251 ruwin_ct_sh-KOI8-R ruwin_ct_sh-UTF-8 ruwin_ctrl-CP1251 ruwin_ctrl-KOI8-R ruwin_ctrl-UTF-8 se
  se-dvorak se-fi-ir209 se-fi-lat6 se-ir209 se-lat6 se-mac se-nodeadkeys se-rus se-rus_nodeadkeys se-smi se-svdvorak
  se-swl se-us se-us_dvorak sg sg-latin1 sg-latin1-lk450 sg-mac si si-alternatequotes si-us sk sk-bksl sk-prog-qwerty
  sk-prog-qwertz sk-qwerty sk-qwerty_bksl sk-qwertz slovene sn sr-cy sr-latin sv-latin1 sy sy-ku sy-ku_alt sy-ku_f
  sy-syc sy-syc_phonetic tg th th-pat th-tis tj tj-legacy tj_alt-UTF8 tm tm-alt tml-inscript tml-uniscript tr tr-alt
  tr-f tr-intl tr-ku tr-ku_alt tr-ku_f tr-ot tr-otf tr-otk tr-otkf tr_f-latin5 tr_q-latin5 tralt trf trq
  ttwin_alt-UTF-8 ttwin_cplk-UTF-8 ttwin_ct_sh-UTF-8 ttwin_ctrl-UTF-8 tw tw-indigenous tw-saisiyat tz ua ua-cp1251
  ua-crh ua-crh_alt ua-crh_f ua-homophonic ua-legacy ua-macOS ua-phonetic ua-rstu ua-rstu_ru ua-typewriter ua-utf
  ua-utf-ws ua-winkeys ua-ws uk us us-acentos us-alt-intl us-altgr-intl us-chr us-colemak us-colemak_dh
  us-colemak_dh_iso us-dvorak us-dvorak-alt-intl us-dvorak-classic us-dvorak-intl us-dvorak-l us-dvorak-mac
  us-dvorak-r us-dvp us-euro us-haw us-hbs us-intl us-mac us-norman us-olpc2 us-rus us-symbolic us-workman
  us-workman-intl us1 uz uz-latin vn vn-fr vn-us za  `
    .trim()
    .split(/\s+/),
);
