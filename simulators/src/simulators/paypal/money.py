"""Amounts as PayPal writes them ("13.00" with a currency) and as the simulator counts them (integer cents)."""

import re

from pydantic import BaseModel, ConfigDict

_VALUE = re.compile(r"[0-9]{1,7}\.[0-9]{2}")


class Amount(BaseModel):
    """`{"currency_code": "EUR", "value": "13.00"}`; a breakdown beside it is accepted and kept by the caller."""

    model_config = ConfigDict(frozen=True)

    currency_code: str
    value: str

    @property
    def cents(self) -> int:
        """The value in cents. ValueError when it is not a positive number with two decimals."""
        if not _VALUE.fullmatch(self.value):
            raise ValueError(self.value)
        euros, cents = self.value.split(".")
        return int(euros) * 100 + int(cents)

    @classmethod
    def of(cls, cents: int, currency: str) -> "Amount":
        """The amount that PayPal would write for so many cents."""
        return cls(currency_code=currency, value=f"{cents // 100}.{cents % 100:02d}")
