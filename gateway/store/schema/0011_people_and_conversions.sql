-- The newest subscribers of a list without reading all of them, some 8 bytes each; and the
-- conversions of a time, some 20 bytes each: one event of many is one.
create index subscribers_by_list on subscribers (list_id);
create index conversions_by_time on conversions (list_id, happened_at_ms);
