"""What fips=1 on the installer's command line makes of the system (Anaconda: platform.py and booty/bootloaderInfo.py in 6, modules/security from 8 on;
7 brings no package of its own accord)."""
from configure import write
from filesystems import specification


def major(release):
    return int(release["version"].split(".")[0])


def packages(arguments, release):
    """The packages that are installed besides those that the kickstart chooses."""
    if arguments.get("fips") != "1" or major(release) == 7:
        return []
    return ["dracut-fips"] if major(release) == 6 else ["crypto-policies-scripts"]


def words(arguments, devices):
    """The kernel's arguments: where its checksum is (set_boot_args of bootloader.py)."""
    boot = next((one for one in devices if one["mount"] == "/boot"), None)
    return [f"boot={specification(boot)}"] if boot and arguments.get("fips") == "1" else []


def configure(root, arguments, release):
    """The policy of the system's cryptography, which PreconfigureFIPSTask sets before the packages come."""
    if arguments.get("fips") == "1" and major(release) >= 8:
        write(root, "/etc/crypto-policies/config", "FIPS\n")
