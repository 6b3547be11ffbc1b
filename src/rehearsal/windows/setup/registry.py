"""Values in a registry hive."""

import struct

import hivex

SZ, DWORD = 1, 4


def write(path: str, key: str, values: dict) -> None:
    """Sets values below a key, which is made if it is not there: numbers as REG_DWORD, all else as REG_SZ."""
    hive = hivex.Hivex(path, write=True)
    node = hive.root()
    for part in key.split("\\"):
        node = hive.node_get_child(node, part) or hive.node_add_child(node, part)
    for name, value in values.items():
        if isinstance(value, int):
            data = {"key": name, "t": DWORD, "value": struct.pack("<I", value)}
        else:
            data = {"key": name, "t": SZ, "value": (value + "\0").encode("utf-16-le")}
        hive.node_set_value(node, data)
    hive.commit(None)


def read(path: str, key: str, name: str):
    """The text or number of a value; None when there is none."""
    hive = hivex.Hivex(path)
    node = hive.root()
    for part in key.split("\\"):
        node = node and hive.node_get_child(node, part)
    value = node and hive.node_get_value(node, name)
    if not value:
        return None
    kind, data = hive.value_value(value)
    return struct.unpack("<I", data)[0] if kind == DWORD else data.decode("utf-16-le").rstrip("\0")
