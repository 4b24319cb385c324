"""The small cross-view policy: a few million parameters, for CPUs, small robots and tests.

The structure is the published one (ROCKET-2, section 3): encode both views, fuse them in space, remember over
time, read heads off the memory; with an explicit correlation of the two views added. Knows neither worlds nor
tasks.

    policy = SmallPolicy(SmallPolicyConfig())
    goal = policy.encode_goal(goal_image, goal_mask)
    output, state = policy(images, goal, event, previous_action, policy.initial_state(batch))
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor, nn
from xview_deploy.spec import INTERACTION_ROWS, ActionTable

from xview_training.policy.autocast import full_precision
from xview_training.policy.cross_view import CrossViewPolicy, Goal
from xview_training.policy.encoders import (
    TOKEN_STRIDE,
    ImageEncoder,
    MaskEncoder,
    pool_under_mask,
    token_positions,
)
from xview_training.policy.fusion import Correlation, FusionBlock
from xview_training.policy.heads import DecisionHead, PlaceHead, PolicyOutput
from xview_training.policy.memory import Memory, State


@dataclasses.dataclass(frozen=True)
class SmallPolicyConfig:
    """Sizes of the small policy. The defaults train at about a thousand frames a second on two cores."""

    image_size: int = 64  # S, pixels a side; a multiple of 16
    stem_width: int = 16  # channels at S/2
    feature_width: int = 48  # channels at S/4, where the goal is correlated
    token_width: int = 96  # D of the tokens at S/8
    fusion_blocks: int = 2
    fusion_heads: int = 3
    correlation: bool = True  # the goal's features are correlated with the picture's; false: for comparison
    correlation_width: int = 32
    reduced_width: int = 16  # of each token when the picture becomes one vector
    embedding_width: int = 16  # of the event and of each part of the previous action
    memory_width: int = 256
    memory_key_width: int = 128  # of keys and values, all heads together: the size of the state
    memory_layers: int = 2
    memory_heads: int = 4
    memory_window: int = 64  # W, steps each layer sees, the present one included
    action_sizes: tuple[int, int, int] = ActionTable().sizes
    architecture: str = "small"

    def __post_init__(self) -> None:
        if self.architecture != "small":
            raise ValueError(f"architecture: expected small for these sizes, got {self.architecture!r}")
        if self.image_size <= 0 or self.image_size % 16:
            raise ValueError(f"image_size is {self.image_size}: expected a positive multiple of 16")

    @property
    def side(self) -> int:
        """Tokens along a side of the picture."""
        return self.image_size // TOKEN_STRIDE


class SmallPolicy(CrossViewPolicy):
    """See `CrossViewPolicy`. A goal's vector (B, D + K) is the masked target, then its correlation kernel.

    Without the correlation the vector is (B, D), and neither tokens nor heat-map are told where the picture looks like
    the target.
    """

    perception = (
        *("image_encoder.", "mask_encoder.", "goal_positions", "target.", "correlation."),
        *("positions", "target_to_tokens.", "match_to_tokens", "fusion.", "norm.", "place.", "reduce."),
    )

    def __init__(self, config: SmallPolicyConfig) -> None:
        super().__init__()
        self.config: SmallPolicyConfig = config
        width, cells = config.token_width, config.side**2
        self.image_encoder = ImageEncoder(config.stem_width, config.feature_width, width)
        self.mask_encoder = MaskEncoder(width)
        self.correlation = Correlation(config.feature_width, config.correlation_width) if config.correlation else None
        self.target = nn.Linear(config.feature_width, width)
        self.goal_positions = token_positions(cells, width)
        self.positions = token_positions(cells, width)
        self.target_to_tokens = nn.Linear(width, width)
        self.match_to_tokens = nn.Parameter(torch.randn(width) * 0.1) if config.correlation else None
        self.fusion = nn.ModuleList(
            FusionBlock(width, config.fusion_heads, 2 * width) for _ in range(config.fusion_blocks)
        )
        self.norm = nn.LayerNorm(width)
        self.place = PlaceHead(width, config.side, config.correlation)
        self.reduce = nn.Linear(width, config.reduced_width)
        self._build_decision(config, cells)
        for parameter in self.parameters():
            if parameter.dim() == 4:  # pictures come as NHWC
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)

    def _build_decision(self, config: SmallPolicyConfig, cells: int) -> None:
        self.event = nn.Embedding(INTERACTION_ROWS, config.embedding_width)
        self.previous = nn.ModuleList(nn.Embedding(n, config.embedding_width) for n in config.action_sizes)
        # Of a percept: reduced tokens, looks, heat-map, point, box. The summary is of the first three.
        self._parts = (cells * config.reduced_width, 2 * config.token_width, cells + 1, 2, 4)
        self.percept_width = sum(self._parts)
        seen = sum(self._parts[:3])
        told = config.embedding_width * (1 + len(config.action_sizes))
        self.summary = nn.Sequential(nn.Linear(seen + told, config.memory_width), nn.ReLU())
        self.memory = Memory(
            config.memory_width,
            config.memory_key_width,
            config.memory_layers,
            config.memory_heads,
            config.memory_window,
        )
        self.decision = DecisionHead(2 * config.memory_width, config.memory_width, config.action_sizes)
        self._noop = (0, *(bins // 2 for bins in config.action_sizes[1:]))

    def initial_state(self, batch: int) -> State:
        """See `CrossViewPolicy`."""
        return self.memory.initial_state(batch, self.positions.device)

    def encode_goal(self, goal_image: Tensor, goal_mask: Tensor) -> Goal:
        """See `CrossViewPolicy`."""
        features, tokens = self.image_encoder(goal_image)
        tokens = tokens + self.mask_encoder(goal_mask) + self.goal_positions
        with full_precision():
            pooled = pool_under_mask(features, goal_mask)
            vector = self.target(pooled)
            if self.correlation is not None:
                vector = torch.cat([vector, self.correlation.kernel(pooled)], -1)
        return Goal(tokens.float(), vector)

    def forward(
        self,
        images: Tensor,
        goal: Goal,
        event: Tensor,
        previous_action: Tensor,
        state: State,
        hidden: Tensor | None = None,
    ) -> tuple[PolicyOutput, State]:
        """See `CrossViewPolicy`. A previous action that is not told is the one of an episode's start."""
        if hidden is not None:
            start = torch.tensor(self._noop, device=previous_action.device)
            previous_action = torch.where(hidden.unsqueeze(-1), start, previous_action)
        return self.act_on(self.perceive(images, goal), event, previous_action, state)

    def act_on(
        self, percept: Tensor, event: Tensor, previous_action: Tensor, state: State
    ) -> tuple[PolicyOutput, State]:
        """See `CrossViewPolicy`."""
        summary = self.summarise(percept, event, previous_action)
        remembered, state = self.remember(summary, state)
        return self.decide(remembered, summary, percept), state

    def perceive(self, images: Tensor, goal: Goal) -> Tensor:
        """What needs neither memory nor previous actions: each picture's percept (B, T, P), see `_parts`."""
        tokens, matches = self._see(images.flatten(0, 1), goal)
        reduced = self.reduce(tokens).flatten(1)
        with full_precision():
            heatmap, point, box, looks = self.place(tokens.float(), matches)
            percept = torch.cat([reduced.float(), looks, heatmap, point, box], -1)
        return percept.view(*images.shape[:2], -1)

    def summarise(self, percept: Tensor, event: Tensor, previous_action: Tensor) -> Tensor:
        """A percept and what is told beside it -> summaries (B, T, width)."""
        reduced, looks, heatmap, _, _ = percept.split(self._parts, -1)
        with full_precision():
            told = self._tell(event, previous_action)
            summary: Tensor = self.summary(torch.cat([reduced, heatmap.softmax(-1), looks, told], -1))
        return summary

    def remember(self, summary: Tensor, state: State) -> tuple[Tensor, State]:
        """Summaries (B, T, width) and the memory before them -> what is remembered at each, the memory after them."""
        with full_precision():
            remembered: tuple[Tensor, State] = self.memory(summary, state)
        return remembered

    def decide(self, remembered: Tensor, summary: Tensor, percept: Tensor) -> PolicyOutput:
        """The answer, from what is remembered and what is seen (B, T, ...)."""
        with full_precision():
            buttons, pitch, yaw, value, bearing = self.decision(torch.cat([remembered, summary], -1))
        _, _, heatmap, point, box = percept.split(self._parts, -1)
        return PolicyOutput(buttons, pitch, yaw, value, heatmap, point, box, bearing, percept)

    def _see(self, images: Tensor, goal: Goal) -> tuple[Tensor, Tensor | None]:
        """Pictures (N, S, S, 3) -> tokens (N, L, D) that know the goal, and the correlation map (N, L) if any."""
        width = self.config.token_width
        target, kernel = goal.vector[:, :width], goal.vector[:, width:]
        features, tokens = self.image_encoder(images)
        hint = (self.positions + self.target_to_tokens(target).unsqueeze(1)).to(tokens.dtype)  # (B, L, D)
        tokens = (tokens.unflatten(0, (hint.shape[0], -1)) + hint.unsqueeze(1)).flatten(0, 1)
        matches = None
        if self.correlation is not None and self.match_to_tokens is not None:
            matches = self.correlation(features, kernel)
            tokens = tokens + matches.to(tokens.dtype).unsqueeze(-1) * self.match_to_tokens.to(tokens.dtype)
        for block in self.fusion:
            tokens = block(tokens, goal.tokens)
        return self.norm(tokens), matches

    def _tell(self, event: Tensor, previous_action: Tensor) -> Tensor:
        """Event (B,) and previous actions (B, T, 3) -> embeddings (B, T, 4 * embedding_width)."""
        steps = previous_action.shape[1]
        parts = [self.event(event).unsqueeze(1).expand(-1, steps, -1)]
        parts += [table(part) for table, part in zip(self.previous, previous_action.unbind(-1), strict=True)]
        return torch.cat(parts, -1)
