"""The configuration as it was understood, without anything secret."""

import stat
from dataclasses import dataclass
from pathlib import Path

from mailvault.config.load import archive_path_of, load
from mailvault.config.model import (
    AccountSettings,
    CommandSecret,
    Configuration,
    EnvironmentSecret,
    FileSecret,
    KeyringSecret,
    LiteralSecret,
)
from mailvault.errors import ConfigurationError, MailvaultError
from mailvault.mail.json_values import JsonValue
from mailvault.monitoring.doctor.finding import Finding, Part, error, warning

_KEYS: dict[type, str] = {
    CommandSecret: "password_command",
    FileSecret: "password_file",
    EnvironmentSecret: "password_env",
    KeyringSecret: "keyring",
    LiteralSecret: "password",
}


@dataclass(frozen=True, slots=True)
class Read:
    """What became of the file; ``archive`` may be known although it is wrong elsewhere."""

    part: Part
    configuration: Configuration | None
    archive: Path | None


def examine_settings(path: Path) -> Read:
    facts: dict[str, JsonValue] = {"file": str(path)}
    findings: list[Finding] = []
    try:
        mode = path.stat().st_mode
        facts["mode"] = f"{stat.S_IMODE(mode):04o}"
        if mode & 0o022:
            findings.append(
                warning(
                    f"{path} can be changed by others, who may have commands run as you",
                    f"chmod go-w {path}",
                )
            )
        configuration = load(path)
    except OSError as trouble:
        what = f"{path} cannot be read: {trouble.strerror}"
        return Read(_broken(facts, findings, ConfigurationError(what)), None, None)
    except MailvaultError as trouble:
        return Read(_broken(facts, findings, trouble), None, archive_path_of(path))
    facts |= _facts(configuration)
    if not configuration.accounts:
        findings.append(warning("no account is configured", "see config.example.toml"))
    return Read(Part(facts, tuple(findings)), configuration, configuration.archive.path)


def _broken(
    facts: dict[str, JsonValue], findings: list[Finding], trouble: MailvaultError
) -> Part:
    return Part(facts, (*findings, error(str(trouble), trouble.hint)), trouble.exit_code)


def _facts(configuration: Configuration) -> dict[str, JsonValue]:
    schedule, notify = configuration.schedule, configuration.notify
    ways = {
        "ping": notify.ping, "webhook": notify.webhook, "apprise": notify.apprise,
        "command": notify.command, "email": notify.email_to,
    }  # fmt: skip
    return {
        "archive": str(configuration.archive.path),
        "store": configuration.archive.store,
        "accounts": [_account(each) for each in configuration.accounts.values()],
        "schedule": {
            name: getattr(schedule, name)
            for name in ("sync", "verify", "drill", "copy", "jitter", "window", "at_once")
        },
        "notify": [name for name, way in ways.items() if way],
        "metrics": [
            name for name in ("textfile", "listen") if getattr(configuration.metrics, name)
        ],
        "status_file": configuration.status.file is not None,
    }


def _account(account: AccountSettings) -> dict[str, JsonValue]:
    return {
        "account": account.name,
        "protocol": account.protocol,
        "host": account.host,
        "port": account.port,
        "tls": account.tls,
        "user": account.user,
        "auth": account.auth,
        "secret_from": _KEYS[type(account.secret)] if account.secret else None,
        "oauth": account.oauth.provider if account.oauth else None,
        "mailbox_globs": len(account.mailboxes),
        "connections": account.connections,
        "schedule": account.schedule,
        "watch": account.watch,
        "leave_on_server": account.leave_on_server,
        "delete_after_days": account.delete_after_days,
        "is_limited": account.max_rate is not None or account.daily_limit is not None,
    }
