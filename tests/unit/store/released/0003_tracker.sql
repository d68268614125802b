-- What came with the tracker: a script that pages still name, and a tab that lost its second event.
insert into scripts (version, body) values ('3f9c00000000', x'2f2f20747261636b6572');
insert into events (id, list_id, unique_id, visitor_id, name_id, browser_id, page_id, happened_at_ms,
        sent_at_ms, received_at_ms, door, silent, format, properties, tab, seq) values
    (10, 1, x'e000000000004000800000000000000a', 2, 1, 1, 2, 1767268807000, 1767268807000, 1767268807100, 1, 0, 1, '{}', 77, 1),
    (11, 1, x'e000000000004000800000000000000b', 2, 1, 1, 2, 1767268809000, 1767268809000, 1767268809100, 1, 0, 1, '{}', 77, 3);
