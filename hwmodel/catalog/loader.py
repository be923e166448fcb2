"""Reading the catalogue's data files: the only place where vendor units become SI."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import yaml

from hwmodel.catalog.chip_fields import CHIP_FIELDS, MICROARCHITECTURE_FIELDS, ChipField
from hwmodel.catalog.chip_spec import ChipSpec, Fact, Purpose, Source
from hwmodel.catalog.errors import BadSpec
from hwmodel.catalog.lane import Lane
from warehouse.contracts.vocabulary import EvidenceKind

Yaml = Mapping[str, Any]


def read_data(name: str) -> dict[str, Any]:
    """One data file of the package as plain values."""
    text = files("hwmodel.catalog").joinpath("data", name).read_text(encoding="utf-8")
    content = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe loader in C
    if not isinstance(content, dict):
        raise BadSpec(f"catalogue file {name} holds {type(content).__name__}, not a mapping")
    return content


def read_sources(*contents: Yaml) -> dict[str, Source]:
    """Source tables of several files, merged."""
    merged = {key: entry for content in contents for key, entry in content["sources"].items()}
    return {
        key: Source(key=key, what=e["what"], url=e["url"], kind=e["kind"], date=e["date"]) for key, e in merged.items()
    }


def read_chips(chips: Yaml, microarchitecture: Yaml) -> dict[str, ChipSpec]:
    """Chips in file order, each joined with its microarchitecture where there is one."""
    extra = {entry["id"]: entry for entry in microarchitecture["chips"]}
    orphans = set(extra) - {entry["id"] for entry in chips["chips"]}
    if orphans:
        raise BadSpec(f"microarchitecture of chips that chips.yaml lacks: {', '.join(sorted(orphans))}")
    return {entry["id"]: _chip(entry, extra.get(entry["id"])) for entry in chips["chips"]}


def read_lanes(content: Yaml) -> dict[str, Lane]:
    """Lanes in file order."""
    return {
        entry["id"]: Lane(
            id=entry["id"],
            title=entry["title"],
            is_contrast=entry["is_contrast"],
            best_fit=entry["best_fit"],
            must_express=tuple(entry["must_express"]),
            evidence=entry["evidence"],
            parts=tuple(entry["parts"]),
        )
        for entry in content["lanes"]
    }


def _chip(entry: Yaml, extra: Yaml | None) -> ChipSpec:
    facts = _facts(entry["facts"], CHIP_FIELDS, entry["id"])
    facts |= _facts(extra["facts"] if extra else {}, MICROARCHITECTURE_FIELDS, entry["id"])
    return ChipSpec(
        id=entry["id"],
        vendor=entry["vendor"],
        lane=entry["lane"],
        status=entry["status"],
        purpose=Purpose(entry.get("purpose", Purpose.FLEET)),
        node=extra["node"] if extra else None,
        fabric=extra["fabric"] if extra else None,
        absent_dtypes=frozenset(extra["absent"]) if extra else frozenset(),
        facts=facts,
        estimates=_estimates(entry["estimates"], extra["estimates"] if extra else {}),
        notes=entry["notes"],
        **entry["text"],
    )


def _facts(raw: Yaml, fields: tuple[ChipField, ...], chip: str) -> dict[str, Fact]:
    unknown = set(raw) - {field.key for field in fields}
    if unknown:
        raise BadSpec(f"chip {chip}: unknown keys {sorted(unknown)}; known: {[field.key for field in fields]}")
    return {field.name: _fact(raw.get(field.key), field) for field in fields}


def _fact(raw: Yaml | None, field: ChipField) -> Fact:
    if raw is None:
        return Fact(value=None, unit=field.unit, kind=None, source=None)
    kind = EvidenceKind(raw["kind"])
    value = float(raw["value"]) * field.si_factor
    return Fact(value=value, unit=field.unit, kind=kind, source=raw["source"], note=raw.get("note"))


def _estimates(chip: Yaml, microarchitecture: Yaml) -> dict[str, Fact]:
    raw = {key: {"kind": "assumed", **entry} for key, entry in {**chip, **microarchitecture}.items()}
    fields = (*CHIP_FIELDS, *MICROARCHITECTURE_FIELDS)
    return {field.name: _fact(raw[field.key], field) for field in fields if field.key in raw}
