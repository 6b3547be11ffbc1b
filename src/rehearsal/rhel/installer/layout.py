"""Where partitions lie, and how large they become."""
import functools

FIRMWARE = ("biosboot", "prepboot", "appleboot")


class StorageError(Exception):
    """The kickstart is sound but does not fit this machine; the text is what the installer prints."""


def place(one):
    """The keys by which blivet sorts partitions (partition_compare in its partitioning.py): what boots, /boot, those that name their disk,
    primary ones, fixed sizes before growing ones, larger before smaller, by the most they may grow to."""
    boots = one["type"] in FIRMWARE or one["mount"] == "/boot/efi"
    return (0 if boots else 1 if one["mount"] == "/boot" else 2, not one.get("placed"), not one.get("primary"), one["grow"], -one["size"],
            -(one["max"] or float("inf")) if one["grow"] else 0)


def compare(one, other):
    """And at last by mount point; what has none stays where the kickstart has it."""
    mine, its = place(one), place(other)
    if mine == its and one["mount"].startswith("/") and other["mount"].startswith("/"):
        mine, its = one["mount"], other["mount"]
    return (mine > its) - (mine < its)


def grow(requests, free, step=1):
    """Shares what is free among those that grow, in whole steps."""
    growing = [one for one in requests if one["grow"]]
    while growing and free >= step:
        share = free // len(growing) // step * step
        if share == 0:
            break
        for one in list(growing):
            more = share if not one["max"] else min(share, max(0, one["max"] - one["size"]))
            one["size"] += more
            free -= more
            if one["max"] and one["size"] >= one["max"]:
                growing.remove(one)


def fit(requests, free, automatic=False):
    """Sizes requests into what is free (MiB), in the order in which they lie there."""
    ordered = sorted(requests, key=functools.cmp_to_key(compare))
    free -= sum(one["size"] for one in ordered)
    if free < 0:
        raise StorageError("The following errors occurred with your partitioning:\n\nNot enough free space on disks for automatic partitioning\n\n"
                           "The installation will now terminate." if automatic else "Unable to allocate requested partition scheme.")
    grow(ordered, free)
    return ordered
