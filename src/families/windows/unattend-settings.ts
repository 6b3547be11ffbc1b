/**
 * What an element of an answer file may hold: a kind of value, the values it may have, or other elements. Only what
 * answer files for images use; the names and passes are those of Microsoft's "Unattended Windows Setup Reference".
 */
export type Rule = 'text' | 'secret' | 'number' | 'boolean' | readonly string[] | Children;
export type Children = { readonly [name: string]: Rule };

export const always = ['OnError', 'Always', 'Never'];
export const credentials = { Domain: 'text', Password: 'secret', Username: 'text' } as const;
export const display = {
  ColorDepth: 'number',
  HorizontalResolution: 'number',
  RefreshRate: 'number',
  VerticalResolution: 'number',
} as const;

export const runSynchronous = {
  RunSynchronousCommand: {
    Order: 'number',
    Description: 'text',
    Path: 'text',
    WillReboot: ['Always', 'OnRequest', 'Never'],
    Credentials: credentials,
  },
} as const;
export const runAsynchronous = {
  RunAsynchronousCommand: { Order: 'number', Description: 'text', Path: 'text', Credentials: credentials },
} as const;

const partitionNumber = { DiskID: 'number', PartitionID: 'number' } as const;

/** What the component Microsoft-Windows-Setup holds. */
export const setup: Children = {
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
          // The name, number or description: unattend-image.ts looks at it.
          Key: 'text',
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
      WillShowUI: always,
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
  WindowsDeploymentServices: {
    ImageSelection: {
      InstallImage: { Filename: 'text', ImageGroup: 'text', ImageName: 'text' },
      InstallTo: partitionNumber,
      WillShowUI: always,
    },
    Login: { Credentials: credentials, WillShowUI: always },
  },
};
