"""A small OpenStack for tests: Keystone, Barbican and two Glance regions from Debian's packages, on free loopback ports.

usage: cloud.py FOLDER

Everything lives in FOLDER. When all of it answers, one line of JSON is printed; the servers end when standard input
is closed, so they never outlive the tests.

RegionOne is a plain Glance. RegionTwo converts imported images to raw, injects a property, and takes 64 MiB at most.
"""

import base64
import hashlib
import json
import os
import select
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

HERE = os.path.abspath(__file__)
PASSWORD = "correct horse $ battery"
PYTHON = "/usr/bin/python3"
CACHE = os.environ.get("VMKILN_TEST_HOME", "/var/tmp/vmkiln-test")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def call(url, body=None, token=None, method=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **({"X-Auth-Token": token} if token else {})}
    request = urllib.request.Request(url, data, headers, method=method or ("POST" if data else "GET"))
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read()
        return (json.loads(text) if text else None), answer.headers


class Cloud:
    def __init__(self, folder):
        self.folder = os.path.abspath(folder)
        self.ports = {name: free_port() for name in ("keystone", "barbican", "one", "two")}
        self.children = []
        for name in ("fernet", "credential", "receipts", "home/.barbican"):
            os.makedirs(self.path(name), mode=0o700)
        self.env = {**os.environ, "HOME": self.path("home"), "PYTHONWARNINGS": "ignore"}
        self.env = {key: value for key, value in self.env.items() if not key.startswith("OS_")}

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def url(self, name, path=""):
        return f"http://127.0.0.1:{self.ports[name]}{path}"

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)

    def run(self, *args):
        log = open(self.path("set-up.log"), "a")
        subprocess.run([PYTHON, *args], env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True)

    def start(self, name, *args):
        log = open(self.path(f"{name}.log"), "a")
        child = subprocess.Popen(
            [PYTHON, *args], env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        self.children.append(child)
        self.write(f"{name}.pid", str(child.pid))
        return child

    def wait(self, name, child):
        for _ in range(600):
            if child.poll() is not None:
                break
            try:
                urllib.request.urlopen(self.url(name, "/"), timeout=5)
                return
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit(f"{name} does not answer: see {self.path(name + '.log')}")

    def authtoken(self):
        return f"""
[keystone_authtoken]
www_authenticate_uri = {self.url("keystone", "/v3")}
auth_url = {self.url("keystone", "/v3")}
auth_type = password
username = glance
password = service
project_name = service
user_domain_id = default
project_domain_id = default
"""

    def prepared(self):
        """The folder of the databases that an earlier run of this very script, with these packages, has filled."""
        query = ["dpkg-query", "-W", "python3-keystone", "python3-glance", "python3-barbican"]
        versions = subprocess.run(query, check=True, capture_output=True).stdout
        with open(HERE, "rb") as file:
            return f"{CACHE}/cloud-{hashlib.sha256(versions + file.read()).hexdigest()[:16]}"

    def keep(self, prepared):
        new = f"{prepared}.{os.getpid()}"
        os.makedirs(new)
        for name in ("keystone", "glance"):
            with sqlite3.connect(self.path(f"{name}.db")) as source, sqlite3.connect(f"{new}/{name}.db") as target:
                source.backup(target)
        with open(f"{new}/ports.json", "w") as file:
            json.dump(self.ports, file)
        try:
            os.rename(new, prepared)
        except OSError:
            shutil.rmtree(new)

    def use(self, prepared):
        for name in ("keystone", "glance"):
            shutil.copy(f"{prepared}/{name}.db", self.path(f"{name}.db"))
        with open(f"{prepared}/ports.json") as file:
            ports = json.load(file)
        with sqlite3.connect(self.path("keystone.db")) as database:
            database.execute("PRAGMA journal_mode=WAL")
            for name, port in ports.items():
                change = "UPDATE endpoint SET url = replace(url, ?, ?)"
                database.execute(change, (f":{port}", f":NEW-{name}"))
            for name, port in self.ports.items():
                database.execute("UPDATE endpoint SET url = replace(url, ?, ?)", (f":NEW-{name}", f":{port}"))

    def keystone_files(self):
        for name in ("fernet", "credential", "receipts"):
            for index in "01":
                self.write(f"{name}/{index}", base64.urlsafe_b64encode(os.urandom(32)).decode())
                os.chmod(self.path(name, index), 0o600)
        self.write(
            "keystone.conf",
            f"""
[database]
connection = sqlite:///{self.path("keystone.db")}
[fernet_tokens]
key_repository = {self.path("fernet")}
[fernet_receipts]
key_repository = {self.path("receipts")}
[credential]
key_repository = {self.path("credential")}
[cache]
enabled = true
backend = dogpile.cache.memory
""",
        )

    def keystone_database(self):
        config = self.path("keystone.conf")
        self.run("/usr/bin/keystone-manage", "--config-file", config, "db_sync")
        address = self.url("keystone", "/v3")
        urls = [f"--bootstrap-{kind}-url={address}" for kind in ("admin", "public", "internal")]
        self.run(
            "/usr/bin/keystone-manage", "--config-file", config, "bootstrap",
            "--bootstrap-password", PASSWORD, "--bootstrap-region-id", "RegionOne", *urls,
        )
        with sqlite3.connect(self.path("keystone.db")) as database:
            database.execute("PRAGMA journal_mode=WAL")

    def start_keystone(self):
        arguments = [HERE, "--serve-keystone", self.path("keystone.conf"), str(self.ports["keystone"])]
        self.wait("keystone", self.start("keystone", *arguments))

    def fill_keystone(self):
        base = self.url("keystone", "/v3")
        user = {"name": "admin", "domain": {"id": "default"}, "password": PASSWORD}
        scope = {"project": {"name": "admin", "domain": {"id": "default"}}}
        auth = {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}
        _, headers = call(f"{base}/auth/tokens", {"auth": auth})
        token = headers["X-Subject-Token"]

        def make(kind, **body):
            return call(f"{base}/{kind}s", {kind: body}, token)[0][kind]["id"]

        make("region", id="RegionTwo")
        endpoints = (("image", "RegionOne", "one"), ("image", "RegionTwo", "two"), ("key-manager", "RegionOne", "barbican"))
        services = {}
        for kind, region, name in endpoints:
            services[kind] = services.get(kind) or make("service", name=kind, type=kind)
            for interface in ("public", "internal"):
                make("endpoint", service_id=services[kind], region_id=region, interface=interface, url=self.url(name))
        roles = {role["name"]: role["id"] for role in call(f"{base}/roles", token=token)[0]["roles"]}
        roles["creator"] = make("role", name="creator")
        service = make("project", name="service", domain_id="default")
        images = make("project", name="images", domain_id="default")
        glance = make("user", name="glance", password="service", domain_id="default")
        builder = make("user", name="builder", password=PASSWORD, domain_id="default", default_project_id=None)
        grants = ((service, glance, "admin"), (images, builder, "member"), (images, builder, "creator"))
        for project, who, role in grants:
            call(f"{base}/projects/{project}/users/{who}/roles/{roles[role]}", token=token, method="PUT")

    def barbican(self):
        key = base64.b64encode(os.urandom(32)).decode()
        self.write(
            "barbican-paste.ini",
            """
[composite:main]
use = egg:Paste#urlmap
/: version
/v1: v1
[app:version]
paste.app_factory = barbican.api.app:create_version_app
[pipeline:v1]
pipeline = authtoken context api
[app:api]
paste.app_factory = barbican.api.app:create_main_app
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
[filter:context]
paste.filter_factory = barbican.api.middleware.context:ContextMiddleware.factory
""",
        )
        self.write(
            "home/.barbican/barbican.conf",
            f"""
[DEFAULT]
sql_connection = sqlite:///{self.path("barbican.db")}
db_auto_create = true
host_href = {self.url("barbican")}
{self.authtoken()}
[simple_crypto_plugin]
kek = {key}
""",
        )
        return self.start("barbican", HERE, "--serve-barbican", self.path("barbican-paste.ini"), str(self.ports["barbican"]))

    def glance(self, name, package, more=""):
        shutil.copy(self.path("glance.db"), self.path(f"{name}.db"))
        with sqlite3.connect(self.path(f"{name}.db")) as database:
            database.execute("PRAGMA journal_mode=WAL")

        def data(kind):
            return self.path(f"{name}-{kind}")

        self.write(
            f"{name}.conf",
            f"""
[DEFAULT]
bind_host = 127.0.0.1
bind_port = {self.ports[name]}
workers = 0
enabled_backends = fast:file, slow:file
enabled_import_methods = [glance-direct,web-download,copy-image]
{more}
[database]
connection = sqlite:///{self.path(name + ".db")}
[glance_store]
default_backend = fast
[fast]
filesystem_store_datadir = {data("fast")}
[slow]
filesystem_store_datadir = {data("slow")}
[os_glance_staging_store]
filesystem_store_datadir = {data("staging")}
[os_glance_tasks_store]
filesystem_store_datadir = {data("tasks")}
[task]
work_dir = {data("work")}
[paste_deploy]
flavor = keystone
config_file = {package}/glance-api-paste.ini
[oslo_concurrency]
lock_path = {data("locks")}
[taskflow_executor]
engine_mode = serial
[import_filtering_opts]
allowed_hosts = [127.0.0.1]
allowed_ports = []
[image_conversion]
output_format = raw
[inject_metadata_properties]
ignore_user_roles = none
inject = injected_by:the_cloud
[key_manager]
backend = barbican
[barbican]
barbican_endpoint = {self.url("barbican")}
auth_endpoint = {self.url("keystone", "/v3")}
""" + self.authtoken(),
        )
        for kind in ("fast", "slow", "staging", "tasks", "work", "locks"):
            os.makedirs(data(kind))
        return self.start(name, "-m", "glance.cmd.api", "--config-file", self.path(f"{name}.conf"))

    def glance_database(self, package):
        config = self.path("glance-database.conf")
        self.write("glance-database.conf", f"[database]\nconnection = sqlite:///{self.path('glance.db')}\n")
        self.run("-m", "glance.cmd.manage", "--config-file", config, "db", "sync")
        self.run("-m", "glance.cmd.manage", "--config-file", config, "db", "load_metadefs", f"{package}/metadefs")

    def up(self):
        package = glance_common(self.path("glance-common"))
        failures = []

        def guarded(work):
            try:
                work()
            except BaseException as error:
                failures.append(error)

        prepared = self.prepared()
        self.keystone_files()
        if os.path.exists(prepared):
            self.use(prepared)
            barbican = self.barbican()
            self.start_keystone()
        else:
            other = threading.Thread(target=guarded, args=[lambda: self.glance_database(package)])
            other.start()
            self.keystone_database()
            self.start_keystone()
            self.fill_keystone()
            barbican = self.barbican()
            other.join()
            if failures:
                raise failures[0]
            self.keep(prepared)
        one = self.glance("one", package)
        plugins = "[image_import_opts]\nimage_import_plugins = [inject_image_metadata, image_conversion]"
        two = self.glance("two", package, f"image_size_cap = {64 << 20}\n{plugins}")
        self.wait("barbican", barbican)
        self.wait("one", one)
        self.wait("two", two)
        auth = {"auth_url": self.url("keystone", "/v3"), "password": PASSWORD, "user_domain_id": "default", "project_domain_id": "default"}
        clouds = {
            "test": {"auth": {**auth, "username": "builder", "project_name": "images"}, "region_name": "RegionOne"},
            "two": {"auth": {**auth, "username": "builder", "project_name": "images"}, "region_name": "RegionTwo"},
            "admin": {"auth": {**auth, "username": "admin", "project_name": "admin"}, "region_name": "RegionOne"},
        }
        self.write("clouds.yaml", json.dumps({"clouds": clouds}))
        return {
            "folder": self.folder,
            "clouds": self.path("clouds.yaml"),
            "password": PASSWORD,
            **{name: self.url(name) for name in self.ports},
        }

    def watch(self):
        """Until standard input is closed: starts a server again that has died, as systemd would."""
        while not select.select([sys.stdin], [], [], 0.2)[0]:
            for child in [child for child in self.children if child.poll() is not None]:
                self.children.remove(child)
                self.start(os.path.basename(child.args[-1]).removesuffix(".conf"), *child.args[1:])

    def down(self):
        for child in self.children:
            try:
                os.killpg(child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def glance_common(folder):
    """The paste configuration and the metadefs. Installing their package would set up a service of the machine."""
    cache = f"{CACHE}/glance-common"
    share = f"{cache}/usr/share/glance-common"
    if not os.path.exists(f"{share}/metadefs"):
        os.makedirs(folder)
        download = ["apt-get", "download", "glance-common"]
        if subprocess.run(download, cwd=folder, stdout=sys.stderr, stderr=subprocess.DEVNULL).returncode != 0:
            # The lists of packages are missing, or older than the mirror.
            subprocess.run(["apt-get", "update"], check=True, stdout=sys.stderr)
            subprocess.run(download, cwd=folder, check=True, stdout=sys.stderr)
        [package] = os.listdir(folder)
        os.makedirs(os.path.dirname(cache), exist_ok=True)
        subprocess.run(["dpkg", "-x", f"{folder}/{package}", f"{cache}.new"], check=True)
        os.rename(f"{cache}.new", cache)
    return share


def serve(load, port):
    from socketserver import ThreadingMixIn
    from wsgiref.simple_server import WSGIServer, make_server

    class Server(ThreadingMixIn, WSGIServer):
        daemon_threads = True

    make_server("127.0.0.1", int(port), load(), server_class=Server).serve_forever()


def main(argv):
    if argv[0] == "--serve-keystone":
        sys.argv = ["keystone", "--config-file", argv[1]]
        from keystone.server.wsgi import initialize_public_application
        return serve(initialize_public_application, argv[2])
    if argv[0] == "--serve-barbican":
        sys.argv = ["barbican"]
        from paste import deploy
        return serve(lambda: deploy.loadapp(f"config:{argv[1]}"), argv[2])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cloud = Cloud(argv[0])
    try:
        print(json.dumps(cloud.up()), flush=True)
        cloud.watch()
    finally:
        cloud.down()


main(sys.argv[1:])
