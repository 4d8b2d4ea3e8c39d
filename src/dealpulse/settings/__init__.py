"""Settings: every environment variable, typed and frozen; all faults reported at once, secrets never printed.

    settings = Settings.load()

``variables`` is the table of names, defaults and meanings; ``values`` what other rooms are handed; ``loading`` gets
from the one to the other.
"""

from dealpulse.settings.cron import latest_run, next_run, parse_cron
from dealpulse.settings.loading import Fault, Settings, SettingsError, read_environment
from dealpulse.settings.values import (
    AiSettings,
    AlertSettings,
    ApiSettings,
    DeliverySettings,
    EncryptionKey,
    ExtractionSettings,
    GoogleSettings,
    LogSettings,
    MicrosoftSettings,
    QueueSettings,
    RedisSettings,
    Secret,
    SmtpServer,
    SourceSettings,
    SupabaseSettings,
)

__all__ = [
    "AiSettings",
    "AlertSettings",
    "ApiSettings",
    "DeliverySettings",
    "EncryptionKey",
    "ExtractionSettings",
    "Fault",
    "GoogleSettings",
    "LogSettings",
    "MicrosoftSettings",
    "QueueSettings",
    "RedisSettings",
    "Secret",
    "Settings",
    "SettingsError",
    "SmtpServer",
    "SourceSettings",
    "SupabaseSettings",
    "latest_run",
    "next_run",
    "parse_cron",
    "read_environment",
]
