"""What nobody thought of, against a running gateway: calls made up from the document (`contract`),
and requests made up byte by byte (`raw`). The tests run a little of both, always the same;
`python -m tests.fuzz --minutes 10` runs more, always another."""
