"""What an event is: names, parsing, enriching. Pure: no web, no SQL, no clock."""
