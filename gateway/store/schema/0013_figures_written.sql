-- How often figures were written down: what was worked out before another process wrote is told by it.
alter table figures_upto add column written integer not null default 0;
