/** The end of the page: how everything is measured, and what that does not tell. */
export const footnotes = `## How it is measured

    npm run bench -- --docs

One run on a machine that does nothing else; about an hour without KVM, half of it for the ten recipes. Everything lies in one temporary folder, with a \`VMKILN_HOME\` of its own per case. The practice DVD is made beforehand, lies on the same disk for all contenders and has been read once; so has libguestfs's appliance. Every case is run once, except those that take about a second: nothing changed is the median of 5, start-up the median of 15 rounds in which the commands take turns.

- **Wall** time is that of the command. **CPU** is that of the whole machine (\`/proc/stat\`), because QEMU is a child of libvirt's daemon.
- **Written** is what reached the disk of the folder (\`/proc/diskstats\`), with a \`sync\` before and after. **Peak disk** is the largest dip of its free space, sampled five times a second. libguestfs and virt-sparsify use \`/tmp\` and \`/var/tmp\`, which are not in it if they are other filesystems.
- **Peak memory** is the resident memory of vmkiln's own process (\`VmHWM\`), without the programs it starts.

The contenders:

- **guide’s commands**: [guide.sh](../scripts/bench/guide.sh), which is section 1.2.1.2.1 of the Image service chapter of Red Hat OpenStack Platform, "Create a Red Hat Enterprise Linux 7 Image", in the present form of its commands: \`qemu-img create\`, \`virt-install\`, \`virt-sysprep -d\`, \`virt-sparsify --compress\`. Where the guide clicks through the installer there is the kickstart that vmkiln renders, and what it types in the running guest is done by \`virt-customize\` with the scripts that vmkiln renders. The engineer who types it is not counted, and the reboots of the guide are not either.
- **Packer**: [packer.sh](../scripts/bench/packer.sh) with [packer.json](../scripts/bench/packer.json): its QEMU builder, tuned as vmkiln's installation is (kernel booted directly, \`cache=unsafe\`, discard), without a communicator, because the kickstart powers the guest off, and without a compaction that virt-sparsify would only repeat. The guide's commands follow as its post-processor.
- **vmkiln, cold**: \`vmkiln rehearse bench.yaml --out DIR\` with an empty cache but for the DVD. The recipe installs cloud-init from a repository, like the guide, and has \`verify: false\` and \`describe: false\`, which are what the others do not do.
- **edited**: the same with one more step in \`customize\`, from that cache. **unchanged**: the same recipe again.
- **the work after the installation**: the time from the installed disk to the image in the checkpoint store, with what vmkiln does between the commands; without starting vmkiln and publishing.

Parts can be run again: \`npm run bench -- --only cold,edit --json FILE --docs\` keeps the other figures of the file.

## What these figures do not show

- **Practice media.** The practice DVD is a stand-in with a small Debian inside. A real RHEL DVD takes far longer to install, and \`yum update\` from a real repository longer than all else: both are the same for every contender, and make the ratios of a whole build smaller. The practice packages need no network.
- **No KVM.** Emulation slows down the guest's work and libguestfs's appliances, and not \`qemu-img\`, which runs on the host. With KVM all times shrink, those of appliance launches most of all, and the ratios are others.
- **One machine, one run.** Differences of a few percent mean nothing.
- **Different work.** vmkiln keeps checkpoints, which take disk space, and hashes and publishes the image; the guide and Packer stop at a file. Packer can do much that is not asked of it here.`;
