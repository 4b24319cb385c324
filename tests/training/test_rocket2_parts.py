"""ROCKET-2's parts do what references that were not written here do, and what their definition says."""

import copy

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F
from xview_training.policy.memory import State
from xview_training.policy.rocket2.fusion import Encoder
from xview_training.policy.rocket2.heads import ReturnNormaliser
from xview_training.policy.rocket2.recurrence import Recurrence, RecurrentBlock, spread_offsets
from xview_training.policy.vit import VisionTransformer, VitBlock, VitSize, load_timm_weights, normalise_pictures

pytestmark = pytest.mark.usefixtures("one_thread")
CLOSE = {"atol": 1e-5, "rtol": 1e-5}
EXACT = {"atol": 1e-10, "rtol": 1e-10}
WIDTH, HEADS, WINDOW = 16, 2, 6


@pytest.fixture(autouse=True)
def _same_numbers():
    torch.manual_seed(0)


def stirred(module: nn.Module) -> nn.Module:
    """The module with every parameter away from its start, in evaluation mode."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return module.eval()


@pytest.mark.parametrize("wanted", [1, 4, 20])
def test_fusion_is_torchs_post_norm_encoder(wanted):
    layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
    reference = stirred(nn.TransformerEncoder(layer, 3, enable_nested_tensor=False))
    fusion = Encoder(32, 4, 3).eval()
    fusion.load_state_dict(reference.state_dict())
    tokens = torch.randn(2, 20, 32)
    torch.testing.assert_close(fusion(tokens, wanted), reference(tokens)[:, :wanted], **CLOSE)


def test_fusion_drops_out_in_training_only():
    fusion, tokens = Encoder(32, 4, 2), torch.randn(1, 8, 32)
    assert not torch.equal(fusion(tokens, 2), fusion(tokens, 2))
    fusion.eval()
    assert torch.equal(fusion(tokens, 2), fusion(tokens, 2))


def test_a_vision_block_is_torchs_pre_norm_layer():
    block = stirred(VitBlock(24, 3))
    reference = nn.TransformerEncoderLayer(
        24, 3, 96, activation=F.gelu, layer_norm_eps=1e-6, batch_first=True, norm_first=True
    ).eval()
    names = {
        "attn.qkv.": "self_attn.in_proj_",
        "attn.proj.": "self_attn.out_proj.",
        "mlp.fc1.": "linear1.",
        "mlp.fc2.": "linear2.",
    }
    weights = block.state_dict()
    for ours, theirs in names.items():
        weights = {name.replace(ours, theirs): tensor for name, tensor in weights.items()}
    reference.load_state_dict(weights)
    tokens = torch.randn(2, 9, 24)
    torch.testing.assert_close(block(tokens), reference(tokens), **CLOSE)


def test_patches_are_read_row_by_row_after_the_class_token():
    vit = stirred(VisionTransformer(VitSize(16, 2, depth=1), channels=1))
    pictures = torch.rand(1, 1, 224, 224)
    one = F.conv2d(pictures[..., 16:32, 48:64], *vit.patch_embed["proj"].parameters()).flatten()
    vit.blocks = nn.Sequential()
    torch.testing.assert_close(vit(pictures)[0, 14 + 3], one + vit.pos_embed[0, 1 + 14 + 3], **CLOSE)


def test_pictures_are_normalised_as_imagenet_is():
    grey = normalise_pictures(torch.full((1, 2, 2, 3), 124, dtype=torch.uint8))
    expected = [(124 / 255 - 0.485) / 0.229, (124 / 255 - 0.456) / 0.224, (124 / 255 - 0.406) / 0.225]
    torch.testing.assert_close(grey[0, :, 0, 0], torch.tensor(expected), **CLOSE)


def test_timms_weights_fill_one_channel_with_the_sum_of_colours(tmp_path):
    colour, grey = (VisionTransformer(VitSize(16, 2, depth=2), channels) for channels in (3, 1))
    head = {"norm.weight": torch.ones(16), "head.weight": torch.ones(5, 16), "head.bias": torch.ones(5)}
    save_file({**colour.state_dict(), **head}, tmp_path / "vit.safetensors")
    load_timm_weights(grey, tmp_path / "vit.safetensors")
    picture = torch.rand(1, 1, 224, 224)
    torch.testing.assert_close(grey(picture), colour(picture.expand(-1, 3, -1, -1)), **CLOSE)
    deeper = VisionTransformer(VitSize(16, 2, depth=3), 3)
    with pytest.raises(ValueError, match=r"vit.safetensors is no such vision transformer(.|\n)*blocks.2"):
        load_timm_weights(deeper, tmp_path / "vit.safetensors")
    (tmp_path / "vit.safetensors").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="is no readable safetensors file"):
        load_timm_weights(colour, tmp_path / "vit.safetensors")


def test_offsets_are_spread_over_keys():
    curves = torch.randn(2, 5, WINDOW)
    spread = spread_offsets(curves)
    assert spread.shape == (2, 5, WINDOW + 5)
    for query in range(5):
        for ago in range(WINDOW):
            assert torch.equal(spread[:, query, query + WINDOW - ago], curves[:, query, ago])


def by_definition(block: RecurrentBlock, sequence: torch.Tensor) -> torch.Tensor:
    """One block over a whole sequence (L, D) from an empty memory, query by query and head by head."""
    attention = block.r["orc_block"]
    normed = F.layer_norm(sequence, (WIDTH,), block.pre_r_ln.weight, block.pre_r_ln.bias)
    split = [layer(normed).view(-1, HEADS, WIDTH // HEADS) for layer in _projections(attention)]
    mix = attention.r_layer(normed).view(-1, HEADS, 10)
    rows = []
    for i in range(len(sequence)):
        seen = range(max(0, i - WINDOW + 1), i + 1)
        heads = []
        for h in range(HEADS):
            queries, keys, values = (part[:, h] for part in split)
            bias = [sum(mix[i, h, n] * attention.b_nd[n, i - j] for n in range(10)) for j in seen]
            logits = [queries[i] @ keys[j] / (WIDTH // HEADS) + b for j, b in zip(seen, bias, strict=True)]
            weights = torch.softmax(torch.stack(logits), 0)
            heads.append(sum(w * values[j] for w, j in zip(weights, seen, strict=True)))
        rows.append(normed[i] + attention.proj_layer(torch.cat(heads)))
    y = torch.stack(rows)
    first, last = block.mlp0, block.mlp1
    hidden = F.relu(F.layer_norm(y, (WIDTH,), first.norm.weight, first.norm.bias) @ first.layer.weight.T)
    return y + hidden @ last.layer.weight.T + last.layer.bias


def _projections(attention):
    return attention.q_layer, attention.k_layer, attention.v_layer


@pytest.fixture
def recurrence() -> Recurrence:
    return stirred(Recurrence(WIDTH, HEADS, 2, WINDOW)).double()


@pytest.fixture
def tokens() -> torch.Tensor:
    return torch.randn(2, 17, WIDTH, dtype=torch.double)


def empty(recurrence: Recurrence) -> State:
    return recurrence.initial_state(2, torch.zeros((), dtype=torch.double))


@pytest.mark.parametrize("lengths", [(17,), (1,) * 17, (5, 1, 2, 9), (3, 14)])
def test_recurrence_is_its_definition_however_the_sequence_is_cut(recurrence, tokens, lengths):
    state, parts = empty(recurrence), []
    for part in tokens.split(lengths, 1):
        part, state = recurrence(part, state)
        parts.append(part)
    expected = tokens
    for block in recurrence.blocks:
        expected = torch.stack([by_definition(block, row) for row in expected])
    torch.testing.assert_close(torch.cat(parts, 1), expected, **EXACT)


def test_the_state_is_the_last_window_of_keys_and_values(recurrence, tokens):
    _, state = recurrence(tokens[:, :4], empty(recurrence))
    assert state.valid.tolist() == [[0, 0, 1, 1, 1, 1]] * 2
    block = recurrence.blocks[0]
    keys = block.r["orc_block"].k_layer(block.pre_r_ln(tokens))
    torch.testing.assert_close(state.keys[:, 0, 2:], keys[:, :4], **EXACT)
    assert (state.keys[:, :, :2] == 0).all()
    _, state = recurrence(tokens[:, 4:], state)
    torch.testing.assert_close(state.keys[:, 0], keys[:, -WINDOW:], **EXACT)


def test_a_forgotten_row_starts_anew_whatever_its_memory_holds(recurrence, tokens):
    _, warm = recurrence(tokens[:, :9], empty(recurrence))
    fresh = recurrence(tokens[:, 9:], empty(recurrence))[0]
    forgot = recurrence(tokens[:, 9:], warm.forget(torch.tensor([True, False])))[0]
    kept = recurrence(tokens[:, 9:], warm)[0]
    torch.testing.assert_close(forgot[0], fresh[0], **EXACT)
    torch.testing.assert_close(forgot[1], kept[1], **EXACT)
    dirty = warm._replace(valid=torch.zeros_like(warm.valid))
    torch.testing.assert_close(recurrence(tokens[:, 9:], dirty)[0], fresh, **EXACT)


def test_returns_are_normalised_by_their_corrected_average():
    normaliser = ReturnNormaliser()
    batches = [torch.randn(4, 3) * 5 + 2 for _ in range(3)]
    mean = square = seen = 0.0
    for batch in batches:
        normaliser.update(batch)
        mean = 0.99999 * mean + 0.00001 * batch.mean().item()
        square = 0.99999 * square + 0.00001 * batch.square().mean().item()
        seen = 0.99999 * seen + 0.00001
    mean, square = mean / seen, square / seen
    expected = (batches[0] - mean) / (square - mean**2) ** 0.5
    torch.testing.assert_close(normaliser.normalise(batches[0]), expected, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(normaliser.denormalise(normaliser.normalise(batches[0])), batches[0], **CLOSE)


def test_a_new_normaliser_divides_by_the_least_deviation():
    normaliser = ReturnNormaliser()
    before = copy.deepcopy(normaliser.state_dict())
    torch.testing.assert_close(normaliser.denormalise(torch.tensor([2.0])), torch.tensor([0.2]), **CLOSE)
    assert all(torch.equal(before[name], tensor) for name, tensor in normaliser.state_dict().items())
