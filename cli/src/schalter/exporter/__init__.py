"""The exporter: what PostgreSQL, NATS, Redis, the gateway's certificate and the disks say, in Prometheus' words."""
