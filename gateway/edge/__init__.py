"""Where machines talk to us: browsers' beacons, the tracker, servers' API calls, health."""
