"""The packages of a repository, as its repodata tells them, and how dnf and yum find one by what it is called. The guest's yum has this file too."""
import fnmatch
import glob
import gzip
import os
import re
import subprocess
from xml.etree import ElementTree

COMMON, RPM = "{http://linux.duke.edu/metadata/common}", "{http://linux.duke.edu/metadata/rpm}"


def read(folder):
    """Every package: name, epoch, version, release, arch, group, file, files, and provides (name -> (epoch, version, release))."""
    with gzip.open(glob.glob(folder + "/repodata/*primary.xml.gz")[0]) as text:
        tree = ElementTree.parse(text)
    found = []
    for one in tree.iter(COMMON + "package"):
        version, form = one.find(COMMON + "version"), one.find(COMMON + "format")
        provided = {entry.get("name"): tuple(entry.get(key) or "" for key in ("epoch", "ver", "rel")) for entry in form.iterfind(f"{RPM}provides/{RPM}entry")}
        found.append({"name": one.findtext(COMMON + "name"), "arch": one.findtext(COMMON + "arch"), "group": form.findtext(RPM + "group"),
                      "epoch": version.get("epoch"), "version": version.get("ver"), "release": version.get("rel"),
                      "file": os.path.basename(one.find(COMMON + "location").get("href")),
                      "files": [entry.text for entry in form.iterfind(COMMON + "file")], "provides": provided})
    return found


def names(one, dnf):
    """What a package is called, in lists of which the first that matches counts (dnf, "Specifying Packages"; buildPkgRefDict of yum/packages.py)."""
    name, arch, version, release = (one[key] for key in ("name", "arch", "version", "release"))
    epoch = f"{one['epoch']}:{version}"
    whole = [f"{name}-{version}-{release}.{arch}", f"{name}-{epoch}-{release}.{arch}"]
    if dnf:
        return [whole, [f"{name}.{arch}"], [name], [f"{name}-{version}-{release}", f"{name}-{epoch}-{release}"], [f"{name}-{version}", f"{name}-{epoch}"]]
    return [[name, f"{name}.{arch}", f"{name}-{version}", f"{name}-{version}-{release}", *whole, f"{one['epoch']}:{whole[0]}"]]


def find(word, packages, dnf):
    """The packages that a word names: NAME, NAME.ARCH, NAME-VERSION and so on, a pattern of these, else what a package provides, or a file of it."""
    name, _, condition = word.partition(" ")
    if condition:
        return [one for one in packages if name in one["provides"] and fulfils(one["provides"][name], condition)]
    matches = re.compile(fnmatch.translate(word)).match
    for form in range(len(names(packages[0], dnf)) if packages else 0):
        found = [one for one in packages if any(matches(text) for text in names(one, dnf)[form])]
        if found:
            return found
    return [one for one in packages if any(matches(text) for text in (*one["provides"], *one["files"]))]


def fulfils(provided, condition):
    """Whether an epoch, version and release are, for instance, `>= 1:5.14`. What provides no version fulfils none."""
    operator, _, wanted = condition.partition(" ")
    epoch, _, rest = wanted.rpartition(":")
    version, _, release = rest.partition("-")
    if not provided[1]:
        return False
    order = next((order for order in (compare(mine, other) for mine, other in zip(provided, (epoch or "0", version, release)) if other) if order), 0)
    return order in {"=": (0,), "<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (0, 1)}[operator]


def compare(one, other):
    """-1, 0 or 1, as rpm has it."""
    said = subprocess.run(["rpm", "--eval", f'%{{lua:print(rpm.vercmp("{one}", "{other}"))}}'], capture_output=True, text=True, check=True)
    return int(said.stdout)
