"""Spent proofs of work, in the transaction of what they were spent on: once is once, on every replica."""

from datetime import datetime

from booking.limits.proof import Proof
from chassis.database import Transaction


async def spend(tx: Transaction, proof: Proof) -> bool:
    """Spends `proof`; False if it was spent before. A transaction that rolls back gives it back."""
    spent = await tx.execute(
        "INSERT INTO spent_proof (id, expires_at) VALUES (:id, :expires_at) ON CONFLICT DO NOTHING",
        id=proof.id,
        expires_at=proof.expires_at,
    )
    return spent == 1


async def forget_spent(tx: Transaction, now: datetime) -> int:
    """Forgets spent proofs that have expired: those are refused for their age. How many there were."""
    return await tx.execute("DELETE FROM spent_proof WHERE expires_at < CAST(:now AS timestamptz)", now=now)
