"""What the installer asks about the machine before it does anything."""
UNSUPPORTED = 1 << 28


def question(ks, table, tainted):
    """What stands on the screen where the CPU is newer than the release, or None. Red Hat's kernels say so by bit 28 of `tainted`; Anaconda 13
    asks in its loader, 21 in a spoke, and later ones no more: they do not know the command either."""
    if not tainted & UNSUPPORTED or "unsupported_hardware" not in table or ks.last("unsupported_hardware"):
        return None
    return ("Unsupported Hardware Detected\n\nThis hardware (or a combination thereof) is not supported by Red Hat.  For more\n"
            "information on supported hardware, please refer to http://www.redhat.com/hardware.")
