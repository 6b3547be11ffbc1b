/**
 * What an element of an answer file may hold: a kind of value, the values it may have, or other elements. Only what
 * answer files for images use; the names and passes are those of Microsoft's "Unattended Windows Setup Reference".
 */
export type Rule = 'text' | 'secret' | 'number' | 'boolean' | readonly string[] | Children;
export type Children = { readonly [name: string]: Rule };

type ComponentRule = {
  passes: readonly string[];
  holds: Children;
  /** Elements directly below it that belong to fewer passes than the component itself. */
  only?: Readonly<Record<string, readonly string[]>>;
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
  'Disk',
  'PathAndCredentials',
  'RunSynchronousCommand',
  'RunAsynchronousCommand',
  'SynchronousCommand',
  'AsynchronousCommand',
  'LocalAccount',
  'MetaData',
];

const always = ['OnError', 'Always', 'Never'];
const credentials = { Domain: 'text', Password: 'secret', Username: 'text' } as const;
const password = { Value: 'secret', PlainText: 'boolean' } as const;
const drivers = { DriverPaths: { PathAndCredentials: { Path: 'text', Credentials: credentials } } } as const;
const languages = {
  InputLocale: 'text',
  SystemLocale: 'text',
  UILanguage: 'text',
  UILanguageFallback: 'text',
  UserLocale: 'text',
} as const;
const runSynchronous = {
  RunSynchronousCommand: {
    Order: 'number',
    Description: 'text',
    Path: 'text',
    WillReboot: ['Always', 'OnRequest', 'Never'],
    Credentials: credentials,
  },
} as const;
const runAsynchronous = {
  RunAsynchronousCommand: { Order: 'number', Description: 'text', Path: 'text', Credentials: credentials },
} as const;
const display = {
  ColorDepth: 'number',
  HorizontalResolution: 'number',
  RefreshRate: 'number',
  VerticalResolution: 'number',
} as const;
const logonCommand = {
  Order: 'number',
  Description: 'text',
  CommandLine: 'text',
  RequiresUserInput: 'boolean',
} as const;

const partitionNumber = { DiskID: 'number', PartitionID: 'number' } as const;

const setup: Children = {
  ComplianceCheck: { DisplayReport: always },
  Diagnostics: { OptIn: 'boolean' },
  DiskConfiguration: {
    WillShowUI: always,
    DisableEncryptedDiskProvisioning: 'boolean',
    Disk: {
      DiskID: 'number',
      WillWipeDisk: 'boolean',
      CreatePartitions: {
        CreatePartition: {
          Order: 'number',
          Type: ['Primary', 'EFI', 'Extended', 'Logical', 'MSR'],
          Size: 'number',
          Extend: 'boolean',
        },
      },
      ModifyPartitions: {
        ModifyPartition: {
          Order: 'number',
          PartitionID: 'number',
          Active: 'boolean',
          Extend: 'boolean',
          Format: ['NTFS', 'FAT32', 'FAT'],
          Label: 'text',
          Letter: 'text',
          TypeID: 'text',
        },
      },
    },
  },
  Display: display,
  DynamicUpdate: { Enable: 'boolean', WillShowUI: always },
  EnableFirewall: 'boolean',
  EnableNetwork: 'boolean',
  ImageInstall: {
    OSImage: {
      Compact: 'boolean',
      InstallFrom: {
        Credentials: credentials,
        MetaData: {
          Key: [
            '/IMAGE/NAME',
            '/IMAGE/INDEX',
            '/IMAGE/DESCRIPTION',
            '/image/name',
            '/image/index',
            '/image/description',
          ],
          Value: 'text',
        },
        Path: 'text',
      },
      InstallTo: partitionNumber,
      InstallToAvailablePartition: 'boolean',
      WillShowUI: always,
    },
    DataImage: {
      Order: 'number',
      InstallFrom: { Credentials: credentials, MetaData: { Key: 'text', Value: 'text' }, Path: 'text' },
      InstallTo: partitionNumber,
    },
  },
  LogPath: 'text',
  PageFile: { Path: 'text', Size: 'number' },
  Restart: ['Restart', 'Shutdown'],
  RunSynchronous: runSynchronous,
  RunAsynchronous: runAsynchronous,
  UpgradeData: { Upgrade: 'boolean', WillShowUI: always },
  UseConfigurationSet: 'boolean',
  UserData: {
    AcceptEula: 'boolean',
    FullName: 'text',
    Organization: 'text',
    ProductKey: { Key: 'secret', WillShowUI: always },
  },
};

