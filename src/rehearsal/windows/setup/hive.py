"""A registry hive with nothing in it, from which hivex makes the others."""

import struct

# Offsets below are from the first bin, which lies at 0x1000. See the comments of hivex's source on the format.
FIRST = 0x1000


def empty_hive() -> bytes:
    """The base block and one bin of 4 KiB: a root key, its security descriptor, and free space."""
    name = b"$$$PROTO.HIV"
    security = struct.pack("<BBHIIII", 1, 0, 0x8000, 0, 0, 0, 0)
    root_at, root_size = 0x20, (4 + 76 + len(name) + 7) & ~7
    security_at = root_at + root_size
    security_size = (4 + 20 + len(security) + 7) & ~7
    nothing = 0xFFFFFFFF
    key = struct.pack(
        "<2sHQIIIIIIIIIIIIIIIHH",
        *(b"nk", 0x2C, 132223104000000000, 0, nothing, 0, 0, nothing, nothing, 0, nothing),
        *(security_at, nothing, 0, 0, 0, 0, 0, len(name), 0),
    )
    root = struct.pack("<i", -root_size) + key + name
    descriptor = struct.pack("<i2sHIIII", -security_size, b"sk", 0, security_at, security_at, 1, len(security)) + security
    bin_header = struct.pack("<4sIIIIIII", b"hbin", 0, 0x1000, 0, 0, 0, 0, 0)
    cells = bin_header + root.ljust(root_size, b"\0") + descriptor.ljust(security_size, b"\0")
    free = 0x1000 - len(cells)
    cells += struct.pack("<i", free).ljust(free, b"\0")
    base = struct.pack("<4sIIQIIIIIII", b"regf", 1, 1, 132223104000000000, 1, 5, 0, 1, root_at, 0x1000, 1)
    base = base.ljust(508, b"\0")
    checksum = 0
    for (word,) in struct.iter_unpack("<I", base):
        checksum ^= word
    return (base + struct.pack("<I", checksum)).ljust(FIRST, b"\0") + cells
