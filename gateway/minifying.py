"""How the scripts that browsers get are made from their sources: comments gone, local names short,
and compressed as well as can be. Done once, when the package is built; a checkout, which has the
libraries for it, does it when it starts.
"""

import brotli
import minify


def minified(source: bytes) -> bytes:
    """The same script in fewer bytes."""
    return str(minify.string("text/javascript", source.decode())).strip().encode()


def compressed(body: bytes) -> bytes:
    """As brotli."""
    return bytes(brotli.compress(body, quality=11))
