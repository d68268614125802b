# ruff: noqa: E501 (as printed)
"""The reference's request samples, as printed: only `{{user_apikey}}` and the list id are replaced."""

TRACK_TEST = """\
// Track "test" event
{
  // "SessionID": "{{sessionid}}"
  "APIKey": "{{user_apikey}}",
  "ListID": 94,
  "id": "user-id-2006",
  "event": "test",
  "email": "2006@test.com",
  "properties": {
    "number-of-subscribers-imported": 100
  }
}
"""

PAGE_VIEW = """\
// Someone visits the product page:
{
    "APIKey":"{{user_apikey}}",
    "ListID": 94,
    "event": "page_view"
}
"""

ADD_TO_CART = """\
// Someone adds the product to the shopping cart:
{
    "APIKey":"{{user_apikey}}",
    "ListID": 94,
    "event": "add_to_shopping_cart",
    "uuid": "aae6840b-3b7e-4f95-a9d5-6dbf5da8d84d",
    "properties": {
        "product": "My Product",
        "product_id": 101
    }
}
"""

CHECKOUT = """\
// Someone goes to the checkout:
{
    "APIKey":"{{user_apikey}}",
    "ListID": 94,
    "event": "checkout_page_visited",
    "uuid": "aae6840b-3b7e-4f95-a9d5-6dbf5da8d84d"
}
"""

PAYMENT_FAILED = """\
// Someone attempted to pay but failed:
{
    "APIKey":"{{user_apikey}}",
    "ListID": 94,
    "event": "payment_failed",
    "uuid": "aae6840b-3b7e-4f95-a9d5-6dbf5da8d84d",
    "email": "event-test-001@test.com",
    "id": "user-100",
    "properties": {
        "cart_id": "cart-001"
    }
}
"""

PAYMENT_SUCCEEDED = """\
// Someone attempted to pay and succeeded:
// First, we execute our own custom event which is payment_succeeded. This is event call is optional:
{
    "APIKey":"{{user_apikey}}",
    "ListID": 94,
    "event": "payment_succeeded",
    "uuid": "aae6840b-3b7e-4f95-a9d5-6dbf5da8d84d",
    "email": "event-test-001@test.com",
    "id": "user-100",
    "properties": {
        "cart_id": "cart-001"
    }
}
"""

CONVERSION = """\
// Second, we exeute the conversion event so that the conversion can be attributed to the subscriber, campaign, journey, etc.
{
    "APIKey":"{{user_apikey}}",
    "ListID": 94,
    "id": "user-100",
    "event": "conversion",
    "email": "event-test-001@test.com",
    "uuid": "aae6840b-3b7e-4f95-a9d5-6dbf5da8d84d",
    "properties": {
        "conversion-id": "test-order-2",
        "conversion-name": "Order 2",
        "conversion-value": 50,
        "conversion-currency": "USD",
        "conversion-quantity": 2,
        "pr": ""
    }
}
"""

CATALOG = """\
{
  // "SessionID":"{{sessionid}}",
  "APIKey": "{{user_apikey}}",
  "ListID": 3
}
"""

TEST_EVENT_PROPERTIES = [
    "$browser",
    "$browser_language",
    "$browser_version",
    "$current_url",
    "$device",
    "$device_type",
    "$dsn",
    "$host",
    "$id",
    "$lib",
    "$lib_version",
    "$list_id",
    "$os",
    "$page_title",
    "$pathname",
    "$referrer",
    "$referring_domain",
    "$screen_height",
    "$screen_width",
    "$sent_at",
    "$server",
    "$uuid",
    "$viewport_height",
    "$viewport_width",
    "number-of-subscribers-imported",
]
"""What the reference's sample catalog shows of its own `test` event."""
