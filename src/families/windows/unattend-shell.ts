import { type Children, display } from './unattend-settings.ts';

const password = { Value: 'secret', PlainText: 'boolean' } as const;
const accounts = {
  LocalAccount: { Description: 'text', DisplayName: 'text', Group: 'text', Name: 'text', Password: password },
} as const;
const logonCommand = {
  Order: 'number',
  Description: 'text',
  CommandLine: 'text',
  RequiresUserInput: 'boolean',
} as const;

/** What the component Microsoft-Windows-Shell-Setup holds. */
export const shell: Children = {
  AutoLogon: { Domain: 'text', Enabled: 'boolean', LogonCount: 'number', Password: password, Username: 'text' },
  BluetoothTaskbarIconEnabled: 'boolean',
  ComputerName: 'text',
  // Of Windows 11; answer files made by its tools have it.
  ConfigureChatAutoInstall: 'boolean',
  ConvertibleSlateModePromptPreference: 'number',
  CopyProfile: 'boolean',
  DesktopOptimization: { GoToDesktopOnSignIn: 'boolean', ShowWindowsStoreAppsOnTaskbar: 'boolean' },
  DisableAutoDaylightTimeSet: 'boolean',
  Display: { ...display, DPI: 'number' },
  DoNotCleanTaskBar: 'boolean',
  DoNotCleanUpNonPresentDevices: 'boolean',
  EnableStartMenu: 'boolean',
  FirstLogonCommands: { SynchronousCommand: logonCommand },
  FolderLocations: { ProfilesDirectory: 'text', ProgramData: 'text' },
  LogonCommands: { AsynchronousCommand: logonCommand },
  NotificationArea: {},
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
  OfflineUserAccounts: {
    OfflineAdministratorPassword: password,
    OfflineDomainAccounts: {},
    OfflineLocalAccounts: accounts,
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
    LocalAccounts: accounts,
  },
  VisualEffects: {},
  WindowsFeatures: {},
};
