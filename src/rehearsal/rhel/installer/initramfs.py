"""What dracut adds where the root is a logical volume: LVM, as an archive behind the one that every system has."""
import glob
import os
import re
import shutil
import tempfile

PROGRAM = "/usr/sbin/lvm"


def add_volumes(root, devices, run):
    """Adds LVM and its libraries to the initramfs, which activates the volumes that the kernel's rd.lvm.lv= (6: rd_LVM_LV=) name (see ../init)."""
    if not any(one["mount"] == "/" and one["group"] for one in devices):
        return
    libraries = re.findall(r"(/\S+) \(0x", run("ldd", PROGRAM, root=root))
    with tempfile.TemporaryDirectory() as folder:
        for name in [PROGRAM, *libraries]:
            # The initramfs has no links between /lib and /usr/lib.
            target = folder + ("/bin/lvm" if name == PROGRAM else name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(root + name, target)
        archive = run("sh", "-c", f"cd {folder} && find . | cpio -o -H newc -R 0:0 --quiet | gzip -1 > {folder}.gz && echo {folder}.gz").strip()
    for image in glob.glob(root + "/boot/initramfs-*.img"):
        with open(image, "ab") as out, open(archive, "rb") as more:
            # An archive begins at a multiple of four bytes.
            out.write(b"\0" * (-out.tell() % 4))
            shutil.copyfileobj(more, out)
    os.remove(archive)
