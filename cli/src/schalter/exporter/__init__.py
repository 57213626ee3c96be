"""The exporter: what PostgreSQL, NATS, Redis, the gateway and the disks say, in Prometheus' words."""
