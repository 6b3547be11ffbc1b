"""Time zone, formats and keyboard: what a boot takes from its answer file, and what is left of them after Sysprep."""

import machine
import registry
import values
from answers import component, text_of

ZONE = r"ControlSet001\Control\TimeZoneInformation"
FORMATS = r"Control Panel\International"
KEYBOARD = r"Keyboard Layout\Preload"
# Without another word: "TimeZone" of the Unattended Windows Setup Reference says what the zone of en-US is.
DEFAULT = ("Pacific Standard Time", "en-US", "en-US")


def _keep(config: str, zone: str, formats: str, keyboard: str) -> None:
    registry.write(f"{config}/SYSTEM", ZONE, {"TimeZoneKeyName": zone})
    registry.write(f"{config}/DEFAULT", FORMATS, {"LocaleName": formats})
    registry.write(f"{config}/DEFAULT", KEYBOARD, {"1": keyboard})


def take(config: str, root) -> None:
    """What an answer file says in specialize and oobeSystem; of what it does not say nothing changes."""
    before = (values.lookup(f"{config}/SYSTEM", ZONE, "TimeZoneKeyName"), values.lookup(f"{config}/DEFAULT", FORMATS, "LocaleName"),
              values.lookup(f"{config}/DEFAULT", KEYBOARD, "1"))
    zone, formats, keyboard = (now or default for now, default in zip(before, DEFAULT))
    for name in ("specialize", "oobeSystem"):
        international = component(root, name, "Microsoft-Windows-International-Core")
        zone = text_of(component(root, name, "Microsoft-Windows-Shell-Setup"), "TimeZone", zone)
        formats = text_of(international, "UserLocale", formats)
        keyboard = text_of(international, "InputLocale", keyboard)
    _keep(config, zone, formats, keyboard)
    machine.say(f"practice Windows: time zone {zone}, formats {formats}, keyboard {keyboard}")


def generalize(config: str) -> None:
    """Less than this is sure of Windows, and an image must not depend on more."""
    _keep(config, *DEFAULT)
