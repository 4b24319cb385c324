"""The losses equal PyTorch's own on the frames that count, and ignore every other frame."""

import pytest
import torch
from torch import nn
from xview_training.imitation.losses import Labels, LossWeights, imitation_losses
from xview_training.policy.heads import PolicyOutput

B, T, CELLS = 3, 5, 64


@pytest.fixture
def output() -> PolicyOutput:
    torch.manual_seed(0)
    sizes = {"buttons": 7, "pitch": 11, "yaw": 11, "heatmap": CELLS + 1, "point": 2, "box": 4, "bearing": 2}
    parts = {name: torch.randn(B, T, size, requires_grad=True) for name, size in sizes.items()}
    return PolicyOutput(value=torch.randn(B, T, requires_grad=True), **parts)


@pytest.fixture
def labels() -> Labels:
    torch.manual_seed(1)
    cell = torch.randint(0, CELLS, (B, T))
    cell[:, ::2] = CELLS
    alive = torch.rand(B, T) > 0.3
    alive[0, :2] = True
    return Labels(
        action=torch.randint(0, 7, (B, T, 3)),
        cell=cell,
        point=torch.rand(B, T, 2),
        box=torch.rand(B, T, 4),
        bearing=nn.functional.normalize(torch.randn(B, T, 2), dim=-1),
        bearing_known=torch.arange(T).expand(B, T) > 0,
        value=torch.rand(B, T),
        alive=alive,
    )


def test_losses_equal_the_library_on_the_frames_that_count(output, labels):
    got = imitation_losses(output, labels, LossWeights(visible_frames=1.0))
    alive, seen = labels.alive, labels.alive & (labels.cell < CELLS)
    known = labels.alive & labels.bearing_known
    entropy = nn.CrossEntropyLoss()
    expected = {
        "buttons": entropy(output.buttons[alive], labels.action[alive][:, 0]),
        "pitch": entropy(output.pitch[alive], labels.action[alive][:, 1]),
        "yaw": entropy(output.yaw[alive], labels.action[alive][:, 2]),
        "heatmap": entropy(output.heatmap[alive], labels.cell[alive]),
        "point": nn.L1Loss()(output.point[seen], labels.point[seen]),
        "box": nn.L1Loss()(output.box[seen], labels.box[seen]),
        "bearing": 2 * nn.MSELoss()(output.bearing[known], labels.bearing[known]),
        "value": nn.MSELoss()(output.value[alive], labels.value[alive]),
    }
    assert set(got) == {*expected, "total"}
    for name, loss in expected.items():
        torch.testing.assert_close(got[name], loss, msg=lambda text, name=name: f"{name}: {text}")


def test_frames_that_show_the_target_weigh_three_times_in_the_heatmap(output, labels):
    weighted = imitation_losses(output, labels, LossWeights())["heatmap"]
    alive, cell = labels.alive, labels.cell
    each = nn.CrossEntropyLoss(reduction="none")(output.heatmap[alive], cell[alive])
    torch.testing.assert_close(weighted, (each * (1 + 2 * (cell[alive] < CELLS))).mean())


def test_total_is_the_weighted_sum(output, labels):
    weights = LossWeights(buttons=0.1, pitch=0.2, yaw=0.3, heatmap=0.4, point=0.5, box=0.6, bearing=0.7, value=0.8)
    losses = imitation_losses(output, labels, weights)
    total = sum(getattr(weights, name) * loss for name, loss in losses.items() if name != "total")
    torch.testing.assert_close(losses["total"], total)


def test_frames_that_are_not_alive_have_no_influence(output, labels):
    clean = imitation_losses(output, labels, LossWeights())
    dead = ~labels.alive
    spoilt = labels._replace(value=labels.value.masked_fill(dead, 1e6))
    spoilt = spoilt._replace(point=labels.point.masked_fill(dead.unsqueeze(-1), -1e6))
    losses = imitation_losses(output, spoilt, LossWeights())
    torch.testing.assert_close(losses, clean)
    losses["total"].backward()
    assert all((part.grad[dead] == 0).all() for part in output if part is not None)


def test_a_batch_without_a_counting_frame_costs_nothing(output, labels):
    losses = imitation_losses(output, labels._replace(alive=torch.zeros(B, T, dtype=torch.bool)), LossWeights())
    assert losses["total"].item() == 0
