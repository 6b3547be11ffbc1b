"""What Glance's own format inspector says of images.

Reads lines `FORMAT PATH`, prints a JSON list with one entry for each: null when the image is safe, otherwise why it is not.
"""

import json
import sys

from glance.common import format_inspector


def opinion(name, path):
    inspector = format_inspector.get_inspector(name)()
    try:
        with open(path, 'rb') as image:
            for chunk in format_inspector.chunked_reader(image):
                inspector.eat_chunk(chunk)
                if inspector.complete:
                    break
        if not inspector.format_match:
            return 'it is not of that format'
        return None if inspector.safety_check() else 'not safe'
    except format_inspector.ImageFormatError as error:
        return str(error)


json.dump([opinion(*line.rstrip('\n').split(' ', 1)) for line in sys.stdin], sys.stdout)
