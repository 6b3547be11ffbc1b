/**
 * The published components that `components` of unattend-schema.ts knows no elements of, and their passes: Microsoft's
 * "Unattended Windows Setup Reference" and the catalogs of the Windows Assessment and Deployment Kit, which agree.
 * A name here lacks the `Microsoft-Windows-` that nearly all begin with, unless a slash precedes it.
 */
const byPasses: readonly (readonly [passes: string, names: string])[] = [
  ['specialize', 'Audio-AudioCore Audio-VolumeControl Authentication-AuthUI DNS-Client DeviceAccess'],
  ['specialize', 'Embedded-UnifiedWriteFilter ErrorReportingCore Fax-Service MicrosoftEdgeBrowser'],
  ['specialize', 'MobilePC-Sensors-API NetBT NetworkLoadBalancing-Core Printing-Spooler-Core RasServer'],
  ['specialize', 'RemoteAssistance-Exe SystemMaintenanceService TapiSetup Tpm-Tasks WPD-BusEnumService'],
  ['offlineServicing', 'CodeIntegrity DeviceGuard-Unattend Devices-Lights-WinRT Embedded-KeyboardFilterService'],
  ['offlineServicing', 'MediaPlayer-Core PartitionManager WDF-KernelLibrary'],
  ['generalize specialize', 'PowerCPL SNMP-Agent-Service STObject SystemSettingsThreshold WWANUI'],
  ['generalize specialize', 'WorkstationService'],
  ['oobeSystem', 'Embedded-ShellLauncher IE-ClientNetworkProtocolImplementation SHWebSVC'],
  ['oobeSystem', 'TerminalServices-CentralPublishing TerminalServices-LicenseServer'],
  ['offlineServicing specialize oobeSystem', 'Sensors-Core TabletPC-Platform-Input-Core TwinUI WiFiNetworkManager'],
  ['offlineServicing specialize oobeSystem', '/Security-Malware-Windows-Defender'],
  ['specialize oobeSystem', 'BLB-WSB-Online-Main Embedded-BootExp HelpAndSupport MapControl-Desktop'],
  ['generalize', 'BrowserService NetworkBridge SMBServer SharedAccess'],
  ['offlineServicing generalize specialize', 'DiagCpl Disk-Failure-Diagnostic-Module'],
  ['offlineServicing generalize specialize', 'TerminalServices-Publishing-WMIProvider'],
  ['offlineServicing generalize specialize', 'TerminalServices-RemoteConnectionManager'],
  ['offlineServicing specialize', 'Embedded-EmbeddedLogon GPIOButtons'],
  ['generalize specialize auditSystem auditUser oobeSystem', 'CoreMmRes'],
  ['specialize auditSystem auditUser oobeSystem', 'StorPort-RegistrySettings'],
  ['windowsPE specialize', 'TCPIP'],
  ['windowsPE offlineServicing specialize oobeSystem', 'WLANSVC'],
  ['specialize auditSystem oobeSystem', 'Security-SPP-UX-SPPCC'],
];

/** Passes by the full name of a component. */
export const otherComponents: ReadonlyMap<string, readonly string[]> = new Map(
  byPasses.flatMap(([passes, names]) =>
    names
      .split(' ')
      .map((name) => [name.startsWith('/') ? name.slice(1) : `Microsoft-Windows-${name}`, passes.split(' ')] as const),
  ),
);
