"""Where the signing key comes from."""

from chassis.audit.signing import DEVELOPMENT_SEED, SigningKey
from chassis.ports.secrets import SecretManager, secret_name
from chassis.settings import AuditSettings


async def signing_key(settings: AuditSettings, secrets: SecretManager) -> SigningKey:
    """Read the key of the moment; outside production, where the settings demand none, the one that everybody knows."""
    if settings.signing_key is None:
        return SigningKey(DEVELOPMENT_SEED)
    return SigningKey.from_secret(await secrets.get(secret_name(settings.signing_key)))
