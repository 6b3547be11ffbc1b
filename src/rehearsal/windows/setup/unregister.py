"""Removing a value of the registry, which only the installed system does."""

import hivex


def unregister(path: str, key: str, name: str) -> bool:
    """Removes a value; whether there was one. hivex has no way to remove one value but to set all others anew."""
    hive = hivex.Hivex(path, write=True)
    node = hive.root()
    for part in key.split("\\"):
        node = node and hive.node_get_child(node, part)
    if not node or not hive.node_get_value(node, name):
        return False
    kept = [value for value in hive.node_values(node) if hive.value_key(value).lower() != name.lower()]
    hive.node_set_values(node, [dict(zip(("t", "value"), hive.value_value(value)), key=hive.value_key(value)) for value in kept])
    hive.commit(None)
    return True
