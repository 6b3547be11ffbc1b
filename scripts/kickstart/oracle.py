"""What pykickstart says of kickstarts, for each release of RHEL that vmkiln knows. Used with pykickstart 3.74."""
import json
import os
import warnings

from pykickstart.errors import KickstartDeprecationWarning, KickstartError
from pykickstart.parser import KickstartParser
from pykickstart.version import makeVersion

RELEASES = (6, 7, 8, 9, 10)


class Oracle:
    """The verdicts over kickstarts, asked for once: {text: {release: [why it is refused or null, whether something is deprecated]}}."""

    def __init__(self, texts):
        self.handlers = {release: makeVersion(f"RHEL{release}") for release in RELEASES}
        self.verdicts = {text: self.ask(text) for text in texts}

    def ask(self, text):
        # A handler remembers what it has read, and takes long to make: each text is read by a copy of this process.
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            os.write(writer, json.dumps({release: self.read(text, release) for release in RELEASES}).encode())
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader, encoding="utf-8") as answer:
            said = json.load(answer)
        os.waitpid(child, 0)
        return {int(release): verdict for release, verdict in said.items()}

    def read(self, text, release):
        refused = None
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            try:
                KickstartParser(self.handlers[release]).readKickstartFromString(text)
            except KickstartError as error:
                refused = str(error)
            except Exception as error:  # Some mistakes it meets with an error of Python's.
                refused = repr(error)
        return [refused, any(issubclass(one.category, KickstartDeprecationWarning) for one in said)]

    def message(self, text, release):
        return self.verdicts[text][release][0] or ""

    def refuses(self, text, release):
        return self.verdicts[text][release][0] is not None

    def warns(self, text, release):
        return self.verdicts[text][release][1]
