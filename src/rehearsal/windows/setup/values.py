"""Values of the registry as the installed system asks for them: some are not there."""

import hivex

import registry


def lookup(path: str, key: str, name: str):
    """The text or number of a value; None when there is none, for which hivex has an error that says "Success"."""
    try:
        return registry.read(path, key, name)
    except RuntimeError:
        return None


def every(path: str, key: str) -> list:
    """The texts of all values of a key."""
    hive = hivex.Hivex(path)
    node = hive.root()
    for part in key.split("\\"):
        node = node and hive.node_get_child(node, part)
    return [registry.read(path, key, hive.value_key(value)) for value in hive.node_values(node)] if node else []


def remove(path: str, key: str, name: str) -> bool:
    """Removes a value; whether there was one. hivex has no way to remove one value but to set all others anew."""
    if lookup(path, key, name) is None:
        return False
    hive = hivex.Hivex(path, write=True)
    node = hive.root()
    for part in key.split("\\"):
        node = hive.node_get_child(node, part)
    kept = [value for value in hive.node_values(node) if hive.value_key(value).lower() != name.lower()]
    hive.node_set_values(node, [dict(zip(("t", "value"), hive.value_value(value)), key=hive.value_key(value)) for value in kept])
    hive.commit(None)
    return True
