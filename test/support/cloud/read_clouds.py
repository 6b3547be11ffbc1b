"""Reads clouds as Debian's openstacksdk does. Cases come as a JSON list on standard input, answers go out as one."""

import json
import os
import sys
import warnings

import appdirs  # noqa: F401
import keystoneauth1.loading  # noqa: F401
import yaml  # noqa: F401

warnings.simplefilter("ignore")


def read(case):
    os.environ.clear()
    os.environ.update(case["env"])
    os.chdir(case["cwd"])
    # Only now: it looks at the environment when it is loaded.
    from openstack.config import loader

    try:
        given = {"region_name": case["region"]} if case.get("region") else {}
        region = loader.OpenStackConfig().get_one(case.get("cloud"), **given)
    except Exception as error:
        return {"error": str(error)}
    verify, _ = region.get_requests_verify_args()
    return {
        "name": region.name,
        "region": region.region_name or "",
        "interface": region.get_interface("image"),
        "type": region.config["auth_type"],
        "auth": region.config["auth"],
        "verify": verify,
        "endpoint": region.get_endpoint("image"),
    }


def apart(case):
    """In a process of its own: the module is loaded anew for each case."""
    out, into = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(into, json.dumps(read(case)).encode())
        os._exit(0)
    os.close(into)
    with os.fdopen(out) as file:
        text = file.read()
    os.waitpid(pid, 0)
    return json.loads(text)


print(json.dumps([apart(case) for case in json.load(sys.stdin)]))
