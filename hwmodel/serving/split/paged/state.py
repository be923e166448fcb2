"""Everything the compiled replay reads and writes, as named tuples of arrays that numba takes as they are."""

from typing import Any, NamedTuple

import numpy as np

from hwmodel.serving.engine import NONE, EngineCalls, EngineSettings, Owners, Policy
from hwmodel.serving.fast.lineage import followers
from hwmodel.serving.heap import push
from hwmodel.serving.split.host import NO_HOST, HostTier
from hwmodel.serving.split.paged.records import CALL, CLOCK, IDLE_NS, KINDS, NOTHING, PART, REPLICA
from hwmodel.serving.split.settings import LinkTimes, SplitSettings


class Limits(NamedTuple):
    """Settings as numbers that both pools share, or that are of one."""

    calls_count: int
    prefill_count: int
    decode_count: int
    block_tokens: int
    caching: bool
    by_priority: bool
    prefill_state_blocks: int
    decode_state_blocks: int
    prefill_blocks: int
    decode_blocks: int
    prefill_router: int
    decode_router: int
    horizon_ns: int


class Machine(NamedTuple):
    """All of a replay in one value."""

    calls: np.ndarray
    parts: np.ndarray
    replicas: np.ndarray
    table: np.ndarray
    """Blocks of all parts, one part after the other."""
    keys: np.ndarray
    """Content of each block of each call, told when the call is requested."""
    system_at: np.ndarray
    """First content of each system prompt."""
    running: np.ndarray
    """(replicas, sequences): parts in order of admission."""
    users: np.ndarray
    """(replicas, blocks)"""
    content: np.ndarray
    """(replicas, blocks)"""
    found: np.ndarray
    """(replicas, contents): the block that tells it, or -1."""
    newer: np.ndarray
    """(replicas, blocks + 1): free queue, the last place being both its ends."""
    older: np.ndarray
    host_newer: np.ndarray
    """(replicas, contents + 1): host memory in order of use, the last place being both its ends; -1 where absent."""
    host_older: np.ndarray
    events: np.ndarray
    """(2, room): heap of time and code."""
    given: np.ndarray
    """Calls that the latest scheduling gave room."""
    done: np.ndarray
    """Parts that the latest step finished."""
    clock: np.ndarray
    limits: Limits
    link: LinkTimes
    host: HostTier
    prefill_cost: Any
    decode_cost: Any


class Pools(NamedTuple):
    """Replicas that prefill and replicas that decode; without the latter the former do both."""

    prefill: EngineSettings
    decode: EngineSettings
    prefill_count: int
    decode_count: int
    link: LinkTimes
    host: HostTier


def pools_of(settings: SplitSettings) -> Pools:
    """Both pools, without host memory."""
    counts = settings.prefill_count, settings.decode_count
    return Pools(settings.prefill, settings.decode, *counts, settings.link, NO_HOST)


def one_pool(settings: EngineSettings, replicas_count: int, host: HostTier) -> Pools:
    """Replicas that do both, with host memory."""
    return Pools(settings, settings, replicas_count, 0, LinkTimes(0.0, 0.0, 0, overlap=False, layers=1), host)


