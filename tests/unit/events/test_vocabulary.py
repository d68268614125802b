import pytest

from gateway.events import vocabulary
from gateway.events.vocabulary import STANDARD_PROPERTIES, Kind, kind_of


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("pageView", Kind.PAGE_VIEW),
        ("page_view", Kind.PAGE_VIEW),
        ("$pageview", Kind.PAGE_VIEW),
        ("identify", Kind.IDENTIFY),
        ("conversion", Kind.CONVERSION),
        ("add_to_shopping_cart", Kind.CUSTOM),
        ("Identify", Kind.CUSTOM),
        ("pageview", Kind.CUSTOM),
        ("", Kind.CUSTOM),
    ],
)
def test_three_spellings_are_a_page_view_and_all_unknown_names_are_custom(
    name: str, kind: Kind
) -> None:
    """Names are stored as sent; their case counts."""
    assert kind_of(name) is kind


def test_the_standard_properties_are_the_22_that_the_reference_names() -> None:
    named = (
        "$browser $browser_language $browser_version $current_url $device $device_type "
        "$dsn $host $lib $lib_version $list_id $os $pathname $referrer $referring_domain "
        "$screen_height $screen_width $sent_at $server $uuid $viewport_height $viewport_width"
    )
    assert tuple(named.split()) == STANDARD_PROPERTIES
    assert len(STANDARD_PROPERTIES) == 22


def test_every_standard_property_is_the_browser_s_the_page_s_or_the_gateway_s() -> None:
    """Otherwise it would be kept with every single event."""
    shared = vocabulary.BROWSER_PROPERTIES | vocabulary.PAGE_PROPERTIES
    assert set(STANDARD_PROPERTIES) <= shared | vocabulary.SERVER_PROPERTIES
    assert not vocabulary.BROWSER_PROPERTIES & vocabulary.PAGE_PROPERTIES
    assert vocabulary.URL_PROPERTIES <= vocabulary.PAGE_PROPERTIES
