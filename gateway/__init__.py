"""A self-hosted event tracking gateway: beacons and server events in, durable events out."""
