import {
  always,
  type Children,
  credentials,
  type Rule,
  runAsynchronous,
  runSynchronous,
  setup,
} from './unattend-settings.ts';
import { shell } from './unattend-shell.ts';

type ComponentRule = {
  passes: readonly string[];
  holds: Children;
  /** Elements directly below it that belong to fewer passes than the component itself. */
  only?: Readonly<Record<string, readonly string[]>>;
  /** Passes in which Windows passes over such an element: answer files that work have it there. */
  ignored?: Readonly<Record<string, readonly string[]>>;
};

export const passes = [
  'windowsPE',
  'offlineServicing',
  'generalize',
  'specialize',
  'auditSystem',
  'auditUser',
  'oobeSystem',
] as const;

/** Elements that stand in lists: each wants `wcm:action="add"`. */
export const listItems: readonly string[] = [
  'CreatePartition',
  'ModifyPartition',
  'DataImage',
  'Disk',
  'PathAndCredentials',
  'RunSynchronousCommand',
  'RunAsynchronousCommand',
  'SynchronousCommand',
  'AsynchronousCommand',
  'LocalAccount',
  'MetaData',
  'Scope',
  'FirewallGroup',
];

const drivers = {
  DriverPaths: { PathAndCredentials: { Key: 'text', Path: 'text', Credentials: credentials } },
} as const;
const languages = {
  InputLocale: 'text',
  SystemLocale: 'text',
  UILanguage: 'text',
  UILanguageFallback: 'text',
  UserLocale: 'text',
} as const;

/** The same rule for several elements. */
const each = (names: string, rule: Rule): Children => Object.fromEntries(names.split(' ').map((name) => [name, rule]));

const explorer: Children = {
  ...each('DisableAccelerators DisableDataExecutionPrevention DisableDevTools DisableFirstRunWizard', 'boolean'),
  ...each('DisableOOBAccelerators FavoritesDelete FavoritesOnTop GroupTabs IntranetCompatibilityMode', 'boolean'),
  ...each('LockToolbars MSCompatibilityMode PlaySound ShowInformationBar ShowLeftAddressToolbar', 'boolean'),
  ...each('AllowedSites BlockPopups CommandLabelDisplay CompanyName CompatibilityViewDomains FilterLevel', 'text'),
  ...each('FindProvidersURL Help_Page Home_Page LocalIntranetSites PrivacyAdvisorMode TabProcessGrowth', 'text'),
  ...each('TrustedSites UserAgent Window_Title_CN', 'text'),
  ...each('Accelerators FavoriteBarItems FavoritesList FeedList InstalledBHOList InstalledBrowserExtensions', {}),
  ...each('InstalledToolbarsList PreApprovedAddons PreapprovedAddons QuickLinkList StartPages', {}),
  SuggestedSitesEnabled: 'boolean',
  SearchScopes: {
    Scope: {
      ...each('ScopeDefault ShowSearchSuggestions', 'boolean'),
      ...each('FaviconURL PreviewURL ScopeDisplayName ScopeKey ScopeUrl SuggestionsURL SuggestionsURL_JSON', 'text'),
    },
  },
};

const firewallProfile = (name: string): Children => ({
  // That of the private profile is published with a slip.
  ...each(`${name}_DisableNotifications ${name}_DisableNotfications ${name}_EnableFirewall`, 'boolean'),
  ...each(`${name}_LogDroppedPackets ${name}_LogSuccessfulConnections`, 'boolean'),
  [`${name}_LogFile`]: 'text',
  [`${name}_LogFileSize`]: 'number',
});

const provisioning = { Provisioning: { AccountData: 'secret' } } as const;

