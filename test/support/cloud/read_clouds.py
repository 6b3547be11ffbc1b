"""Reads clouds as Debian's openstacksdk does, or, for a case with "client", its `openstack` client.

Cases come as a JSON list on standard input, answers go out as one.
"""

import importlib
import json
import os
import sys
import warnings

warnings.simplefilter("ignore")

from openstack.config import loader  # noqa: E402
from openstackclient import shell  # noqa: E402
from osc_lib.cli.client_config import OSC_Config  # noqa: E402


def options(name):
    """The variables that the client reads as this option, and the names of the same in a file."""
    names = {name, name.replace("project_", "tenant_")} if name in ("project_id", "project_name") else {name}
    values = [os.environ.get("OS_" + each.upper()) for each in sorted(names)]
    spellings = names | {each.replace("_", "-") for each in names}
    return next(filter(None, values), None), spellings


def prefer_environment(config):
    """As openstacksdk does since 1.5 ("config loader: Prefer cli/env over clouds.yaml args for some args")."""
    kinds = ["project", "user_domain", "project_domain", "domain"]
    for name in [f"{kind}_{by}" for kind in kinds for by in ("id", "name")]:
        value, spellings = options(name)
        if value:
            for each in spellings:
                config["auth"].pop(each, None)
                config.pop(each, None)
            config["auth"][name] = value
    return config


def find(case):
    given = {"region_name": case["region"]} if case.get("region") else {}
    if not case.get("client"):
        return loader.OpenStackConfig().get_one(case.get("cloud"), **given)
    client = shell.OpenStackShell()
    argv = ["--os-cloud", case["cloud"]] if case.get("cloud") else []
    argv += ["--os-region-name", case["region"]] if case.get("region") else []
    client.command_options = argv
    client.options, rest = client.parser.parse_known_args(argv)
    client.configure_logging()
    fix = OSC_Config.magic_fixes
    OSC_Config.magic_fixes = lambda self, config: fix(self, prefer_environment(config))
    client.initialize_app(rest)
    return client.cloud_config.get_one(
        cloud=client.options.cloud, argparse=client.options, validate=True
    )


def read(case):
    os.environ.clear()
    os.environ.update(case["env"])
    os.chdir(case["cwd"])
    # It looks at the environment when it is loaded.
    importlib.reload(loader)
    try:
        region = find(case)
    except (Exception, SystemExit) as error:
        return {"error": f"{type(error).__name__}: {error}"}
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
        os.close(out)
        text = json.dumps(read(case), default=str)
        with os.fdopen(into, "w") as file:
            file.write(text)
        os._exit(0)
    os.close(into)
    with os.fdopen(out) as file:
        text = file.read()
    os.waitpid(pid, 0)
    return json.loads(text)


print(json.dumps([apart(case) for case in json.load(sys.stdin)]))
