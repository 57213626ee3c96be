"""The configuration of coturn, the TURN server of deploy/turn.yml: a relay for calls, and no way into anything else."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

#: Ports that calls are relayed through. One call takes four at most.
RELAY_PORTS: Final = (49160, 49659)
#: Allocations at once of one participant's session (the user name is made from it), and of all.
_QUOTA_OF_ONE: Final = 8
_QUOTA_OF_ALL: Final = 450
#: Nothing that the machine or its neighbours offer may be reached through the relay (ASVS V17.1): this host, private
#: and link-local networks with the clouds' metadata, documentation, translation, multicast (RFC 6890), both families.
_DENIED: Final = """
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
    192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/3
    ::1/128 ::ffff:0:0/96 ::ffff:0:0:0/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16
    3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8
"""
DENIED: Final = tuple(ip_network(network) for network in _DENIED.split())


def _range(network: IPv4Network | IPv6Network) -> str:
    """As coturn reads it; a range that begins with `::` would be all of IPv4 to it."""
    return str(network[0]) if network.num_addresses == 1 else f"{network[0]}-{network[-1]}"


def render(*secrets: str, allowed: str = "") -> str:
    """turnserver.conf. Credentials are made by signaling from one of the same `secrets` and end after ten minutes;
    there are several while the secret turns.

    What differs from machine to machine (addresses, certificate) is said on the command line, see deploy/turn.yml. It
    logs nothing: every line would hold somebody's address. `allowed` is reached all the same; for tests.
    """
    lines = [
        "use-auth-secret",
        *(f"static-auth-secret={secret}" for secret in secrets),
        "realm=schalter",
        "fingerprint",
        f"min-port={RELAY_PORTS[0]}",
        f"max-port={RELAY_PORTS[1]}",
        f"user-quota={_QUOTA_OF_ONE}",
        f"total-quota={_QUOTA_OF_ALL}",
        # In bytes per second, of one session: a good picture needs a third of it.
        "max-bps=1000000",
        "stale-nonce=600",
        "no-multicast-peers",
        "no-cli",
        "no-tlsv1",
        "no-tlsv1_1",
        "no-rfc5780",
        "log-file=/dev/null",
        "no-stdout-log",
        "pidfile=/tmp/turnserver.pid",
        "userdb=/tmp/turndb",
        # Calls are datagrams; by TCP it would be a proxy into whatever listens, this machine's own address included.
        "no-tcp-relay",
        *(f"denied-peer-ip={_range(network)}" for network in DENIED),
        *([f"allowed-peer-ip={allowed}", "allow-loopback-peers"] if allowed else []),
    ]
    return "\n".join(lines) + "\n"