def machine_of(calls: EngineCalls, owners: Owners, settings: Pools, *, prefill_cost: Any, decode_cost: Any) -> Machine:
    """Everything at its beginning: nobody has arrived, replicas are idle, all blocks empty and free."""
    size = len(calls)
    most = -(-(calls.input_tokens + calls.output_tokens) // settings.prefill.block_tokens)
    key_at, system_at, contents_count = _contents(owners, most)
    engines = [settings.prefill] * settings.prefill_count + [settings.decode] * settings.decode_count
    blocks_count = max(engine.blocks_count for engine in engines)
    seats = max(engine.max_sequences_count for engine in engines)
    parts, table_size = _parts(calls, most, settings)
    newer, older = _free_queues(engines, blocks_count)
    hosted = contents_count if settings.host.blocks_count > 0 else 0
    host_newer, host_older = (np.full((len(engines), hosted + 1), NONE, dtype=np.int32) for _ in range(2))
    host_newer[:, -1] = host_older[:, -1] = hosted
    return Machine(
        calls=_calls(calls, owners, key_at),
        parts=parts,
        replicas=_replicas(engines),
        table=np.zeros(table_size, dtype=np.int32),
        keys=np.zeros(int(most.sum()), dtype=np.int64),
        system_at=system_at,
        running=np.zeros((len(engines), seats), dtype=np.int64),
        users=np.zeros((len(engines), blocks_count), dtype=np.int32),
        content=np.full((len(engines), blocks_count), NOTHING, dtype=np.int64),
        found=np.full((len(engines), contents_count), NOTHING, dtype=np.int32),
        newer=newer,
        older=older,
        host_newer=host_newer,
        host_older=host_older,
        events=np.zeros((2, 2 * size + 2), dtype=np.int64),
        given=np.zeros(size, dtype=np.int64),
        done=np.zeros(seats, dtype=np.int64),
        clock=np.zeros(1, dtype=CLOCK),
        limits=_limits(size, settings),
        link=settings.link,
        host=settings.host,
        prefill_cost=prefill_cost,
        decode_cost=decode_cost,
    )


def _contents(owners: Owners, most: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """First content of each call and of each system prompt, and how many contents there are."""
    size = most.size
    key_at = np.concatenate([[0], np.cumsum(most)])
    of_system = np.zeros(owners.systems_count, dtype=np.int64)
    is_system = owners.owner >= size
    np.maximum.at(of_system, owners.owner[is_system] - size, owners.shared_blocks[is_system])
    system_at = key_at[-1] + np.concatenate([[0], np.cumsum(of_system)]).astype(np.int64)
    return key_at[:-1], system_at[:-1], int(system_at[-1])


def _calls(calls: EngineCalls, owners: Owners, key_at: np.ndarray) -> np.ndarray:
    records = np.zeros(len(calls), dtype=CALL)
    records["gap_ns"], records["parent"] = calls.gap_ns, calls.parent
    records["owner"], records["shared_blocks"], records["key_at"] = owners.owner, owners.shared_blocks, key_at
    records["first_follower"], records["next_follower"] = followers(calls.after)
    records["is_attached"] = owners.owner >= 0
    for name in ("first_ns", "last_ns", "room_ns", "arrived_ns"):
        records[name] = NONE
    return records


def _parts(calls: EngineCalls, most: np.ndarray, settings: Pools) -> tuple[np.ndarray, int]:
    size = len(calls)
    records = np.zeros(2 * size, dtype=PART)
    for name in ("input_tokens", "output_tokens", "priority"):
        records[name] = np.tile(getattr(calls, name), 2)
    if settings.decode_count > 0:
        records["output_tokens"][:size] = 1
    records["loaded_tokens"][:size] = np.minimum(calls.loaded_tokens, calls.input_tokens - 1)
    records["generated_tokens"][size:] = 1
    rooms = np.concatenate([most + settings.prefill.state_blocks_count, most + settings.decode.state_blocks_count])
    ends = np.cumsum(rooms)
    records["table_at"] = ends - rooms
    records["state_at"] = records["table_at"] + np.tile(most, 2)
    for name in ("requested_ns", "scheduled_ns", "cached_tokens", "replica", "before", "behind"):
        records[name] = NONE
    return records, int(ends[-1])


def _replicas(engines: list[EngineSettings]) -> np.ndarray:
    records = np.zeros(len(engines), dtype=REPLICA)
    records["max_sequences"] = [engine.max_sequences_count for engine in engines]
    records["max_batched_tokens"] = [engine.max_batched_tokens for engine in engines]
    records["free_blocks"] = [engine.blocks_count for engine in engines]
    for name in ("first_waiting", "last_waiting", "first_arrived", "last_arrived"):
        records[name] = NONE
    records["step_end_ns"] = IDLE_NS
    return records


def _free_queues(engines: list[EngineSettings], blocks_count: int) -> tuple[np.ndarray, np.ndarray]:
    """All blocks of a replica in order; the last place stands before the first of them and behind the last."""
    newer = np.tile(np.arange(1, blocks_count + 2, dtype=np.int32), (len(engines), 1))
    older = np.tile(np.arange(-1, blocks_count, dtype=np.int32), (len(engines), 1))
    for replica, engine in enumerate(engines):
        last = engine.blocks_count - 1
        newer[replica, last], newer[replica, blocks_count] = blocks_count, 0
        older[replica, 0], older[replica, blocks_count] = blocks_count, last
    return newer, older


def _limits(size: int, settings: Pools) -> Limits:
    prefill, decode = settings.prefill, settings.decode
    return Limits(
        calls_count=size,
        prefill_count=settings.prefill_count,
        decode_count=settings.decode_count,
        block_tokens=prefill.block_tokens,
        caching=prefill.prefix_caching,
        by_priority=prefill.policy is Policy.PRIORITY,
        prefill_state_blocks=prefill.state_blocks_count,
        decode_state_blocks=decode.state_blocks_count,
        prefill_blocks=prefill.blocks_count,
        decode_blocks=decode.blocks_count,
        prefill_router=int(prefill.router),
        decode_router=int(decode.router),
        horizon_ns=prefill.horizon_ns,
    )


def first_events(machine: Machine, calls: EngineCalls) -> None:
    """Requests of calls with a start of their own."""
    keys, codes = machine.events
    count = 0
    for call in np.flatnonzero(calls.after < 0).tolist():
        count = push(keys, codes, count, int(calls.start_ns[call]), KINDS * call)
    machine.clock["events_size"] = count
