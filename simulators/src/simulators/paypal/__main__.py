"""Starts the simulator: `python -m simulators.paypal`."""

import logging

import uvicorn

from simulators.paypal.app import build
from simulators.paypal.settings import Settings


def main() -> None:
    """Reads the environment and serves until told to stop."""
    settings = Settings()
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    uvicorn.run(
        build(settings),
        host=settings.paypal_host,
        port=settings.paypal_port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,  # an answer that a test asked to be lost is not waited for
    )


if __name__ == "__main__":
    main()
