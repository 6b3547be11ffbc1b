/**
 * The time zones of Windows, as `tzutil /l` lists them: the `other` names of Unicode's windowsZones.xml, and two that Microsoft's list
 * has beside them, Kamchatka and Mid-Atlantic, which it calls old ("Time zones in Azure SQL Managed Instance", whose list is that of
 * Windows). A name of the first list lacks the ` Standard Time` that nearly all end in.
 */
const standard = [
  'AUS Central, AUS Eastern, Afghanistan, Alaskan, Aleutian, Altai, Arab, Arabian, Arabic, Argentina, Astrakhan',
  'Atlantic, Aus Central W., Azerbaijan, Azores, Bahia, Bangladesh, Belarus, Bougainville, Canada Central',
  'Cape Verde, Caucasus, Cen. Australia, Central, Central America, Central Asia, Central Brazilian',
  'Central Europe, Central European, Central Pacific, Chatham Islands, China, Cuba, Dateline, E. Africa',
  'E. Australia, E. Europe, E. South America, Easter Island, Eastern, Egypt, Ekaterinburg, FLE, Fiji, GMT, GTB',
  'Georgian, Greenland, Greenwich, Haiti, Hawaiian, India, Iran, Israel, Jordan, Kaliningrad, Kamchatka, Korea',
  'Libya, Line Islands, Lord Howe, Magadan, Magallanes, Marquesas, Mauritius, Mid-Atlantic, Middle East',
  'Montevideo, Morocco, Mountain, Myanmar, N. Central Asia, Namibia, Nepal, New Zealand, Newfoundland, Norfolk',
  'North Asia, North Asia East, North Korea, Omsk, Pacific, Pacific SA, Pakistan, Paraguay, Qyzylorda, Romance',
  'Russian, SA Eastern, SA Pacific, SA Western, SE Asia, Saint Pierre, Sakhalin, Samoa, Sao Tome, Saratov',
  'Singapore, South Africa, South Sudan, Sri Lanka, Sudan, Syria, Taipei, Tasmania, Tocantins, Tokyo, Tomsk',
  'Tonga, Transbaikal, Turkey, Turks And Caicos, US Eastern, US Mountain, Ulaanbaatar, Venezuela, Vladivostok',
  'Volgograd, W. Australia, W. Central Africa, W. Europe, W. Mongolia, West Asia, West Bank, West Pacific',
  'Yakutsk, Yukon',
];

export const timeZones: readonly string[] = [
  ...standard.flatMap((line) => line.split(', ')).map((name) => `${name} Standard Time`),
  ...[
    'Central Standard Time (Mexico)',
    'Eastern Standard Time (Mexico)',
    'Mountain Standard Time (Mexico)',
    'Pacific Standard Time (Mexico)',
    'Russia Time Zone 10',
    'Russia Time Zone 11',
    'Russia Time Zone 3',
    'UTC',
    'UTC+12',
    'UTC+13',
    'UTC-02',
    'UTC-08',
    'UTC-09',
    'UTC-11',
  ],
];
