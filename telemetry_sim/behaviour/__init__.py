"""What sessions would do if nobody left: drafts of agents, chats and API requests, and how long people wait."""

from telemetry_sim.behaviour.agent_loop import draft_agents
from telemetry_sim.behaviour.api_burst import draft_requests
from telemetry_sim.behaviour.chat import draft_chats
from telemetry_sim.behaviour.draft import Draft, Opened, Ragged, ToolDraft
from telemetry_sim.behaviour.patience import Deadlines, draw_deadlines

__all__ = [
    "Deadlines",
    "Draft",
    "Opened",
    "Ragged",
    "ToolDraft",
    "draft_agents",
    "draft_chats",
    "draft_requests",
    "draw_deadlines",
]