const shell: Children = {
  AutoLogon: { Domain: 'text', Enabled: 'boolean', LogonCount: 'number', Password: password, Username: 'text' },
  BluetoothTaskbarIconEnabled: 'boolean',
  ComputerName: 'text',
  ConvertibleSlateModePromptPreference: 'number',
  CopyProfile: 'boolean',
  DesktopOptimization: { GoToDesktopOnSignIn: 'boolean', ShowWindowsStoreAppsOnTaskbar: 'boolean' },
  DisableAutoDaylightTimeSet: 'boolean',
  Display: display,
  DoNotCleanUpNonPresentDevices: 'boolean',
  FirstLogonCommands: { SynchronousCommand: logonCommand },
  FolderLocations: { ProfilesDirectory: 'text', ProgramData: 'text' },
  LogonCommands: { AsynchronousCommand: logonCommand },
  OEMInformation: {
    HelpCustomized: 'boolean',
    Logo: 'text',
    Manufacturer: 'text',
    Model: 'text',
    SupportHours: 'text',
    SupportPhone: 'text',
    SupportProvider: 'text',
    SupportURL: 'text',
    SupportAppURL: 'text',
    RecycleURL: 'text',
    TradeInURL: 'text',
  },
  OEMName: 'text',
  OOBE: {
    HideEULAPage: 'boolean',
    HideLocalAccountScreen: 'boolean',
    HideOEMRegistrationScreen: 'boolean',
    HideOnlineAccountScreens: 'boolean',
    HideWirelessSetupInOOBE: 'boolean',
    NetworkLocation: ['Home', 'Work', 'Other'],
    OEMAppId: 'text',
    ProtectYourPC: ['1', '2', '3'],
    SkipMachineOOBE: 'boolean',
    SkipUserOOBE: 'boolean',
    UnattendEnableRetailDemo: 'boolean',
    VMModeOptimizations: {
      SkipAdministratorProfileRemoval: 'boolean',
      SkipNotifyUILanguageChange: 'boolean',
      SkipWinREInitialization: 'boolean',
    },
  },
  ProductKey: 'secret',
  RegisteredOrganization: 'text',
  RegisteredOwner: 'text',
  ShowPowerButtonOnStartScreen: 'boolean',
  ShowWindowsLive: 'boolean',
  SignInMode: 'number',
  StartPanelOff: 'boolean',
  StartTiles: {},
  TaskbarLinks: {},
  Themes: {},
  TimeZone: 'text',
  UserAccounts: {
    AdministratorPassword: password,
    DomainAccounts: {},
    LocalAccounts: {
      LocalAccount: { Description: 'text', DisplayName: 'text', Group: 'text', Name: 'text', Password: password },
    },
  },
  VisualEffects: {},
  WindowsFeatures: {},
};

/** The components that answer files for images use, by name. */
export const components: Readonly<Record<string, ComponentRule>> = {
  'Microsoft-Windows-International-Core-WinPE': {
    passes: ['windowsPE'],
    holds: { ...languages, LayeredDriver: 'number', SetupUILanguage: { UILanguage: 'text', WillShowUI: always } },
  },
  'Microsoft-Windows-International-Core': { passes: ['specialize', 'oobeSystem'], holds: languages },
  'Microsoft-Windows-PnpCustomizationsWinPE': { passes: ['windowsPE'], holds: drivers },
  'Microsoft-Windows-PnpCustomizationsNonWinPE': { passes: ['offlineServicing', 'auditSystem'], holds: drivers },
  'Microsoft-Windows-Setup': { passes: ['windowsPE'], holds: setup },
  'Microsoft-Windows-Deployment': {
    passes: ['generalize', 'specialize', 'auditSystem', 'auditUser', 'oobeSystem'],
    holds: {
      AuditComputerName: {},
      ExtendOSPartition: { Extend: 'boolean', Size: 'number' },
      Generalize: { ForceShutdownNow: 'boolean', Mode: ['OOBE', 'Audit'] },
      Reseal: { ForceShutdownNow: 'boolean', Mode: ['OOBE', 'Audit'] },
      RunSynchronous: runSynchronous,
      RunAsynchronous: runAsynchronous,
    },
    only: { ExtendOSPartition: ['specialize'], RunSynchronous: ['specialize', 'auditUser'] },
  },
  'Microsoft-Windows-Shell-Setup': {
    passes: ['offlineServicing', 'generalize', 'specialize', 'auditSystem', 'auditUser', 'oobeSystem'],
    holds: shell,
    only: {
      ComputerName: ['offlineServicing', 'specialize'],
      CopyProfile: ['specialize'],
      ProductKey: ['specialize'],
      AutoLogon: ['specialize', 'auditSystem', 'oobeSystem'],
      FirstLogonCommands: ['oobeSystem'],
      LogonCommands: ['oobeSystem'],
      OOBE: ['oobeSystem'],
      UserAccounts: ['offlineServicing', 'auditSystem', 'oobeSystem'],
    },
  },
  'Microsoft-Windows-SecureStartup-FilterDriver': {
    passes: ['specialize', 'oobeSystem'],
    holds: { PreventDeviceEncryption: 'boolean' },
  },
  'Microsoft-Windows-EnhancedStorage-Adm': {
    passes: ['specialize', 'oobeSystem'],
    holds: { TCGSecurityActivationDisabled: 'number' },
  },
  'Microsoft-Windows-Security-SPP': { passes: ['generalize', 'specialize'], holds: { SkipRearm: 'number' } },
  'Microsoft-Windows-Security-SPP-UX': {
    passes: ['specialize', 'oobeSystem'],
    holds: { SkipAutoActivation: 'boolean' },
  },
  'Microsoft-Windows-PnpSysprep': {
    passes: ['generalize'],
    holds: { PersistAllDeviceInstalls: 'boolean', DoNotCleanUpNonPresentDevices: 'boolean' },
  },
  'Microsoft-Windows-LUA-Settings': {
    passes: ['offlineServicing', 'generalize', 'specialize'],
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
    holds: { DoNotOpenInitialConfigurationTasksAtLogon: 'boolean' },
  },
};
