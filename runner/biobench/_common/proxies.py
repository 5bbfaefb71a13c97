"""Check of the proxy variables of the environment, before a library fails on them."""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.request import getproxies_environment

from biobench.errors import UsageError

SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")


def require_proxies() -> None:
    """Raise UsageError where a proxy variable is not an address.

    The message leaves out its value, which may hold a password.
    """
    for kind, value in sorted(getproxies_environment().items()):
        if kind != "no" and not _is_address(value):
            raise UsageError(
                "the proxy is not an address",
                where=f"{kind.upper()}_PROXY",
                remedy="give one such as http://host:3128, or unset the variable",
            )


def _is_address(value: str) -> bool:
    try:
        # Without a scheme it is that of http for curl and others.
        parts = urlsplit(value if "://" in value else f"http://{value}")
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    plain = value.isascii() and not any(c.isspace() for c in value)
    return plain and parts.scheme in SCHEMES and bool(host)
