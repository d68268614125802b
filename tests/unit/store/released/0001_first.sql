-- Ada, who identified herself, and a browser that is nobody's, as the first schema kept them.
-- The password is "correct horse battery", the key gw_released.
insert into accounts (id, email, email_key, password_hash, created_at_ms) values
    (1, 'Owner@example.com', 'owner@example.com', '$argon2id$v=19$m=8,t=1,p=1$d/HUXEFn34mptX1AALOH/A$NiG4prQUrx1QehtKipRdwjknjvdGmkKWv0BoAubn+dE', 1767268800000);
insert into api_keys (id, account_id, note, digest, hint, created_at_ms, revoked_at_ms) values
    (1, 1, 'shop', x'1c885fd47d1dc3bbc187f86ac57c1259f095bae7fad5fcea65293d9df00547d5', 'ased', 1767268800000, null),
    (2, 1, 'lost', x'00', 'xxxx', 1767268800000, 1767268900000);
insert into lists (id, account_id, name, allowed_origins, catalog_names, catalog_overflow, created_at_ms) values
    (1, 1, 'Shop', '["https://shop.example"]', 4, 0, 1767268800000),
    (3, 1, 'News', '[]', 0, 0, 1767268800000);
insert into subscribers (id, list_id, email, email_key, external_id, created_at_ms) values
    (1, 1, 'Ada@example.com', 'ada@example.com', 'crm-1', 1767268801000),
    (4, 1, 'bob@example.com', 'bob@example.com', null, 1767268802000),
    (5, 3, 'ada@example.com', 'ada@example.com', null, 1767268802000);
insert into visitors (id, list_id, uuid, subscriber_id, external_id, created_at_ms) values
    (1, 1, x'11111111111141118111111111111111', 1, null, 1767268801000),
    (2, 1, x'22222222222242228222222222222222', null, 'anon-2', 1767268801000);
insert into event_names (id, list_id, name, kind) values
    (1, 1, 'pageView', 1), (2, 1, 'identify', 2), (3, 1, 'conversion', 3), (4, 1, 'cart', 0);
insert into contexts (id, digest, properties) values
    (1, x'e3d9e2591ff00709f16f070b', '{"$browser":"Chrome","$device_type":"desktop","$os":"Windows"}'),
    (2, x'9b3d1dd517829d44cafd3587', '{"$current_url":"https://shop.example/","$host":"shop.example","$pathname":"/"}'),
    (3, x'bf78e4a953b40eee238ca2e9', '{}');
insert into events (id, list_id, unique_id, visitor_id, name_id, browser_id, page_id, happened_at_ms,
        sent_at_ms, received_at_ms, door, silent, format, properties, answered_id, caused_by) values
    (1, 1, x'e0000000000040008000000000000001', 1, 1, 1, 2, 1767268801000, 1767268801000, 1767268801100, 1, 0, 1, '{}', null, null),
    (2, 1, x'e0000000000040008000000000000002', 1, 4, 1, 2, 1767268802000, 1767268802000, 1767268802100, 1, 0, 1, '{"product_id":101}', null, null),
    (3, 1, x'e0000000000040008000000000000003', 1, 2, 1, 2, 1767268802000, 1767268802000, 1767268802100, 1, 0, 1, '{"product_id":101}', null, 2),
    (4, 1, x'e0000000000040008000000000000004', 1, 3, 3, 3, 1767268803000, null, 1767268803100, 3, 1, 1, '{"conversion-id":"order-1","conversion-name":"Order","conversion-value":290.5}', 'crm-1', null),
    (9, 1, x'e0000000000040008000000000000009', 2, 1, 1, 2, 1767268804000, null, 1767268804100, 2, 0, 1, '{}', null, null);
insert into catalog (name_id, property, first_seen_at_ms) values
    (1, '$browser', 1767268801100), (4, '$browser', 1767268802100), (4, 'product_id', 1767268802100),
    (3, 'conversion-value', 1767268803100);