/** The components that answer files for images use, by name. */
export const components: Readonly<Record<string, ComponentRule>> = {
  'Microsoft-Windows-International-Core-WinPE': {
    passes: ['windowsPE'],
    holds: {
      ...languages,
      LayeredDriver: ['1', '2', '3', '4', '5', '6'],
      SetupUILanguage: { UILanguage: 'text', WillShowUI: [...always, 'onError'] },
    },
  },
  'Microsoft-Windows-International-Core': { passes: ['specialize', 'oobeSystem'], holds: languages },
  'Microsoft-Windows-PnpCustomizationsWinPE': { passes: ['windowsPE'], holds: drivers },
  'Microsoft-Windows-PnpCustomizationsNonWinPE': { passes: ['offlineServicing', 'auditSystem'], holds: drivers },
  'Microsoft-Windows-Setup': { passes: ['windowsPE'], holds: setup },
  'Microsoft-Windows-Deployment': {
    passes: ['generalize', 'specialize', 'auditSystem', 'auditUser', 'oobeSystem'],
    holds: {
      AuditComputerName: {},
      DeviceForm: 'number',
      DuplicatorDescription: 'text',
      ExtendOSPartition: { Extend: 'boolean', Size: 'number' },
      Generalize: { ForceShutdownNow: 'boolean', Mode: ['OOBE', 'Audit'] },
      Reseal: { ForceShutdownNow: 'boolean', Mode: ['OOBE', 'Audit'] },
      RunSynchronous: runSynchronous,
      RunAsynchronous: runAsynchronous,
    },
    only: {
      AuditComputerName: ['auditSystem'],
      DeviceForm: ['generalize', 'specialize', 'auditSystem', 'oobeSystem'],
      DuplicatorDescription: ['generalize'],
      ExtendOSPartition: ['generalize', 'specialize', 'auditSystem', 'oobeSystem'],
      Generalize: ['auditUser'],
      Reseal: ['auditSystem', 'auditUser', 'oobeSystem'],
      RunAsynchronous: ['specialize', 'auditUser'],
      RunSynchronous: ['specialize', 'auditUser'],
    },
  },
  'Microsoft-Windows-Shell-Setup': {
    passes: ['offlineServicing', 'generalize', 'specialize', 'auditSystem', 'auditUser', 'oobeSystem'],
    holds: shell,
    only: {
      AutoLogon: ['specialize', 'auditSystem', 'oobeSystem'],
      ComputerName: ['offlineServicing', 'specialize'],
      CopyProfile: ['specialize'],
      DesktopOptimization: ['offlineServicing', 'specialize', 'oobeSystem'],
      DisableAutoDaylightTimeSet: ['specialize', 'auditSystem', 'oobeSystem'],
      Display: ['specialize', 'auditSystem', 'auditUser', 'oobeSystem'],
      FirstLogonCommands: ['oobeSystem'],
      FolderLocations: ['oobeSystem'],
      LogonCommands: ['oobeSystem'],
      NotificationArea: ['specialize'],
      OEMName: ['specialize'],
      OOBE: ['oobeSystem'],
      OfflineUserAccounts: ['offlineServicing'],
      ProductKey: ['specialize'],
      TimeZone: ['specialize', 'auditSystem', 'oobeSystem'],
      UserAccounts: ['auditSystem', 'oobeSystem'],
      VisualEffects: ['oobeSystem'],
    },
    ignored: { ComputerName: ['oobeSystem'] },
  },
  'Microsoft-Windows-SecureStartup-FilterDriver': {
    passes: ['offlineServicing', 'specialize', 'auditSystem', 'oobeSystem'],
    holds: {
      PreventDeviceEncryption: 'boolean',
      ...each(
        'BytesDecryptedInDiskRequestOverhead MaxCryptoRequestsPerIo MaxDecryptRequests MaxEncryptRequests',
        'number',
      ),
      ...each('SlicedEncryptionInPlace SlicedEncryptionMax SlicedEncryptionMinSize', 'number'),
      ...each('WriteIoAggregateMaxSize WriteIoAggregateMinSize WriteSubrequestLength', 'number'),
    },
  },
  'Microsoft-Windows-EnhancedStorage-Adm': {
    // Published for specialize alone; Windows takes it in oobeSystem too.
    passes: ['specialize', 'oobeSystem'],
    holds: { TCGSecurityActivationDisabled: 'number' },
  },
  'Microsoft-Windows-Security-SPP': { passes: ['generalize'], holds: { SkipRearm: ['0', '1'] } },
  'Microsoft-Windows-Security-SPP-UX': {
    passes: ['specialize'],
    holds: { SkipAutoActivation: 'boolean' },
  },
  'Microsoft-Windows-PnpSysprep': {
    passes: ['generalize', 'specialize'],
    holds: { PersistAllDeviceInstalls: 'boolean', DoNotCleanUpNonPresentDevices: 'boolean' },
    only: { PersistAllDeviceInstalls: ['generalize'] },
  },
  'Microsoft-Windows-LUA-Settings': {
    passes: ['offlineServicing'],
    holds: { EnableLUA: 'boolean' },
  },
  'Microsoft-Windows-TerminalServices-LocalSessionManager': {
    passes: ['generalize', 'specialize', 'offlineServicing'],
    holds: { fDenyTSConnections: 'boolean' },
  },
  'Microsoft-Windows-ServerManager-SvrMgrNc': {
    passes: ['generalize', 'specialize'],
    holds: { DoNotOpenServerManagerAtLogon: 'boolean' },
  },
  'Microsoft-Windows-OutOfBoxExperience': {
    passes: ['generalize', 'specialize'],
    holds: { DoNotOpenInitialConfigurationTasksAtLogon: 'boolean', OemExtensionXmlFilePath: 'text' },
  },
  'Microsoft-Windows-IE-ESC': { passes: ['specialize'], holds: each('IEHardenAdmin IEHardenUser', 'boolean') },
  'Microsoft-Windows-IE-InternetExplorer': { passes: ['specialize'], holds: explorer },
  'Microsoft-Windows-TerminalServices-RDP-WinStationExtensions': {
    passes: ['generalize', 'specialize'],
    holds: { SecurityLayer: ['0', '1', '2'], UserAuthentication: 'number' },
  },
  'Microsoft-Windows-SQMApi': { passes: ['specialize'], holds: { CEIPEnabled: 'number' } },
  'Microsoft-Windows-SystemRestore-Main': { passes: ['specialize'], holds: { DisableSR: 'number' } },
  'Microsoft-Windows-WinRE-RecoveryAgent': { passes: ['oobeSystem'], holds: { UninstallWindowsRE: 'boolean' } },
  'Microsoft-Windows-UnattendedJoin': {
    passes: ['offlineServicing', 'specialize'],
    holds: {
      Identification: {
        Credentials: credentials,
        ...each('DebugJoin UnsecureJoin', 'boolean'),
        ...each('DebugJoinOnlyOnThisError JoinDomain JoinWorkgroup MachineObjectOU', 'text'),
        MachinePassword: 'secret',
        ...provisioning,
        TimeoutPeriodInMinutes: 'number',
      },
      OfflineIdentification: provisioning,
    },
    only: { Identification: ['specialize'], OfflineIdentification: ['offlineServicing'] },
  },
  'Networking-MPSSVC-Svc': {
    passes: ['specialize'],
    holds: {
      ...each('DisableStatefulFTP DisableStatefulPPTP', 'boolean'),
      ...firewallProfile('DomainProfile'),
      ...firewallProfile('PrivateProfile'),
      ...firewallProfile('PublicProfile'),
      FirewallGroups: {
        FirewallGroup: {
          Active: 'boolean',
          Group: 'text',
          Key: 'text',
          Profile: ['all', 'domain', 'private', 'public'],
        },
      },
    },
  },
};
