"""What a Content-Security-Policy lets a page do, as browsers judge it."""

import pytest

from gateway.console.csp import Policy, hash_of, policies

PAGE = "https://shop.example/cart"
SCRIPT = "https://track.example.com/tracker.1.js"
INLINE = "(function(){})()"
INLINE_HASH = hash_of(INLINE.encode())


@pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        ("", True),
        ("img-src 'none'", True),
        ("default-src 'none'", False),
        ("default-src 'self'", False),
        ("default-src *", True),
        ("default-src https:", True),
        ("default-src http:", True),
        ("default-src data: blob:", False),
        ("script-src https://track.example.com", True),
        ("SCRIPT-SRC HTTPS://TRACK.EXAMPLE.COM", True),
        ("script-src track.example.com", True),
        ("script-src http://track.example.com", True),
        ("script-src https://track.example.com:443", True),
        ("script-src https://track.example.com:8443", False),
        ("script-src https://track.example.com:*", True),
        ("script-src *.example.com", True),
        ("script-src *.track.example.com", False),
        ("script-src example.com", False),
        ("script-src https://track.example.com/tracker.1.js", True),
        ("script-src https://track.example.com/", True),
        ("script-src https://track.example.com/js/", False),
        ("script-src https://track.example.com/tracker.2.js", False),
        ("default-src 'none'; script-src https://track.example.com", True),
        ("script-src 'none'; script-src *", False),
        ("script-src *; script-src-elem 'self'", False),
        ("script-src 'none'; script-src-elem track.example.com", True),
        ("script-src 'nonce-abc'", False),
        ("script-src 'unsafe-inline'", False),
        ("script-src https://track.example.com 'strict-dynamic'", False),
        ("script-src 'sha256-AAAA'", False),
        ("script-src https://track.example.com:" + "9" * 5000, False),
        ("; ;script-src\thttps://track.example.com ;", True),
    ],
)
def test_a_script_is_let_by_its_address(policy: str, allowed: bool) -> None:
    """The most particular directive that is there counts, and of two of a name the first."""
    assert Policy.read(policy).allows_script(SCRIPT, PAGE) is allowed


def test_a_script_is_let_by_its_nonce_or_its_hash() -> None:
    """Case matters in them; where there are several hashes, all must be named."""
    policy = Policy.read("script-src 'nonce-aBc' 'sha256-one' 'strict-dynamic'")
    assert policy.allows_script(SCRIPT, PAGE, nonce="aBc")
    assert not policy.allows_script(SCRIPT, PAGE, nonce="abc")
    assert policy.allows_script(SCRIPT, PAGE, integrity="sha256-one")
    assert not policy.allows_script(SCRIPT, PAGE, integrity="sha256-one sha256-two")
    assert not Policy.read("script-src 'nonce-'").allows_script(SCRIPT, PAGE)


@pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        ("img-src 'none'", True),
        ("script-src *", False),
        ("script-src 'unsafe-inline'", True),
        ("default-src 'unsafe-inline'", True),
        ("script-src 'unsafe-inline' 'nonce-x'", False),
        ("script-src 'unsafe-inline' 'sha256-AAAA'", False),
        ("script-src 'unsafe-inline' 'strict-dynamic'", False),
        ("script-src 'nonce-aBc'", True),
        (f"script-src '{INLINE_HASH}'", True),
        (f"script-src '{INLINE_HASH.replace('+', '-').replace('/', '_')}'", True),
        (f"script-src '{hash_of(INLINE.encode(), 'sha512')}'", True),
        ("script-src 'sha256-AAAA'", False),
    ],
)
def test_an_inline_script_is_let_by_nonce_hash_or_as_all_are(policy: str, allowed: bool) -> None:
    """A nonce or hash in the policy overrules 'unsafe-inline'."""
    assert Policy.read(policy).allows_inline(INLINE, nonce="aBc") is allowed


@pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        ("connect-src https://track.example.com", True),
        ("connect-src 'self'", False),
        ("default-src 'self'", False),
        ("script-src 'none'", True),
        ("default-src 'none'; connect-src *", True),
        ("connect-src https://track.example.com/e", True),
        ("connect-src https://track.example.com/other", False),
    ],
)
def test_connections_are_let_by_their_own_directive(policy: str, allowed: bool) -> None:
    """Or the default one."""
    beacon = "https://track.example.com/e"
    assert Policy.read(policy).allows_connection(beacon, PAGE) is allowed


def test_self_is_the_pages_own_origin() -> None:
    """Its port with it."""
    policy = Policy.read("script-src 'self'")
    assert policy.allows_script("https://shop.example/t.js", PAGE)
    assert policy.allows_script("https://shop.example/t.js", "http://shop.example/")
    assert not policy.allows_script("http://shop.example/t.js", PAGE)
    assert not policy.allows_script("https://shop.example:8443/t.js", PAGE)


def test_several_policies_in_one_header_are_several() -> None:
    """Each of them must let it."""
    found = policies(["default-src *, script-src 'none'", "connect-src 'self'"])
    assert [each.allows_script(SCRIPT, PAGE) for each in found] == [True, False, True]


def test_a_sandbox_runs_scripts_where_it_says_so() -> None:
    """Only then."""
    assert not Policy.read("sandbox").allows_any_script()
    assert Policy.read("sandbox allow-forms allow-scripts").allows_any_script()
    assert Policy.read("default-src 'none'").allows_any_script()
