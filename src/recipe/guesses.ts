import { factoryGuesses } from './guesses-factory.ts';
import { instead, type Instead } from './instead.ts';

/** The words of others for the keys of a document, and for what it has no key for. */
export type Guesses = { elsewhere: Readonly<Record<string, string>>; instead: readonly Instead[] };

// What people write who come from other tools: options of Packer's QEMU builder, of virt-install(1), blueprints of Image Builder,
// commands of kickstart, modules of cloud-init, keys of openstackclient and of Ansible.

/**
 * Where a recipe says what others call otherwise: the place of the key, and the words for it. A word may stand at several places;
 * the first that the recipe's family has is meant, unless one is in the very map that the word is found in. `output.path` is that word
 * in the map `output`.
 */
const elsewhere: Readonly<Record<string, string>> = {
  name: 'vmName imageName image_name title id outputName',
  description: 'comment notes summary',
  family: 'os distro osFamily osId osVariant osInfo osType guestOsType platform system operatingSystem',
  distribution: 'distro os flavor variant',
  release: 'version osVersion versionId osRelease distroRelease distributionRelease releasever suite codename',
  'source.iso':
    'isoUrl isoUrls isoPath isoFile isoTargetPath cdrom dvd location media medium installMedia installSource url uri path src file treeUrl',
  'source.image':
    'baseImage base from box sourceImage cloudImage diskImage imageUrl imagePath backingFile qcow2 template isoUrl iso cdrom url uri path src file',
  'source.sha256': 'isoChecksum checksum digest sha256sum hash md5 sha1 sha512 isoChecksumType checksumType',
  'source.virtioIso': 'virtio virtioDrivers virtioWin drivers virtioIsoPath virtioUrl',
  'source.virtioSha256': 'virtioChecksum virtioIsoSha256',
  'source.cloudbaseInitMsi': 'cloudbaseInit cloudbase msi',
  'disk.size': 'diskSize size virtualSize capacity rootDisk rootSize disks storage hdd imageSize diskGb',
  'machine.memory': 'ram mem memoryMb memoryMib memorySize ramSize',
  'machine.vcpus': 'cpus cpu cores vcpu smp ncpus numCpus cpuCount',
  'machine.firmware': 'efi uefi bios boot bootMode efiBoot ovmf loader firmwareType',
  'machine.diskBus': 'diskInterface bus',
  'machine.tpm': 'vtpm tpm2 swtpm',
  language: 'lang locale locales languages',
  keyboard: 'keymap kbd keyboardLayout layout inputLocale keyboards vconsole',
  timezone: 'tz timezones timeZoneName',
  'install.kickstart':
    'ks ksFile kickstartFile kickstartUrl instKs answerFile autoinstall unattended part partitions partitioning lvm filesystem filesystems autopart clearpart layout swap zerombr',
  'install.answerFile':
    'unattend unattended autounattend autounattendXml unattendFile answers answerfiles kickstart partitions partitioning',
  'install.image': 'edition imageName imageIndex wimIndex sku index',
  'install.kernelArguments':
    'bootloader extraArgs kernelArgs kernelOptions kernel cmdline append kargs kernelCommandLine kernelParams',
  'install.timeout': 'installTimeout sshTimeout sshWaitTimeout winrmTimeout shutdownTimeout wait waitTimeout',
  'install.updates.server': 'wsus wsusServer wsusUrl',
  'install.updates': 'update upgrade updates patches windowsUpdate windowsUpdates packageUpgrade',
  'install.variables': 'templateVariables',
  organization: 'company companyName registeredOrganization organisation',
  productKey: 'key productId license licenseKey serial',
  administratorPassword: 'adminPassword password rootPassword rootpw winrmPassword',
  rootPassword: 'rootpw password adminPassword rootPasswordHash rootPw',
  'subscription.username': 'user login rhUsername',
  'subscription.organization': 'org orgId organisation organizationId',
  'subscription.activationKey': 'activationKeys key keys ak',
  'subscription.attach': 'pool poolId pools poolIds autoAttach',
  'subscription.repositories': 'repos repo enableRepos enabledRepos repository',
  'subscription.serverUrl': 'server serverHostname hostname satellite url',
  'subscription.contentUrl': 'baseUrl rhsmBaseurl content',
  'subscription.caCertificate': 'ca caCert',
  subscription: 'rhsm redhat redhatRegister subscriptionManager registration register satellite rhSubscription',
  repositories: 'repos repo yumRepos yumRepo apt aptSources customRepositories extraRepos',
  'repositories[].baseurl': 'url uri href mirror',
  'repositories[].uri': 'url baseurl href mirror',
  'repositories[].suites': 'suite release distribution codename',
  'repositories[].components': 'component sections',
  'repositories[].key': 'gpgkey signedBy',
  'repositories[].id': 'repoid repo',
  'proxy.url': 'server host address http https httpProxy httpsProxy',
  'proxy.user': 'username login',
  proxy: 'httpProxy httpsProxy',
  caCertificates: 'ca cacerts caCerts certificates trustedCertificates',
  update: 'upgrade updates packageUpgrade packageUpdate updatePackages',
  packages: 'package rpms rpm installPackages packageList pkgs groups packageGroups modules yum dnf',
  'cloudInit.user': 'defaultUser sshUser sshUsername username cloudUser',
  'cloudInit.rootLogin': 'permitRootLogin disableRoot rootSsh',
  'cloudInit.network': 'networkConfig',
  'cloudbaseInit.user': 'defaultUser username winrmUsername cloudUser cloudInit',
  'settings.rdp': 'remoteDesktop',
  'settings.ping': 'icmp',
  'settings.powerPlan': 'power',
  'customize[].run': 'shell command cmd exec inline bash sh commands runCommand runCommands',
  'customize[].run.script': 'script scriptFile shellScript',
  'install.commands[].script': 'ps1',
  'customize[].upload': 'copy file put template copyIn copyFile uploadFile',
  'customize[].upload.from': 'src source local localPath file',
  'customize[].upload.to': 'dest destination dst path remote remotePath target',
  'customize[].upload.mode': 'permissions perm perms',
  'customize[].write': 'writeFile createFile content lineinfile',
  'customize[].write.path': 'file dest dst name to filename',
  'customize[].write.content': 'text data body contents',
  'customize[].write.mode': 'permissions perm perms',
  'customize[].delete': 'rm remove unlink deleteFile',
  'customize[].chmod': 'permissions perm perms',
  'customize[].link': 'symlink ln',
  'customize[].link.target': 'to src source from dest',
  'customize[].link.path': 'name link',
  'customize[].firstboot': 'firstbootCommand firstBootScript',
  'install.commands':
    'commands run shell command packages provisioners provisioner provision runcmd steps tasks scripts post runCommands powershell inline firstLogonCommands synchronousCommands winget choco chocolatey',
  customize:
    'provisioners provisioner provision runcmd bootcmd steps tasks scripts post commands runCommands writeFiles files copyFiles playbook shell',
  'output.format': 'diskFormat imageFormat outputFormat imageType',
  'output.compression': 'compress compressed diskCompression',
  upload: 'publish openstack glance target targets destinations destination deploy push uploads postProcessors',
  'upload[].directory': 'local file dir folder path',
  'upload[].glance': 'openstack image imageService os',
  'upload[].command': 's3 aws gcp azure http https scp rsync ssh vsphere vcenter registry script exec run program',
  'upload[].directory.path':
    'outputDirectory outputDir output.path output.dir output.file out outDir output folder dir directory file',
  'customize[].mkdir': 'directory dir makeDirectory createDirectory',
  'upload[].glance.cloud': 'osCloud provider auth clouds region cloudName',
  'upload[].glance.name': 'imageName image_name title',
  'upload[].glance.format': 'diskFormat containerFormat',
  'upload[].glance.osName': 'osDistro os osVersion osType',
  'upload[].glance.visibility': 'public private isPublic shared community access',
  'upload[].glance.properties': 'property metadata props imageProperties',
  'upload[].glance.minDisk': 'disk minDiskGb diskSize',
  'upload[].glance.minRam': 'ram memory minMemory',
  'upload[].glance.replace': 'force overwrite replaceExisting forceReplace keep',
  'upload[].glance.tags': 'tag labels',
  'hooks.afterUpload': 'onSuccess post after postUpload success notify',
  'hooks.afterBuild': 'postBuild',
  'hooks.onFailure': 'onError onFail failure error',
  'verify.checks': 'tests test check goss inspec assertions',
  verify: 'tests test checks',
  'verify.checks[].run': 'cmd command shell exec script',
};

