"""Chooses proxies as Debian's requests does. Cases come as a JSON list on standard input, answers go out as one."""

import json
import os
import sys

from requests.utils import get_environ_proxies, select_proxy


def choose(case):
    os.environ.clear()
    os.environ.update(case["env"])
    return select_proxy(case["url"], get_environ_proxies(case["url"]))


print(json.dumps([choose(case) for case in json.load(sys.stdin)]))
