"""Chips, LLMs and lanes as data: every number with its unit, source and kind."""

from hwmodel.catalog.chip_design import DESIGN_NODES, FABRICS, NUMERIC_FIELDS, ChipDesign, DesignTable
from hwmodel.catalog.chip_fields import CHIP_FIELDS, FIELDS_BY_NAME, MICROARCHITECTURE_FIELDS, ChipField
from hwmodel.catalog.chip_spec import ChipSpec, Fact, Purpose, Source
from hwmodel.catalog.designs import DesignOrigin, design_of, design_origin, timed_design_of
from hwmodel.catalog.errors import BadSpec, CatalogError, MissingSpec, UnknownId
from hwmodel.catalog.index import Catalog, load_catalog
from hwmodel.catalog.lane import Lane
from hwmodel.catalog.llm import STORAGE_BYTES, Deployment, Dtype, LinearAttentionSpec, LlmSpec, MlaSpec, MoeSpec
from hwmodel.catalog.llm_entry import LlmEntry
from hwmodel.catalog.parameters import ParameterCount, count_parameters

__all__ = [
    "CHIP_FIELDS",
    "DESIGN_NODES",
    "FABRICS",
    "FIELDS_BY_NAME",
    "MICROARCHITECTURE_FIELDS",
    "NUMERIC_FIELDS",
    "STORAGE_BYTES",
    "BadSpec",
    "Catalog",
    "CatalogError",
    "ChipDesign",
    "ChipField",
    "ChipSpec",
    "Deployment",
    "DesignOrigin",
    "DesignTable",
    "Dtype",
    "Fact",
    "Lane",
    "LinearAttentionSpec",
    "LlmEntry",
    "LlmSpec",
    "MissingSpec",
    "MlaSpec",
    "MoeSpec",
    "ParameterCount",
    "Purpose",
    "Source",
    "UnknownId",
    "count_parameters",
    "design_of",
    "design_origin",
    "load_catalog",
    "timed_design_of",
]