/** A word as it counts: `iso_url`, `iso-url` and `isoURL` are one. */
export function plain(word: string): string {
  return word.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** By what a document is called. */
const documents: Readonly<Record<string, Guesses>> = { recipe: { elsewhere, instead }, factory: factoryGuesses };

const places = new Map<string, ReadonlyMap<string, string[]>>();

/** The places of a document by the words for them. They are collected when one is asked for: a document without mistakes needs none. */
function placesOf(noun: string): ReadonlyMap<string, string[]> {
  const collected = places.get(noun);
  if (collected) return collected;
  const found = new Map<string, string[]>();
  for (const [place, others] of Object.entries(documents[noun]?.elsewhere ?? {}))
    for (const word of [place.split('.').at(-1) ?? '', ...others.split(' ')])
      found.set(plain(word), [...(found.get(plain(word)) ?? []), place]);
  places.set(noun, found);
  return found;
}

/** Words that say something in their own map alone. */
const vague = new Set(
  'provider path file src source local to from dest dst remote text data body content contents name id title key keys public private target type keep in'.split(
    ' ',
  ),
);

/** Whether a word says nothing of where else it may belong. */
export function isVague(word: string): boolean {
  return vague.has(plain(word));
}

/** Where recipes, or other documents, may say what a word means elsewhere, the likeliest first. */
export function meantBy(word: string, noun = 'recipe'): readonly string[] {
  return placesOf(noun).get(plain(word)) ?? [];
}

/**
 * What to do instead of a key that no such document has, which stands in the map at `here`; `isPlace` says what its form has. With
 * `isOwn`, only what is said of keys in this very map counts.
 */
export function insteadOf(
  word: string,
  noun: string,
  here: string,
  isPlace: (place: string) => boolean,
  isMap: boolean,
  isOwn = false,
): Instead | undefined {
  return documents[noun]?.instead.find(
    ({ words, at, needs, without, isMap: mapsOnly = false }) =>
      (isMap || !mapsOnly) &&
      (!isOwn || at !== undefined) &&
      (at === undefined ? !/^(upload|hooks|repositories|verify|describe)/.test(here) : at === here) &&
      words.split(' ').some((each) => plain(each) === plain(word)) &&
      (needs === undefined || isPlace(needs)) &&
      (without === undefined || !isPlace(without)),
  );
}

/** Every word that there is a remedy for, as it is written in one of its spellings: the parts of one begin with capitals. */
export function guessedWords(): ReadonlySet<string> {
  return new Set(
    [...Object.values(elsewhere), ...instead.map(({ words }) => words)].flatMap((words) => words.split(' ')),
  );
}

/** Every place that words lead to. */
export const meantPlaces: readonly string[] = Object.keys(elsewhere);
