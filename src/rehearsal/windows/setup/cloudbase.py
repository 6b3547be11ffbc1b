"""The practice Cloudbase-Init: what its installer leaves, and what it makes of its configuration."""

import configparser
import os

import machine
import registry
from answers import SetupError

HOME = "Program Files/Cloudbase Solutions/Cloudbase-Init"
# As docs/source/plugins.rst and services.rst of Cloudbase-Init list them.
PLUGINS = {"mtu.MTUPlugin", "sethostname.SetHostNamePlugin", "extendvolumes.ExtendVolumesPlugin", "ntpclient.NTPClientPlugin",
           "createuser.CreateUserPlugin", "networkconfig.NetworkConfigPlugin", "licensing.WindowsLicensingPlugin",
           "sshpublickeys.SetUserSSHPublicKeysPlugin", "userdata.UserDataPlugin", "setuserpassword.SetUserPasswordPlugin",
           "localscripts.LocalScriptsPlugin", "winrmlistener.ConfigWinRMListenerPlugin", "rdp.RDPSettingsPlugin",
           "winrmcertificateauth.ConfigWinRMCertificateAuthPlugin", "trim.TrimConfigPlugin", "sanpolicy.SANPolicyPlugin",
           "rdp.RDPPostCertificateThumbprintPlugin", "pagefiles.PageFilesPlugin", "bootconfig.BCDConfigPlugin",
           "displayidletimeout.DisplayIdleTimeoutConfigPlugin", "bootconfig.BootStatusPolicyPlugin", "updates.WindowsAutoUpdatesPlugin",
           "ephemeraldisk.EphemeralDiskPlugin", "certificates.ServerCertificatesPlugin", "azureguestagent.AzureGuestAgentPlugin"}
SERVICES = {"configdrive.ConfigDriveService", "httpservice.HttpService", "nocloudservice.NoCloudConfigDriveService",
            "ec2service.EC2Service", "base.EmptyMetadataService", "cloudstack.CloudStack", "opennebulaservice.OpenNebulaService",
            "maasservice.MaaSHttpService", "ovfservice.OvfService", "packet.PacketService", "azureservice.AzureService",
            "vmwareguestinfoservice.VMwareGuestInfoService", "gceservice.GCEService"}
# As its Unattend.xml has it, with the folders of the installation.
UNATTEND = """<?xml version="1.0" encoding="utf-8"?>
<unattend xmlns="urn:schemas-microsoft-com:unattend" xmlns:wcm="http://schemas.microsoft.com/WMIConfig/2002/State">
  <settings pass="oobeSystem">
    <component name="Microsoft-Windows-Shell-Setup" processorArchitecture="amd64" publicKeyToken="31bf3856ad364e35" language="neutral" versionScope="nonSxS">
      <OOBE>
        <HideEULAPage>true</HideEULAPage>
        <SkipMachineOOBE>true</SkipMachineOOBE>
        <SkipUserOOBE>true</SkipUserOOBE>
      </OOBE>
    </component>
  </settings>
  <settings pass="specialize">
    <component name="Microsoft-Windows-Deployment" processorArchitecture="amd64" publicKeyToken="31bf3856ad364e35" language="neutral" versionScope="nonSxS">
      <RunSynchronous>
        <RunSynchronousCommand wcm:action="add">
          <Order>1</Order>
          <Path>cmd.exe /c ""HOME\\Python\\Scripts\\cloudbase-init.exe" --config-file "HOME\\conf\\cloudbase-init-unattend.conf" &amp;&amp; exit 1 || exit 2"</Path>
          <WillReboot>OnRequest</WillReboot>
        </RunSynchronousCommand>
      </RunSynchronous>
    </component>
  </settings>
</unattend>
"""


def install(root: str) -> None:
    """Its installer names the local group of administrators as this Windows does, here as no Windows would."""
    for folder in ("conf", "log", "LocalScripts", "bin"):
        os.makedirs(f"{root}/{HOME}/{folder}", exist_ok=True)
    files = {"cloudbase-init.conf": "[DEFAULT]\nusername=Admin\ngroups=Practice Administrators\n",
             "cloudbase-init-unattend.conf": "[DEFAULT]\nusername=Admin\ngroups=Practice Administrators\n", "Unattend.xml": UNATTEND.replace("HOME", "C:\\" + HOME.replace("/", "\\"))}
    for name, text in files.items():
        with open(f"{root}/{HOME}/conf/{name}", "w", encoding="utf-8", newline="\r\n") as file:
            file.write(text)
    registry.write(f"{root}/Windows/System32/config/SYSTEM", r"ControlSet001\Services\cloudbase-init", {"Start": 2})


def configuration(root: str, name: str):
    """A configuration file, in which the last value of an option holds; None if it is not there."""
    path = f"{root}/{HOME}/conf/{name}"
    if not os.path.exists(path):
        return None
    config = configparser.ConfigParser(interpolation=None, strict=False)
    config.read(path, encoding="utf-8")
    return config["DEFAULT"]


def check(root: str) -> None:
    """Cloudbase-Init would stop at a class that it does not have."""
    for name in ("cloudbase-init.conf", "cloudbase-init-unattend.conf"):
        config = configuration(root, name)
        for key, known in (("plugins", PLUGINS), ("metadata_services", SERVICES)):
            for word in (config or {}).get(key, "").replace("\n", "").split(","):
                if word and ".".join(word.strip().rsplit(".", 2)[-2:]) not in known:
                    raise SetupError(f"cloudbase-init: {name}: {key}: there is no class {word}")


def serve(root: str) -> None:
    """The service when it starts: it cannot add its user to a group that this Windows does not have."""
    config = configuration(root, "cloudbase-init.conf")
    if config is None:
        return
    user, groups = config.get("username", "Admin"), config.get("groups", "Administrators")
    if groups != "Practice Administrators":
        machine.say(f'practice Cloudbase-Init: Cannot add user to group "{groups}"')
    else:
        machine.say(f"practice Cloudbase-Init: {user} is one of {groups}")
