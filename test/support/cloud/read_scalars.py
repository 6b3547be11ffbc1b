"""Reads documents `k: VALUE` as Debian's openstacksdk does. They come as a JSON list on standard input."""

import json
import sys

import yaml
from openstack.config._util import normalize_keys


def read(text):
    try:
        return normalize_keys(yaml.safe_load(text))["k"]
    except (yaml.YAMLError, ValueError):
        return "an error"


print(json.dumps([read(text) for text in json.load(sys.stdin)]))
