"""Where webhooks may go."""

import ipaddress

import pytest

from gateway.targets import fault_of, fault_of_page, is_public

PRIVATE = (
    "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "0.0.0.0", "224.0.0.1", "255.255.255.255", "192.0.2.1", "::", "::1", "fe80::1", "fc00::1",
    "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::", "2002:a00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1",
)  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_of_the_internet_is_not_public(address: str) -> None:
    """Nor what is written inside an address that looks so."""
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1"])
def test_what_is_of_the_internet_is(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url", ["https://hooks.example/in", "https://hooks.example:8443/", "http://10.0.0.5:9/in"]
)
def test_https_may_go_anywhere_and_http_to_hosts_that_are_named(url: str) -> None:
    assert fault_of(url, frozenset({"10.0.0.5"})) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/", "http://shop.example/a?b", "https://shop.example:8443/",
        "http://10.0.0.5:9/in",
    ],
)  # fmt: skip
def test_pages_are_where_websites_are(url: str) -> None:
    """By http too; at any port of a host that is named."""
    assert fault_of_page(url, frozenset({"10.0.0.5"})) is None


@pytest.mark.parametrize(
    "url",
    [
        "", "shop.example", "http:///x", "ftp://10.0.0.5/", "http://shop.example:22/",
        "http://10.0.0.6/", "https://[::1]/", "http://a:b@shop.example/", "http://a@10.0.0.5/",
    ],
)  # fmt: skip
def test_and_nowhere_else(url: str) -> None:
    """Neither by another scheme, nor with a password, nor on the inside."""
    assert fault_of_page(url, frozenset({"10.0.0.5"}))


@pytest.mark.parametrize(
    "url",
    [
        "", "hooks", "/in", "https://", "https:///in", "http://hooks.example/",
        "ftp://hooks.example/", "https://a:b@hooks.example/", "https://127.0.0.1/",
        "https://[::1]/", "https://hooks.example:99999/", "https://10.0.0.5@hooks.example/",
        "javascript:alert(1)", "https://192.168.0.1:443/in",
    ],
)  # fmt: skip
def test_nothing_else_may(url: str) -> None:
    assert fault_of(url, frozenset({"10.0.0.5"}))
