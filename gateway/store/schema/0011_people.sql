-- The newest subscribers of a list without reading all of them; some 8 bytes each.
create index subscribers_by_list on subscribers (list_id);
