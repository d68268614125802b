-- What came with people: Bob was bound by a click and taken back, Ada's order is its campaign's,
-- Eve was erased.
update visitors set bound_by = 1 where id = 1;
insert into custom_fields (id, list_id, name, type, alias, alias_key, default_value, is_unique_identifier, options) values
    (1, 1, 'First name', 'Single line', 'firstName', 'firstname', '', 0, '{}');
insert into field_values (subscriber_id, field_id, value, value_key) values (1, 1, 'Ada', 'ada');
insert into bindings (id, list_id, visitor_id, cause, evidence, subscriber_before, bound_by_before, subscriber_after, bound_by_after, undoes, at_ms) values
    (1, 1, 1, 'identify', '{"door":"tracker"}', null, null, 1, 1, null, 1767268802100),
    (2, 1, 2, 'click', '{"door":"tracker"}', null, null, 4, 2, null, 1767268804100),
    (3, 1, 2, 'undo', '{}', 4, 2, null, null, 2, 1767268805000);
insert into clicks (id, list_id, visitor_id, subscriber_id, campaign, token_digest, landing_digest, address_digest, clicked_at_ms, confirmed_at_ms, confirmed_by, marked) values
    (1, 1, 1, 1, 'spring', x'aa', x'bb', x'cc', 1767268801000, 1767268802100, 'identify', 0),
    (2, 1, 2, 4, 'spring', x'ab', x'bb', x'cd', 1767268804000, 1767268804100, 'second page', 0);
insert into conversions (id, list_id, conversion_id, event_id, visitor_id, click_id, name, value, currency, quantity, happened_at_ms) values
    (1, 1, 'order-1', 4, 1, 1, 'Order', 290.5, 'EUR', 1.0, 1767268803000);
insert into suppressions (list_id, digest, created_at_ms) values
    (1, x'3f67f2c323b1d1d4d0a49dad44d6481d3a85c39bb5ee312b0709307e7365d543', 1767268806000);
insert into erasures (id, list_id, digest, counts, at_ms) values
    (1, 1, x'3f67f2c323b1d1d4d0a49dad44d6481d3a85c39bb5ee312b0709307e7365d543', '{"events":3}', 1767268806000);
