/** What a document says nowhere, and what to do instead. */
export type Instead = {
  words: string;
  remedy: string;
  /** The place of the map that the words count in, empty for the top; without one any that is about the image itself. */
  at?: string;
  /** A place with which the remedy is none. */
  without?: string;
  /** A place without which the remedy is none. */
  needs?: string;
  /** Whether it is said of maps alone. */
  isMap?: boolean;
  /** The place that the word stands for all the same: that it is missing is not told too. */
  stands?: string;
};

/** What people write for which no recipe has a key; the first row that fits counts. */
export const instead: readonly Instead[] = [
  { at: 'customize[]', words: 'name id title', remedy: 'a step has no name: write a comment above it' },
  {
    at: 'customize[]',
    words:
      'service systemd getUrl unarchive aptKey yumRepository sysctl cron firewalld selinux seboolean hostname group replace blockinfile pip git reboot authorizedKey',
    remedy: 'a command does that: write run: COMMAND',
    needs: 'customize[].run',
  },
  {
    at: 'customize[]',
    words: 'become sudo user',
    remedy: 'every step is run as root: leave it out, or write run: useradd NAME for a new user',
    needs: 'customize[].run',
  },
  {
    at: 'customize[].run',
    words: 'inline command commands cmd shell args argv',
    remedy: 'the command itself is the value: write run: COMMAND',
  },
  {
    at: '',
    words: 'commands command run shell scripts provisioners provisioner provision runcmd steps tasks post runCommands',
    remedy: 'write install: { commands: […] }',
    needs: 'install.commands',
  },
  {
    at: 'install.commands[]',
    words: 'run command commands cmd shell exec inline batch powershell pwsh',
    remedy: 'the command itself is the entry: write - COMMAND, or - powershell -Command "…"',
  },
  {
    at: 'install.commands[]',
    words: 'args arguments parameters params',
    remedy: 'a script is given none: write what it needs into it',
  },
  {
    at: 'customize[]',
    words: 'run command commands cmd shell exec inline powershell pwsh registry reg service',
    remedy:
      'write install: { commands: […] }, which run before Sysprep, or firstboot: { script: FILE } for each instance',
    needs: 'install.commands',
  },
  {
    at: 'customize[].firstboot',
    words: 'run command commands cmd shell exec inline powershell',
    remedy: 'the commands are in a file: write script: FILE, a .ps1, .cmd or .bat file',
  },
  {
    at: 'cloudbaseInit',
    words: 'version url msi installer path',
    remedy: 'its installer is source: { cloudbaseInitMsi: … }',
  },
  {
    at: 'cloudbaseInit',
    words: 'plugins metadataServices metadata groups networkConfig settings logging',
    remedy: 'the file is yours to write: config: FILE, a template of cloudbase-init.conf',
  },
  {
    words: 'autologon autologin autoLogonCount autoAdminLogon',
    remedy: 'vmkiln logs Administrator on while it builds, and never in an instance: leave it out',
    needs: 'install.commands',
  },
  {
    words: 'sysprep generalize seal reseal skipRearm',
    remedy: 'each build ends with Sysprep: leave it out',
    needs: 'install.commands',
  },
  {
    words: 'domain joinDomain domainJoin workgroup activeDirectory ou',
    remedy: 'an instance joins a domain, an image is of none: write customize: [{ firstboot: { script: FILE } }]',
    needs: 'install.commands',
  },
  {
    words: 'activation activate kms kmsServer kmsHost avma',
    remedy: 'an instance activates itself: write productKey: generic where there is a KMS host',
    needs: 'install.commands',
  },
  {
    words: 'eval evaluation trial',
    remedy: 'evaluation media need no key, and say themselves that they are: leave it out',
    needs: 'install.commands',
  },
  {
    words: 'guestTools guestAgent qemuGuestAgent qemuAgent qemuGa virtioTools virtioWinGuestTools spiceTools',
    remedy: 'they are installed from source: { virtioIso: … }: leave it out',
    needs: 'source.virtioIso',
  },
  {
    words: 'secureBoot',
    remedy: 'vmkiln chooses it by the release: leave it out',
    needs: 'machine.tpm',
  },
  {
    words: 'owner registeredOwner fullName',
    remedy: 'Windows is registered to an organization: write organization, or leave it out',
    needs: 'install.commands',
  },
  {
    words:
      'services service features windowsFeatures optionalFeatures roles capabilities registry reg regedit firewall firewallRules defender antivirus uac enableLua ieEsc serverManager openssh ssh sshd removeApps apps appx bloatware debloat telemetry environment env proxy ntp timeServer pagefile hibernation certificates wallpaper scheduledTasks dns network networks',
    remedy: 'a command does that: write install: { commands: […] }; docs/windows.md has examples',
    needs: 'install.commands',
  },
  {
    at: 'cloudInit',
    words: 'runcmd bootcmd writeFiles sshPwauth datasource datasourceList datasources growpart chpasswd modules',
    remedy:
      'the file of cloud-init is yours to write: customize: [{ write: { path: /etc/cloud/cloud.cfg.d/99-own.cfg, content: … } }]',
  },
  {
    at: 'repositories[]',
    words: 'metalink mirrorlist mirrors',
    remedy: 'a repository has one address: write baseurl: URL, of one of its mirrors',
    needs: 'repositories[].baseurl',
    stands: 'repositories[].baseurl',
  },
  { at: 'repositories[]', words: 'enabled', remedy: 'it is enabled while the image is built: leave it out' },
  {
    words: 'recipe recipes image images vm domain guest',
    remedy: 'the keys below it stand at the top level of a recipe: take it away, and their indentation',
    isMap: true,
  },
  {
    at: 'hooks',
    words: 'before beforeBuild beforeInstall pre preBuild preInstall',
    remedy: 'nothing of yours runs before the installation: run it before vmkiln build',
  },
  {
    at: 'upload[]',
    words: 'type kind provider target name',
    remedy: 'the target is the key of the entry, directory, glance or command: write directory: { path: … }',
  },
  {
    words:
      'install machine memory ram vcpus cpus cpu firmware boot kickstart ks preseed autoinstall subiquity unattended',
    remedy: 'nothing is installed, the image starts from the cloud image that source names: leave it out',
    without: 'install',
  },
  {
    words: 'language lang locale locales keyboard keymap timezone',
    remedy: 'a step does that: write customize: [{ run: COMMAND }]',
    without: 'timezone',
  },
  {
    words: 'poweroff reboot shutdown halt text graphical cmdline skipx eula firstboot autologin authselect authconfig',
    remedy: 'the kickstart says that (install: { kickstart: FILE }): leave it out',
    needs: 'install.kickstart',
  },
  { words: 'tpm vtpm', remedy: 'these images need none: leave it out', without: 'machine.tpm' },
  {
    words:
      'user users group groups accounts sshkey sshKeys sshAuthorizedKeys authorizedKeys sshPubKey publicKey userData',
    remedy: 'users and SSH keys come from the cloud when an instance boots: leave it out',
  },
  {
    words: 'hostname fqdn computerName',
    remedy: 'an instance gets its name from the cloud when it boots: leave it out',
  },
  {
    words:
      'services service systemd enabledServices disabledServices units firewall selinux ntp timeservers chrony sshd openscap',
    remedy: 'a step does that: write customize: [{ run: COMMAND }]',
    needs: 'customize[].run',
  },
  {
    words:
      'bootCommand bootWait bootKeyInterval bootSteps httpDirectory httpContent httpPortMin httpPortMax floppyFiles floppyDirs cdFiles cdLabel initrdInject',
    remedy: 'nothing is typed or served to the installer, which gets its answer file from vmkiln: leave it out',
  },
  {
    words:
      'communicator sshPassword sshPort sshPrivateKeyFile sshHandshakeAttempts winrmUsername winrmPort winrmUseSsl winrmInsecure shutdownCommand',
    remedy: 'vmkiln does not log in to the guest: leave it out',
  },
  {
    words:
      'accelerator virtType hypervisor headless graphics vga vnc display console video qemuargs qemuBinary netDevice netBridge network networks nic cpuModel machineType rng memballoon connect noautoconsole noreboot import features diskCache diskDiscard diskInterface bus useDefaultDisplay skipCompaction',
    remedy: 'vmkiln chooses it by what the host can do (vmkiln doctor): leave it out',
  },
  {
    words: 'sshInject sshInjectKey',
    remedy: 'SSH keys come from the cloud when an instance boots: leave it out',
  },
  {
    words: 'snaps snap',
    remedy: 'cloud-init installs snaps when an instance boots (its user data): leave it out',
  },
  {
    words: 'resource resources module terraform data',
    remedy: 'a recipe is one image, and the keys of that stand at the top level',
    isMap: true,
  },
  {
    words: 'selinuxRelabel relabel',
    remedy: 'vmkiln relabels the image by itself: leave it out',
  },
  {
    words: 'provider providers driver libvirt qemu qemuUri',
    remedy: 'images are built with libvirt, which --connect names: leave it out',
  },
  {
    words:
      'volumes volume ports port restart networks syncedFolder syncedFolders sharedFolders forwardedPort dependsOn entrypoint',
    remedy: 'that is of a running machine, and a recipe makes an image: leave it out',
  },
  {
    words: 'subscription registration register rhsm',
    remedy: 'registration is for RHEL alone: leave it out',
    without: 'subscription',
  },
  {
    words: 'elements dibRelease element',
    remedy: 'there are no elements: packages and customize say what the image has',
    needs: 'packages',
  },
  {
    words: 'jobs workflow pipeline',
    remedy: 'a recipe says what the image is, and vmkiln build what is done: leave it out',
  },
  {
    words: 'builders builder sources build images recipes',
    remedy: 'a recipe is one image, and the keys of that stand at the top level',
  },
  {
    words: 'variables vars parameters params locals',
    remedy: 'a variable is not declared: write ${NAME:-default} where it is used, and pass --set NAME=…',
  },
  {
    words: 'customizations blueprint installer spec config',
    remedy: 'what is below it stands at the top level of a recipe: timezone, language, packages, customize',
    needs: 'packages',
  },
  {
    words: 'environment env environmentVars environmentVariables',
    remedy: 'a step sets its variables itself: write customize: [{ run: NAME=VALUE COMMAND }]',
    needs: 'customize[].run',
  },
  {
    at: '',
    words: 'extends include includes imports inherits inherit defaults',
    remedy: 'a recipe reads no other one: share what is alike by anchors and merge keys (<<) within a file',
  },
  { words: 'arch architecture cpuArch', remedy: 'images are for x86_64: leave it out' },
  {
    words: 'apiVersion kind schema schemaVersion author maintainer tags labels metadata license packer requiredPlugins',
    remedy: 'a recipe needs none: leave it out',
  },
];
