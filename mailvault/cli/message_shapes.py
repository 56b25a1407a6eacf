"""The shapes that ``show`` prints, for programs and for people."""

from collections.abc import Iterator

from mailvault.archive.catalog.views import PlacementView
from mailvault.cli.output import JsonValue, json_time
from mailvault.cli.render import flags_text, size_text, time_text
from mailvault.cli.shapes import placement_json
from mailvault.cli.terminal import printable, printable_lines
from mailvault.operations.show import ShownMessage


def message_json(shown: ShownMessage) -> dict[str, JsonValue]:
    view = shown.view
    return {
        "schema": 1,
        "digest": str(view.digest),
        "size": view.size,
        "message_id": view.message_id,
        "date": json_time(view.date),
        "from": view.from_,
        "to": view.to,
        "cc": view.cc,
        "subject": view.subject,
        "attachments": [
            {"name": each.name, "content_type": each.content_type, "size": each.size}
            for each in view.attachments
        ],
        "placements": [placement_json(placement) for placement in view.placements],
        "text": shown.text,
        "note": shown.note,
    }


def message_lines(shown: ShownMessage) -> Iterator[str]:
    view = shown.view
    fields = {
        "From": view.from_,
        "To": view.to,
        "Cc": view.cc,
        "Date": time_text(view.date) if view.date else None,
        "Subject": view.subject,
        "Message-ID": view.message_id,
        "Digest": str(view.digest),
        "Size": f"{size_text(view.size)} ({view.size} octets)",
    }
    for name, value in fields.items():
        if value is not None:
            yield f"{name + ':':12}{printable(value)}"
    for each in view.attachments:
        name = each.name or "without a name"
        yield printable(
            f"{'Attachment:':12}{name} ({each.content_type}, {size_text(each.size)})"
        )
    for placement in view.placements:
        yield f"{'In:':12}{_place(placement)}"
    yield ""
    if shown.note:
        yield f"[{shown.note}]"
    if shown.text is not None:
        yield printable_lines(shown.text)


def _place(placement: PlacementView) -> str:
    flags = flags_text(placement.flags)
    gone = f", gone since {time_text(placement.gone_since)}" if placement.gone_since else ""
    return printable(
        f"{placement.account} {placement.mailbox}, number {placement.remote_id}"
        f"{', ' + flags if flags else ''}, since {time_text(placement.first_seen)}{gone}"
    )
